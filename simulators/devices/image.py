"""The registers of one device as Modbus sees them, apart from any transport."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from simulators.devices.models import Model, Point, Value, model
from simulators.devices.wire.pdu import Refusal, Refused, answer

BASE = 40_000
"""The register of the "SunS" marker."""
_MARKER = b"SunS"
_END = b"\xff\xff\x00\x00"

Values = Mapping[str, Value]
Changes = dict[str, float | None]


class WriteTarget(Protocol):
    """Takes what was written to the control points of a model."""

    def check(self, changes: Mapping[str, float | None]) -> None:
        """Raises ValueError where a value may not be written."""
        ...

    def write(self, changes: Mapping[str, float], now_s: float) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelInstance:
    """One model of a device: fixed values, live values, and where writes go.

    Scale factors are among the fixed values, by the name of their point.
    """

    number: int
    fixed: Values
    live: Callable[[], Values] = field(default=dict)
    writable: frozenset[str] = frozenset()
    target: WriteTarget | None = None


class _Segment:
    """One model at its place in the image."""

    def __init__(self, instance: ModelInstance, start: int) -> None:
        self.instance = instance
        self.plan: Model = model(instance.number)
        self.start = start
        self.end = start + self.plan.size
        self.memory = bytearray()
        for point in self.plan.points.values():
            self.memory += point.encode(None)
        self._put("ID", instance.number)
        self._put("L", self.plan.size - 2)
        for name, value in instance.fixed.items():
            self._put(name, value)

    def refresh(self) -> None:
        for name, value in self.instance.live().items():
            self._put(name, value)

    def exponent(self, point: Point) -> int:
        return int(str(self.instance.fixed[point.scale_factor])) if point.scale_factor else 0

    def _put(self, name: str, value: Value) -> None:
        point = self.plan.points[name]
        at = 2 * point.offset
        self.memory[at : at + 2 * point.size] = point.encode(value, self.exponent(point))


class RegisterImage:
    """Register image of one unit: "SunS" at 40000, the models, the end marker.

    Args:
        models: the models in order.
        advance: brings the device up to the present and returns it (Unix seconds); called on every access.
    """

    def __init__(self, models: Sequence[ModelInstance], advance: Callable[[], float]) -> None:
        self._advance = advance
        self._segments: list[_Segment] = []
        start = BASE + len(_MARKER) // 2
        for instance in models:
            self._segments.append(_Segment(instance, start))
            start = self._segments[-1].end
        self.end = start + len(_END) // 2
        """The first register behind the image."""

    def respond(self, pdu: bytes) -> bytes:
        """The response to a Modbus request PDU; any bytes get one, at worst an exception response."""
        return answer(pdu, self)

    def read(self, address: int, count: int) -> bytes:
        """Registers as big-endian bytes.

        Raises:
            Refused: a register lies outside the image.
        """
        self._require_inside(address, count)
        self._advance()
        memory, start = bytearray(_MARKER), BASE
        for segment in self._segments:
            if segment.start < address + count and address < segment.end:
                segment.refresh()
            if address >= segment.start:
                memory, start = bytearray(), segment.start
            memory += segment.memory
            if segment.end >= address + count:
                break
        memory += _END
        first = 2 * (address - start)
        return bytes(memory[first : first + 2 * count])

    def write(self, address: int, registers: bytes) -> None:
        """Write big-endian register bytes: all of them, or nothing.

        Raises:
            Refused: a register may not be written, or a value is out of range.
        """
        end = address + len(registers) // 2
        self._require_inside(address, end - address)
        now_s = self._advance()
        touched = [segment for segment in self._segments if segment.start < end and address < segment.end]
        planned = [(segment, self._changes(segment, address, registers)) for segment in touched]
        if not planned or address < touched[0].start or end > touched[-1].end:
            raise Refused(Refusal.ADDRESS)
        for segment, changes in planned:
            _check(segment, changes)
        for segment, changes in planned:
            assert segment.instance.target is not None  # noqa: S101
            values = {name: value for name, value in changes.items() if value is not None}
            segment.instance.target.write(values, now_s)

    def _require_inside(self, address: int, count: int) -> None:
        if address < BASE or address + count > self.end:
            raise Refused(Refusal.ADDRESS)

    def _changes(self, segment: _Segment, address: int, registers: bytes) -> Changes:
        """The values of the points that a write touches in one segment, a partly written one included."""
        segment.refresh()
        memory = bytearray(segment.memory)
        first, last = max(address, segment.start), min(address + len(registers) // 2, segment.end)
        memory[2 * (first - segment.start) : 2 * (last - segment.start)] = registers[
            2 * (first - address) : 2 * (last - address)
        ]
        changes: Changes = {}
        for point in segment.plan.points.values():
            start = segment.start + point.offset
            if start >= last or start + point.size <= first:
                continue
            if point.name not in segment.instance.writable:
                raise Refused(Refusal.ADDRESS)
            coded = bytes(memory[2 * point.offset : 2 * (point.offset + point.size)])
            changes[point.name] = point.decode(coded, segment.exponent(point))
        return changes


def _check(segment: _Segment, changes: Changes) -> None:
    assert segment.instance.target is not None  # noqa: S101
    try:
        segment.instance.target.check(changes)
    except ValueError as error:
        raise Refused(Refusal.VALUE) from error
