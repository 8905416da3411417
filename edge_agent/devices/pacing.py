"""Rest between requests, for devices that stumble when they are asked too fast."""

from edge_agent.devices.link import Link
from vpp_core.clock import Clock


class PacedLink:
    """A link that leaves ``gap_s`` seconds between the end of one request and the start of the next."""

    def __init__(self, link: Link, clock: Clock, gap_s: float) -> None:
        self._link = link
        self._clock = clock
        self._gap_s = gap_s
        self._free_at_s = clock.monotonic_s()

    def __str__(self) -> str:
        return str(self._link)

    async def read(self, unit: int, address: int, count: int) -> bytes:
        await self._rest()
        try:
            return await self._link.read(unit, address, count)
        finally:
            self._free_at_s = self._clock.monotonic_s() + self._gap_s

    async def write(self, unit: int, address: int, registers: bytes) -> None:
        await self._rest()
        try:
            await self._link.write(unit, address, registers)
        finally:
            self._free_at_s = self._clock.monotonic_s() + self._gap_s

    async def close(self) -> None:
        await self._link.close()

    async def _rest(self) -> None:
        if (left_s := self._free_at_s - self._clock.monotonic_s()) > 0.0:
            await self._clock.sleep(left_s)
