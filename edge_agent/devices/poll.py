"""Which registers a poll needs, in how few requests, and their decoding."""

from collections.abc import Iterable, Mapping

import msgspec

from edge_agent.devices.link import Link
from edge_agent.devices.plan import HEADER_REGISTERS, ModelPlan, Value, plan_of
from edge_agent.devices.scan import DeviceMap
from vpp_core.faults import DeviceFault


class MapShifted(DeviceFault):
    """The register map is not the one that was scanned: the device must be scanned again."""

    code = "device.map"


class Section(msgspec.Struct, frozen=True):
    """The part of one model that a poll reads: from its header to the last point that is needed."""

    model_id: int
    address: int
    length: int
    """What the length register must say, or the map has shifted."""
    plan: ModelPlan
    place: int
    """Registers from the start of the poll's image."""


class Poll:
    """A set of points, read block by block into one image and decoded from there.

    The image keeps what was read before, so that a later, smaller read can use its scale factors.
    """

    def __init__(self, device_map: DeviceMap, points: Iterable[str], block_registers_max: int) -> None:
        wanted: dict[int, int] = {}
        for point in points:
            model_id, registers = _reach(point)
            wanted[model_id] = max(wanted.get(model_id, HEADER_REGISTERS), registers)
        self.sections: dict[int, Section] = {}
        blocks: list[tuple[int, int]] = []
        place = 0
        for location in device_map.models:
            registers = min(wanted.pop(location.model_id, 0), location.registers)
            plan = plan_of(location.model_id, registers) if registers else None
            if plan is None:
                continue
            self.sections[location.model_id] = Section(
                location.model_id,
                location.address,
                location.registers - HEADER_REGISTERS,
                plan,
                place,
            )
            place += plan.registers
            _extend(blocks, location.address, plan.registers, block_registers_max)
        self.blocks = tuple(blocks)
        self._block_registers_max = block_registers_max
        self._values: dict[int, Mapping[str, Value]] = {}
        self._image = bytearray(2 * place)

    async def read(self, link: Link, unit: int) -> None:
        """Fetch all blocks.

        Raises:
            MapShifted: a model's header is not the scanned one.
            DeviceFault: no answer.
        """
        for address, count in self.blocks:
            self._store(address, await link.read(unit, address, count))
        self._check(link, unit, self.sections.values())

    async def read_point(self, link: Link, unit: int, point: str) -> Value:
        """Fetch one point with its model's header in one request; its scale factor is the last known one.

        Raises:
            MapShifted: the model's header is not the scanned one.
            DeviceFault: no answer.
        """
        model_id, name = split(point)
        section = self.sections[model_id]
        definition = section.plan.points[name]
        count = definition.offset + definition.size
        if count > self._block_registers_max:
            await self.read(link, unit)
        else:
            self._store(section.address, await link.read(unit, section.address, count))
            self._check(link, unit, (section,))
        return self.value(point)

    def __contains__(self, point: str) -> bool:
        model_id, name = split(point)
        section = self.sections.get(model_id)
        return section is not None and name in section.plan.points

    def value(self, point: str) -> Value:
        """A point as it was read last; ``None`` if the device does not have or does not implement it."""
        model_id, name = split(point)
        if (section := self.sections.get(model_id)) is None:
            return None
        if (values := self._values.get(model_id)) is None:
            first = 2 * section.place
            part = memoryview(self._image)[first : first + 2 * section.plan.registers]
            values = self._values[model_id] = section.plan.decode_named(part)
        return values.get(name)

    def raw(self, point: str) -> bytes:
        """The registers of a point as they were read last."""
        model_id, name = split(point)
        section = self.sections[model_id]
        definition = section.plan.points[name]
        start = 2 * (section.place + definition.offset)
        return bytes(self._image[start : start + 2 * definition.size])

    def address(self, point: str) -> int:
        model_id, name = split(point)
        section = self.sections[model_id]
        return section.address + section.plan.points[name].offset

    def encode(self, point: str, value: float) -> bytes:
        """A number as registers, by the scale factor that was read last.

        Raises:
            Unencodable: the register cannot hold it.
        """
        model_id, name = split(point)
        plan = self.sections[model_id].plan
        scale = plan.points[name].scale
        exponent = self.value(f"{model_id}.{scale}") if isinstance(scale, str) else None
        return plan.encode(name, value, int(exponent) if isinstance(exponent, float) else None)

    def unlike(self, point: str, value: float, coded: bytes) -> str | None:
        """What the device holds instead of a written value, as it was read last; nothing if it holds it."""
        del value  # the registers themselves are compared
        held = self.raw(point)
        return None if held == coded else f"{held.hex()} at {point} instead of {coded.hex()}"

    def can_show(self, point: str) -> bool:
        """Whether a written value can be seen again: every SunSpec point can be read."""
        return point in self

    def is_readable(self, point: str) -> bool:
        return point in self

    def _store(self, address: int, registers: bytes) -> None:
        end = address + len(registers) // 2
        self._values.clear()
        for section in self.sections.values():
            first = max(address, section.address)
            last = min(end, section.address + section.plan.registers)
            if first < last:
                start = 2 * (section.place + first - section.address)
                piece = registers[2 * (first - address) : 2 * (last - address)]
                self._image[start : start + len(piece)] = piece

    def _check(self, link: Link, unit: int, sections: Iterable[Section]) -> None:
        for section in sections:
            header = self._image[2 * section.place : 2 * (section.place + HEADER_REGISTERS)]
            if header != section.model_id.to_bytes(2) + section.length.to_bytes(2):
                raise MapShifted(
                    f"{link} unit {unit} has changed its register map: model {section.model_id} is no longer "
                    f"at register {section.address}; the device will be scanned again"
                )


def split(point: str) -> tuple[int, str]:
    """``"704.WSet"`` as model and name."""
    model, _, name = point.partition(".")
    return int(model), name


def _reach(point: str) -> tuple[int, int]:
    """The model of a point, and the registers from its start to the point's end and its scale factor's."""
    model_id, name = split(point)
    plan = plan_of(model_id, 0xFFFF)
    definition = plan.points.get(name) if plan else None
    if plan is None or definition is None:
        return model_id, HEADER_REGISTERS
    needed = [definition]
    if isinstance(definition.scale, str) and (scale := plan.points.get(definition.scale)):
        needed.append(scale)
    return model_id, max(part.offset + part.size for part in needed)


def _extend(blocks: list[tuple[int, int]], address: int, count: int, block_registers_max: int) -> None:
    """Add registers to the last block if one request can then still fetch it, else begin new blocks."""
    if blocks:
        start, _ = blocks[-1]
        if address + count - start <= block_registers_max:
            blocks[-1] = (start, address + count - start)
            return
    while count > 0:
        size = min(count, block_registers_max)
        blocks.append((address, size))
        address, count = address + size, count - size
