"""An authority with a server's and a client's certificate, as Modbus/TCP Security wants them."""

import ipaddress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

_LONG = timedelta(days=1)


class Identity(NamedTuple):
    """Files of one side: whom it trusts, and who it is."""

    authority: Path
    certificate: Path
    key: Path

    def options(self) -> dict[str, str]:
        """By the names of pysunspec2."""
        return {
            "cafile": str(self.authority),
            "certfile": str(self.certificate),
            "keyfile": str(self.key),
        }


class Certificates(NamedTuple):
    server: Identity
    client: Identity


def make_certificates(folder: Path) -> Certificates:
    """A new authority in a folder; the server's certificate is for 127.0.0.1."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = _name("bench authority")
    authority = _builder(name, name, key).add_extension(
        x509.BasicConstraints(ca=True, path_length=0), critical=True
    )
    path = folder / "authority.pem"
    path.write_bytes(authority.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
    return Certificates(
        _identity(folder, "device", path, name, key), _identity(folder, "client", path, name, key)
    )


def _identity(
    folder: Path, name: str, authority: Path, issuer: x509.Name, issuer_key: ec.EllipticCurvePrivateKey
) -> Identity:
    key = ec.generate_private_key(ec.SECP256R1())
    loopback = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    certificate = _builder(_name(name), issuer, key).add_extension(
        x509.SubjectAlternativeName([loopback]), critical=False
    )
    made = Identity(authority, folder / f"{name}.pem", folder / f"{name}.key")
    made.certificate.write_bytes(
        certificate.sign(issuer_key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    )
    made.key.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return made


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _LONG)
        .not_valid_after(now + _LONG)
    )


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])
