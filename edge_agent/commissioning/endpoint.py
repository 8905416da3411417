"""An endpoint as an installer writes it: ``192.0.2.7:502``, ``tls:192.0.2.7``, ``rtu:/dev/ttyUSB0``."""

import argparse
from pathlib import Path
from typing import Any

from edge_agent.devices.link import PORT, TLS_PORT, LinkSettings, Parity, Transport
from vpp_core.faults import ConfigurationFault

_PORT_MAX = 65_535
_FORMS = "write HOST:PORT, tls:HOST:PORT or rtu:PATH, as in 192.0.2.7:502 or rtu:/dev/ttyUSB0"
_OPTIONS = {
    Transport.TCP: (),
    Transport.TLS: ("ca_file", "cert_file", "key_file"),
    Transport.RTU: ("baud", "parity"),
}


def add_endpoint(parser: argparse.ArgumentParser) -> None:
    """The arguments that :func:`link_settings` reads."""
    parser.add_argument(
        "endpoint",
        metavar="ENDPOINT",
        help="where the device listens: HOST:PORT (port 502), tls:HOST:PORT (802) or rtu:PATH",
    )
    parser.add_argument("--timeout-s", type=float, default=1.0, help="longest wait for an answer (1)")
    serial = parser.add_argument_group("serial line (rtu:)")
    serial.add_argument("--baud", type=int, help="bits a second (19200)")
    serial.add_argument("--parity", choices=[parity.value for parity in Parity], help="parity (even)")
    secured = parser.add_argument_group("Modbus/TLS (tls:)")
    secured.add_argument("--ca-file", type=Path, help="who signs the device's certificate (PEM)")
    secured.add_argument("--cert-file", type=Path, help="the certificate to show to the device (PEM)")
    secured.add_argument("--key-file", type=Path, help="its private key (PEM)")


def link_settings(options: argparse.Namespace) -> LinkSettings:
    """Where to find the device.

    Raises:
        ConfigurationFault: no endpoint, or options that do not belong to it.
    """
    if not options.timeout_s > 0.0:
        raise ConfigurationFault(f"--timeout-s must be positive, not {options.timeout_s:g}")
    transport, place = _split(options.endpoint)
    given = _given(options, transport)
    if transport is Transport.RTU:
        if not place:
            raise _no_endpoint(options.endpoint)
        given["parity"] = Parity(given.get("parity", Parity.EVEN))
        return LinkSettings(transport=transport, port_path=place, timeout_s=options.timeout_s, **given)
    host, port = _host_and_port(place, TLS_PORT if transport is Transport.TLS else PORT, options.endpoint)
    return LinkSettings(transport=transport, host=host, port=port, timeout_s=options.timeout_s, **given)


def _split(endpoint: str) -> tuple[Transport, str]:
    prefix, colon, place = endpoint.partition(":")
    if colon and prefix in {Transport.TLS, Transport.RTU}:
        return Transport(prefix), place
    return Transport.TCP, endpoint


def _given(options: argparse.Namespace, transport: Transport) -> dict[str, Any]:
    """The options that were said.

    Raises:
        ConfigurationFault: one that belongs to another kind of endpoint, or half a certificate.
    """
    for owner, names in _OPTIONS.items():
        for name in names:
            if owner is not transport and getattr(options, name) is not None:
                option = f"--{name.replace('_', '-')}"
                raise ConfigurationFault(f"{option} is for endpoints that begin with '{owner}:'")
    if (options.cert_file is None) != (options.key_file is None):
        raise ConfigurationFault("--cert-file and --key-file come together")
    if options.baud is not None and options.baud <= 0:
        raise ConfigurationFault(f"--baud must be positive, not {options.baud}")
    return {name: value for name in _OPTIONS[transport] if (value := getattr(options, name)) is not None}


def _host_and_port(place: str, usual: int, endpoint: str) -> tuple[str, int]:
    host, _, port = place.rpartition(":") if ":" in place else (place, "", str(usual))
    if not host or not port.isdecimal() or not 0 < int(port) <= _PORT_MAX:
        raise _no_endpoint(endpoint)
    return host.strip("[]"), int(port)


def _no_endpoint(endpoint: str) -> ConfigurationFault:
    return ConfigurationFault(f"{endpoint!r} is no endpoint; {_FORMS}")
