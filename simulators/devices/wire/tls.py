"""Modbus/TLS: who serves, and whether clients must show a certificate.

Roles in certificates (MODBUS/TCP Security, 4) are not looked at: whoever may connect may write.
"""

import ssl
from pathlib import Path

from vpp_core.faults import ConfigurationFault


def server_context(certificate: Path, key: Path, client_authority: Path | None = None) -> ssl.SSLContext:
    """TLS 1.2 or later for a server.

    Args:
        certificate: PEM file of the server's chain.
        key: PEM file of its private key.
        client_authority: PEM file of who signs the clients; nothing: clients need no certificate.

    Raises:
        ConfigurationFault: a file cannot be used.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(certificate, key)
    except OSError as error:
        raise ConfigurationFault(
            f"The certificate {certificate} with the key {key} cannot be used: {error}."
        ) from error
    if client_authority is not None:
        try:
            context.load_verify_locations(client_authority)
        except OSError as error:
            raise ConfigurationFault(
                f"The clients' authority {client_authority} cannot be used: {error}."
            ) from error
        context.verify_mode = ssl.CERT_REQUIRED
    return context
