"""The points of a device by name, be they in SunSpec models or in a vendor's own registers."""

from collections.abc import Iterable
from typing import Protocol

from edge_agent.devices.link import Link
from edge_agent.devices.plan import Value
from edge_agent.devices.poll import Poll
from edge_agent.devices.register_poll import RegisterPoll
from edge_agent.devices.scan import DeviceMap
from firmware_profiles import Profile


class Points(Protocol):
    """A set of points that are read together."""

    async def read(self, link: Link, unit: int) -> None:
        """Fetch all.

        Raises:
            DeviceFault: no answer, or a shifted map.
        """
        ...

    async def read_point(self, link: Link, unit: int, point: str) -> Value:
        """Fetch one in one small request.

        Raises:
            DeviceFault: as ``read``.
        """
        ...

    def __contains__(self, point: str) -> bool: ...

    def value(self, point: str) -> Value:
        """As it was read last; ``None`` if the device does not have or does not implement it."""
        ...

    def address(self, point: str) -> int: ...

    def encode(self, point: str, value: float) -> bytes:
        """A number as registers.

        Raises:
            Unencodable: they cannot hold it.
        """
        ...

    def unlike(self, point: str, value: float, coded: bytes) -> str | None:
        """What was read last instead of a written value (``coded`` as registers); nothing if it is that."""
        ...

    def can_show(self, point: str) -> bool:
        """Whether a written value can be seen again, there or elsewhere."""
        ...

    def is_readable(self, point: str) -> bool:
        """Whether a point itself can be read."""
        ...


class MixedPoints:
    """SunSpec models and a vendor's registers beside them, as one set."""

    def __init__(self, models: Poll, registers: RegisterPoll) -> None:
        self._models, self._registers = models, registers

    async def read(self, link: Link, unit: int) -> None:
        await self._models.read(link, unit)
        await self._registers.read(link, unit)

    async def read_point(self, link: Link, unit: int, point: str) -> Value:
        return await self._of(point).read_point(link, unit, point)

    def __contains__(self, point: str) -> bool:
        return point in self._of(point)

    def value(self, point: str) -> Value:
        return self._of(point).value(point)

    def address(self, point: str) -> int:
        return self._of(point).address(point)

    def encode(self, point: str, value: float) -> bytes:
        return self._of(point).encode(point, value)

    def unlike(self, point: str, value: float, coded: bytes) -> str | None:
        return self._of(point).unlike(point, value, coded)

    def can_show(self, point: str) -> bool:
        return self._of(point).can_show(point)

    def is_readable(self, point: str) -> bool:
        return self._of(point).is_readable(point)

    def _of(self, point: str) -> Points:
        return self._models if "." in point else self._registers


def points_of(profile: Profile, device_map: DeviceMap, names: Iterable[str]) -> Points:
    """The named points of a device, wherever its profile finds them."""
    named = tuple(names)
    models = Poll(device_map, [name for name in named if "." in name], profile.access.block_registers_max)
    registers = RegisterPoll(profile.registers, [name for name in named if "." not in name], profile.access)
    if not profile.registers:
        return models
    return MixedPoints(models, registers) if profile.has_sunspec else registers
