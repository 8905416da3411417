"""The wire to one Modbus endpoint, as the drivers see it."""

from typing import Protocol

import msgspec

from vpp_core.faults import DeviceFault

REGISTERS_MAX = 125
"""Most registers in one read (Modbus application protocol V1.1b3, 6.3)."""


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


class LinkSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Where an endpoint is and how long it may take; in seconds of the host, not of a paced clock."""

    host: str
    port: int = 502
    timeout_s: float = 1.0
    """Longest wait for a connection or an answer."""
    reconnect_s_max: float = 2.0
    """Longest pause between two attempts to connect; grows from a tenth of a second."""
