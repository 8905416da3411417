"""The links of one device, one for each urgency of what it asks."""

from typing import NamedTuple

from edge_agent.devices.connection import Connection
from edge_agent.devices.link import Link, checked_read, checked_write
from edge_agent.devices.pacing import PacedLink
from edge_agent.devices.requests import Urgency
from vpp_core.clock import Clock


class Lane:
    """A link that asks over a shared connection at one urgency.

    Args:
        connection: where the device is.
        urgency: of all that is asked here.
        gap_s: the rest that the device wants before and after each request.
    """

    def __init__(self, connection: Connection, urgency: Urgency, gap_s: float = 0.0) -> None:
        self.connection = connection
        self._urgency = urgency
        self._gap_s = gap_s

    def __str__(self) -> str:
        return str(self.connection)

    async def read(self, unit: int, address: int, count: int) -> bytes:
        checked_read(count)

        async def call(link: Link) -> bytes:
            return await link.read(unit, address, count)

        return await self.connection.ask(call, self._urgency, self._gap_s)

    async def write(self, unit: int, address: int, registers: bytes) -> None:
        checked_write(registers)

        async def call(link: Link) -> bytes:
            await link.write(unit, address, registers)
            return b""

        await self.connection.ask(call, self._urgency, self._gap_s)

    async def close(self) -> None:
        """Others may use the connection."""


class Lanes(NamedTuple):
    """How one device is asked; all the same where nobody shares its link."""

    control: Link
    meter: Link
    verify: Link
    poll: Link

    @classmethod
    def over(cls, link: Link, clock: Clock, gap_s: float) -> "Lanes":
        """Lanes over a link, with ``gap_s`` seconds of rest between requests."""
        if isinstance(link, Lane):
            control, meter, verify, poll = (Lane(link.connection, urgency, gap_s) for urgency in Urgency)
            return cls(control, meter, verify, poll)
        paced = PacedLink(link, clock, gap_s)
        return cls(paced, paced, paced, paced)
