"""The functions of Modbus that not every device needs: reading input registers, writing one register."""

from typing import Protocol, runtime_checkable

from edge_agent.devices.lanes import Lane, Lanes
from edge_agent.devices.link import Link
from edge_agent.devices.pacing import PacedLink
from edge_agent.devices.requests import Urgency
from firmware_profiles.registers import Space
from vpp_core.clock import Clock
from vpp_core.faults import DeviceFault


@runtime_checkable
class MoreFunctions(Protocol):
    """A link that knows functions 4 and 6; failures are those of :class:`edge_agent.devices.link.Link`."""

    async def read_input(self, unit: int, address: int, count: int) -> bytes:
        """Input registers as big-endian bytes (function 4); ``count`` from 1 to 125."""
        ...

    async def write_one(self, unit: int, address: int, register: bytes) -> None:
        """Write one holding register, given as two big-endian bytes (function 6)."""
        ...


async def read_space(link: Link, unit: int, space: Space, address: int, count: int) -> bytes:
    """Registers of one of the two spaces.

    Raises:
        DeviceFault: as for ``Link.read``, or the link does not know function 4.
    """
    if space is Space.HOLDING:
        return await link.read(unit, address, count)
    return await _more(link, 4).read_input(unit, address, count)


async def write_registers(link: Link, unit: int, address: int, registers: bytes, function: int) -> None:
    """Write holding registers; one register alone by the function that the device prefers.

    Raises:
        DeviceFault: as for ``Link.write``, or the link does not know function 6.
    """
    if function == 6 and len(registers) == 2:  # noqa: PLR2004 - bytes of one register
        await _more(link, function).write_one(unit, address, registers)
    else:
        await link.write(unit, address, registers)


class FullLane(Lane):
    """A lane that passes all functions on to a connection whose link knows them."""

    async def read_input(self, unit: int, address: int, count: int) -> bytes:
        async def call(link: Link) -> bytes:
            return await _more(link, 4).read_input(unit, address, count)

        return await self.connection.ask(call, self._urgency, self._gap_s)

    async def write_one(self, unit: int, address: int, register: bytes) -> None:
        async def call(link: Link) -> bytes:
            await _more(link, 6).write_one(unit, address, register)
            return b""

        await self.connection.ask(call, self._urgency, self._gap_s)


class FullPacedLink(PacedLink):
    """A paced link that passes all functions on to a link that knows them."""

    async def read_input(self, unit: int, address: int, count: int) -> bytes:
        await self._rest()
        try:
            return await _more(self._link, 4).read_input(unit, address, count)
        finally:
            self._free_at_s = self._clock.monotonic_s() + self._gap_s

    async def write_one(self, unit: int, address: int, register: bytes) -> None:
        await self._rest()
        try:
            await _more(self._link, 6).write_one(unit, address, register)
        finally:
            self._free_at_s = self._clock.monotonic_s() + self._gap_s


def lanes_over(link: Link, clock: Clock, gap_s: float) -> Lanes:
    """Lanes over a link for all functions, with ``gap_s`` seconds of rest between requests."""
    if isinstance(link, Lane):
        control, meter, verify, poll = (FullLane(link.connection, urgency, gap_s) for urgency in Urgency)
        return Lanes(control, meter, verify, poll)
    paced = FullPacedLink(link, clock, gap_s)
    return Lanes(paced, paced, paced, paced)


def _more(link: Link, function: int) -> MoreFunctions:
    if not isinstance(link, MoreFunctions):
        raise DeviceFault(f"{link} cannot use Modbus function {function}, which this device needs")
    return link
