"""A SunSpec device by model and point name, over the rig's own client.

Points of repeating groups have an index a group, from 1: ``Crv[1].Pt[4].V``, ``Ctl[2].KOf``. Index 1 is what
the device acts on; a controller writes another one and asks for its adoption.
"""

import math
import struct
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from simulators.devices.models import Model, Point, model
from simulators.rig.hil_bench.wire import ModbusClient
from vpp_core.faults import DeviceFault

MARKER = b"SunS"
END = 0xFFFF
MODELS_MAX = 64
BLOCK_REGISTERS = 125
STEADY_READS_MAX = 16
_REGISTERS = 0x1_0000
_CURVES = ("NCrv", "NPt")
_REPEATS = {
    705: _CURVES,
    706: _CURVES,
    711: ("NCtl",),
    712: _CURVES,
    714: ("NPrt",),
    **dict.fromkeys((707, 708, 709, 710), ("NCrvSet", "NPt")),
}
"""The points that say how often groups of a model repeat."""
_TEXTS = {"string", "ipaddr", "ipv6addr", "eui48"}

Values = Mapping[str, float]


class Place(NamedTuple):
    """Where a model lies: the register of its id, and its length behind id and length."""

    start: int
    length: int


class SunSpecDevice:
    """One unit behind a client.

    Attributes:
        places: of its models in order, by number; a model that occurs twice keeps its first place.
        end: the register of the end marker.
        written: models that were written to through this object.
    """

    def __init__(self, client: ModbusClient, base_register: int = 40_000) -> None:
        self.client = client
        self.name = client.name
        self.places: dict[int, Place] = {}
        self.end = 0
        self.base_register = base_register
        self.written: set[int] = set()
        self._factors: dict[int, dict[str, int]] = {}
        self._plans: dict[int, Model] = {}

    async def scan(self) -> None:
        """Walk the map from its marker to its end.

        Raises:
            DeviceFault: no answer, no SunSpec map, or a map without end.
        """
        places, end = await self.walk()
        self.places, self.end = places, end
        self._factors.clear()
        self._plans.clear()

    async def walk(self) -> tuple[dict[int, Place], int]:
        """The places of all models and of the end as they are now.

        Raises:
            DeviceFault: no answer, no SunSpec map, or a map without end.
        """
        if await self._steady(self.base_register, 2) != MARKER:
            raise DeviceFault(
                f"{self.name} shows no SunSpec map at register {self.base_register}; check unit and base."
            )
        places: dict[int, Place] = {}
        start = self.base_register + 2
        for _ in range(MODELS_MAX):
            number, length = struct.unpack(">HH", await self._steady(start, 2))
            if number == END:
                return places, start
            places.setdefault(number, Place(start, length))
            start += 2 + length
            if start + 2 > _REGISTERS:
                raise DeviceFault(
                    f"{self.name} shows a map without end: model {number} goes beyond the last."
                )
        raise DeviceFault(f"{self.name} shows more than {MODELS_MAX} models; its map has no end.")

    def has(self, numbers: Iterable[int]) -> bool:
        return all(number in self.places for number in numbers)

    async def read(self, number: int, *names: str) -> dict[str, float | None]:
        """Some points of one model, all registers between them in one go; ``None`` where not implemented.

        Raises:
            DeviceFault: no answer, or no such model or point.
        """
        points = [await self.point(number, name) for name in names]
        first = min(point.offset for point in points)
        end = max(point.offset + point.size for point in points)
        coded = await self._registers(number, first, end - first)
        factors = await self._scale(number)
        return {
            point.name: point.decode(
                coded[2 * (point.offset - first) :][: 2 * point.size], _exponent(point, factors)
            )
            for point in points
        }

    async def value(self, number: int, name: str) -> float:
        """One point that has to be there.

        Raises:
            DeviceFault: no answer, no such model, or the point is not implemented.
        """
        value = (await self.read(number, name))[name]
        if value is None:
            raise DeviceFault(f"{self.name} does not implement {number}.{name}; choose another device.")
        return value

    async def text(self, number: int, name: str) -> str:
        point = await self.point(number, name)
        coded = await self._registers(number, point.offset, point.size)
        return coded.rstrip(b"\0").decode(errors="replace")

    async def read_model(self, number: int) -> dict[str, float | None]:
        """Every number of a model, its repeating groups included."""
        plan = await self.plan(number)
        names = [point.name for point in plan.points.values() if point.kind not in {*_TEXTS, "pad"}]
        return await self.read(number, *names)

    async def write(self, number: int, values: Values) -> None:
        """Write points in the order given; neighbours go in one request.

        Raises:
            DeviceFault: no answer, a write was refused, or the map has moved: then nothing is written.
        """
        await self._require_unmoved(number)
        factors = await self._scale(number)
        self.written.add(number)
        run: list[tuple[Point, bytes]] = []
        for name, value in values.items():
            point = await self.point(number, name)
            try:
                coded = point.encode(value, _exponent(point, factors))
            except OverflowError as error:
                raise DeviceFault(f"{self.name} cannot take {number}.{name} = {value:g}: {error}") from error
            if run and run[-1][0].offset + run[-1][0].size != point.offset:
                await self._put(number, run)
                run = []
            run.append((point, coded))
        if run:
            await self._put(number, run)

    async def header(self, number: int) -> tuple[int, int]:
        """What stands where the scan found the id and the length of a model."""
        found: tuple[int, int] = struct.unpack(">HH", await self.client.read(self.places[number].start, 2))
        return found

    async def factors(self, number: int) -> dict[str, int]:
        """Scale factors of a model as they stand now."""
        self._factors.pop(number, None)
        return dict(await self._scale(number))

    async def point(self, number: int, name: str) -> Point:
        """The plan of a point.

        Raises:
            DeviceFault: no such model, or no such point.
        """
        plan = await self.plan(number)
        if name not in plan.points:
            raise DeviceFault(f"Model {number} of {self.name} has no point {name}.")
        return plan.points[name]

    async def plan(self, number: int) -> Model:
        """The definition of a model, with as many curves and points as the device has.

        Raises:
            DeviceFault: the device does not show the model, or says of it what its length cannot hold.
        """
        if number not in self.places:
            raise DeviceFault(f"{self.name} has no SunSpec model {number}; choose another device.")
        if number not in self._plans:
            once, counts = model(number), {}
            for name in _REPEATS.get(number, ()):
                point = once.points[name]
                coded = await self._steady(self.places[number].start + point.offset, point.size)
                counts[name] = int(point.decode(coded) or 0)
            if math.prod(max(1, count) for count in counts.values()) > self.places[number].length:
                said = ", ".join(f"{name} = {count}" for name, count in counts.items())
                raise DeviceFault(
                    f"Model {number} of {self.name} says {said}, more than its "
                    f"{self.places[number].length} registers hold."
                )
            self._plans[number] = model(number, counts)
        return self._plans[number]

    async def _require_unmoved(self, number: int) -> None:
        await self.plan(number)
        place = self.places[number]
        if await self.header(number) != (number, place.length):
            raise DeviceFault(
                f"{self.name} no longer shows model {number} at register {place.start}: the map has moved, "
                "and nothing was written."
            )

    async def _put(self, number: int, run: Sequence[tuple[Point, bytes]]) -> None:
        start = self.places[number].start + run[0][0].offset
        doing = f"writing {number}.{run[0][0].name}"
        await self.client.write(start, b"".join(coded for _, coded in run), doing)

    async def _steady(self, address: int, count: int) -> bytes:
        """Registers that stand still, read until they read alike twice: what all else rests on."""
        before = await self.client.read(address, count)
        for _ in range(STEADY_READS_MAX):
            again = await self.client.read(address, count)
            if again == before:
                return again
            before = again
        raise DeviceFault(
            f"{self.name} shows something else at register {address} with every read: bytes are corrupted."
        )

    async def _registers(self, number: int, offset: int, count: int) -> bytes:
        start, coded = self.places[number].start + offset, b""
        while count > 0:
            block = min(count, BLOCK_REGISTERS)
            coded += await self.client.read(start, block)
            start, count = start + block, count - block
        return coded

    async def _scale(self, number: int) -> dict[str, int]:
        if number not in self._factors:
            plan = await self.plan(number)
            points = [point for point in plan.points.values() if point.kind == "sunssf"]
            found: dict[str, int] = {}
            if points:
                first = min(point.offset for point in points)
                end = max(point.offset + point.size for point in points)
                coded = await self._steady(self.places[number].start + first, end - first)
                for point in points:
                    value = point.decode(coded[2 * (point.offset - first) :][: 2 * point.size])
                    found[point.name] = 0 if value is None else int(value)
            self._factors[number] = found
        return self._factors[number]


def _exponent(point: Point, factors: Mapping[str, int]) -> int:
    return factors.get(point.scale_factor, 0) if point.scale_factor else point.exponent
