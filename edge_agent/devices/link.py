"""The wire to one Modbus endpoint, as the drivers see it."""

from enum import StrEnum
from pathlib import Path
from typing import Protocol

import msgspec

from vpp_core.faults import DeviceFault

REGISTERS_MAX = 125
"""Most registers in one read (Modbus application protocol V1.1b3, 6.3)."""
WRITE_REGISTERS_MAX = 123
"""Most registers in one write (the same, 6.12)."""
PORT, TLS_PORT = 502, 802
"""Registered ports of Modbus TCP and of Modbus/TCP Security."""
RTU_UNIT_MAX = 247
"""The rest is reserved (MODBUS over serial line 1.02, 2.2)."""
RECONNECT_S_MAX = 5.0

_SILENCE_S_MIN, _SILENCE_CHARACTERS, _CHARACTER_BITS = 0.00175, 3.5, 11
"""MODBUS over serial line 1.02, 2.5.1.1."""


class RegisterRefused(DeviceFault):
    """The device answered, and said no: a Modbus exception."""

    code = "device.refused"


class Link(Protocol):
    """One connection to one endpoint; several units may share it. One request is in flight at a time.

    ``str(link)`` names the endpoint in messages.
    Every failure is a :class:`vpp_core.faults.DeviceFault`; the next call tries again.
    """

    async def read(self, unit: int, address: int, count: int) -> bytes:
        """Holding registers as big-endian bytes (function 3); ``count`` from 1 to 125.

        Raises:
            RegisterRefused: an exception answer.
            DeviceFault: no connection, no answer in time, or garbage.
        """
        ...

    async def write(self, unit: int, address: int, registers: bytes) -> None:
        """Write holding registers, given as big-endian bytes (function 16); returns when acknowledged.

        Raises:
            RegisterRefused: an exception answer.
            DeviceFault: as for ``read``; the registers may or may not have been written.
        """
        ...

    async def close(self) -> None:
        """Give the connection up; safe to call twice."""
        ...


class Transport(StrEnum):
    """How frames travel."""

    TCP = "tcp"
    TLS = "tls"
    """Modbus/TCP Security: the same frames within TLS."""
    RTU = "rtu"
    """A serial line."""


class Parity(StrEnum):
    NONE = "none"
    EVEN = "even"
    ODD = "odd"


class LinkSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Where an endpoint is and how long it may take; in seconds of the host, not of a paced clock."""

    transport: Transport = Transport.TCP
    host: str = ""
    port: int = PORT
    ca_file: Path | None = None
    """Who signs the certificate of a TLS device; nothing: an authority that this machine trusts."""
    cert_file: Path | None = None
    key_file: Path | None = None
    port_path: str = ""
    """Of a serial port."""
    baud: int = 19_200
    parity: Parity = Parity.EVEN
    """Rate and parity: what the specification names first (MODBUS over serial line 1.02, 2.5.1)."""
    timeout_s: float = 1.0
    """Longest wait for a connection or an answer."""
    reconnect_s_max: float = RECONNECT_S_MAX
    """Longest pause between two attempts to connect; grows from a tenth of a second."""
    lean: bool = False
    """Frame Modbus TCP here rather than in pymodbus."""

    @property
    def endpoint(self) -> str:
        """The name in messages; devices of one endpoint share one connection."""
        return self.port_path if self.transport is Transport.RTU else f"{self.host}:{self.port}"

    @property
    def gap_s_min(self) -> float:
        """The silence that ends a frame on a serial line: 3.5 characters, never less than 1.75 ms."""
        if self.transport is not Transport.RTU:
            return 0.0
        return max(_SILENCE_S_MIN, _SILENCE_CHARACTERS * _CHARACTER_BITS / self.baud)


def checked_read(count: int) -> int:
    """How many registers a read takes.

    Raises:
        ValueError: more than one request can carry, or none.
    """
    if not 1 <= count <= REGISTERS_MAX:
        raise ValueError(f"one read takes 1 to {REGISTERS_MAX} registers, not {count}")
    return count


def checked_write(registers: bytes) -> int:
    """How many registers a write takes.

    Raises:
        ValueError: more than one request can carry, or none, or half a register.
    """
    count = len(registers) // 2
    if not 1 <= count <= WRITE_REGISTERS_MAX or len(registers) % 2:
        raise ValueError(f"one write takes 1 to {WRITE_REGISTERS_MAX} registers, not {count}")
    return count
