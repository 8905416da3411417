"""The registers of one device as Modbus sees them, apart from any transport."""

import math
import struct
from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from simulators.devices.models import Model, Point, Raw, Value, model
from simulators.devices.wire.pdu import Refusal, Refused, answer

BASE = 40_000
"""The register of the "SunS" marker."""
BASES = (40_000, 0, 50_000)
"""Where a client looks for the marker, in this order."""
_MARKER = b"SunS"
_END = b"\xff\xff\x00\x00"
_REGISTERS_MAX = 0x1_0000

Values = Mapping[str, Value]
Changes = dict[str, float | None]


class NotWritable(Exception):
    """A point takes no writes at present: what a write target says while its unit is under local control."""


class WriteTarget(Protocol):
    """Takes what was written to the control points of a model."""

    def check(self, changes: Mapping[str, float | None]) -> None:
        """Raises ValueError where a value may not be written, NotWritable where none may be."""
        ...

    def write(self, changes: Mapping[str, float], now_s: float) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelInstance:
    """One model of a device: fixed values, live values, and where writes go.

    Scale factors are among the fixed values, by the name of their point. A live value that does not fit
    its registers is shown as the nearest one that does.
    """

    number: int
    fixed: Values
    live: Callable[[], Values] = field(default=dict)
    writable: frozenset[str] = frozenset()
    target: WriteTarget | None = None
    counts: Mapping[str, int] = field(default_factory=dict)
    """How often groups repeat (see :func:`simulators.devices.models.model`); count points follow it."""
    stamp: Callable[[], object] | None = None
    """Something that differs whenever ``live`` does, writes to this unit apart; without it, ``live`` is
    asked at each access."""


class RegisterImage:
    """Register image of one unit: "SunS" at its base, the models, the end marker.

    Args:
        models: the models in order.
        advance: brings the device up to the present and returns it (Unix seconds); called on every access.
        base: register of the marker, one of :data:`BASES`.
    """

    def __init__(
        self, models: Sequence[ModelInstance], advance: Callable[[], float], base: int = BASE
    ) -> None:
        if base not in BASES:
            raise ValueError(f"The register map begins at one of {BASES}, not at {base}.")
        self._advance = advance
        self.base = base
        self._segments: list[_Segment] = []
        start = base + len(_MARKER) // 2
        for instance in models:
            self._segments.append(_Segment(instance, start))
            start = self._segments[-1].end
        self.end = start + len(_END) // 2
        """The first register behind the image."""
        if self.end > _REGISTERS_MAX:
            raise ValueError(f"The register map ends at {self.end}, beyond the last register.")
        self._starts = [segment.start for segment in self._segments]
        self._memory = bytearray(_MARKER + bytes(2 * (self.end - base) - len(_MARKER + _END)) + _END)
        for segment in self._segments:
            segment.store(self._memory, base)

    def respond(self, pdu: bytes) -> bytes:
        """The response to a Modbus request PDU; any bytes get one, at worst an exception response."""
        return answer(pdu, self)

    def read(self, address: int, count: int) -> bytes:
        """Registers as big-endian bytes.

        Raises:
            Refused: a register lies outside the image.
        """
        end = address + count
        self._require_inside(address, end)
        self._advance()
        self._refresh(self._touched(address, end))
        return bytes(self._memory[2 * (address - self.base) : 2 * (end - self.base)])

    def write(self, address: int, registers: bytes) -> None:
        """Write big-endian register bytes: all of them, or nothing.

        Raises:
            Refused: a register may not be written, or a value is out of range.
        """
        end = address + len(registers) // 2
        self._require_inside(address, end)
        now_s = self._advance()
        touched = self._touched(address, end)
        if not touched or address < touched[0].start or end > touched[-1].end:
            raise Refused(Refusal.ADDRESS)
        self._refresh(touched)
        memory = self._memory.copy()
        memory[2 * (address - self.base) : 2 * (end - self.base)] = registers
        planned = [
            (segment.require_target(), segment.changes(memory, self.base, address, end))
            for segment in touched
        ]
        for target, changes in planned:
            _check(target, changes)
        for target, changes in planned:
            target.write({name: value for name, value in changes.items() if value is not None}, now_s)
        for segment in self._segments:
            segment.forget()

    def locate(self, number: int, name: str) -> tuple[int, int]:
        """Register and size of a point of a model.

        Raises:
            KeyError: the image has no such model, or the model no such point.
        """
        segment = self._segment(number)
        point = segment.plan.points[name]
        return segment.start + point.offset, point.size

    def plan(self, number: int) -> Model:
        """How a model of this image is laid out.

        Raises:
            KeyError: the image has no such model.
        """
        return self._segment(number).plan

    def writable(self, number: int) -> frozenset[str]:
        """Names of the points of a model that may be written.

        Raises:
            KeyError: the image has no such model.
        """
        return self._segment(number).instance.writable

    def _segment(self, number: int) -> "_Segment":
        for segment in self._segments:
            if segment.instance.number == number:
                return segment
        raise KeyError(number)

    def _require_inside(self, address: int, end: int) -> None:
        if address < self.base or end > self.end:
            raise Refused(Refusal.ADDRESS)

    def _touched(self, address: int, end: int) -> "list[_Segment]":
        first = max(0, bisect_right(self._starts, address) - 1)
        last = bisect_right(self._starts, end - 1)
        return [segment for segment in self._segments[first:last] if segment.end > address]

    def _refresh(self, segments: "Iterable[_Segment]") -> None:
        for segment in segments:
            if segment.refresh():
                segment.store(self._memory, self.base)


class _Segment:
    """One model at its place in the image."""

    def __init__(self, instance: ModelInstance, start: int) -> None:
        self.instance = instance
        self.plan: Model = model(instance.number, instance.counts)
        self.start = start
        self.end = start + self.plan.size
        points = list(self.plan.points.values())
        self._points = points
        self._offsets = [point.offset for point in points]
        self._struct = struct.Struct(">" + "".join(point.code for point in points))
        self._raw: list[Raw] = [point.raw(None) for point in points]
        self._slots = {
            point.name: _Slot(index, point, self._exponent(point)) for index, point in enumerate(points)
        }
        self._stamp: object = _NEVER
        self._put({name: count for name, count in instance.counts.items() if name in self.plan.points})
        for name, value in {**instance.fixed, "ID": instance.number, "L": self.plan.size - 2}.items():
            slot = self._slots[name]
            self._raw[slot.index] = slot.point.raw(value, slot.exponent)

    def refresh(self) -> bool:
        """Take over live values, if they may have changed; whether they may have."""
        if self.instance.stamp is not None:
            stamp = self.instance.stamp()
            if stamp is self._stamp or stamp == self._stamp:
                return False
            self._stamp = stamp
        self._put(self.instance.live())
        return True

    def forget(self) -> None:
        """Ask for live values at the next access, whatever their stamp."""
        self._stamp = _NEVER

    def store(self, memory: bytearray, base: int) -> None:
        self._struct.pack_into(memory, 2 * (self.start - base), *self._raw)

    def require_target(self) -> WriteTarget:
        if self.instance.target is None:
            raise Refused(Refusal.ADDRESS)
        return self.instance.target

    def changes(self, memory: bytearray, base: int, address: int, end: int) -> Changes:
        """The values of the points that a write touches, a partly written one included."""
        first = max(0, bisect_right(self._offsets, address - self.start) - 1)
        changes: Changes = {}
        for point in self._points[first:]:
            start = self.start + point.offset
            if start >= end:
                break
            if point.name not in self.instance.writable:
                raise Refused(Refusal.ADDRESS)
            coded = bytes(memory[2 * (start - base) : 2 * (start - base + point.size)])
            changes[point.name] = point.decode(coded, self._slots[point.name].exponent)
        return changes

    def _put(self, values: Values) -> None:
        raw, slots = self._raw, self._slots
        for name, value in values.items():
            slot = slots[name]
            raw[slot.index] = slot.shown(value)

    def _exponent(self, point: Point) -> int:
        if not point.scale_factor:
            return point.exponent
        return int(str(self.instance.fixed.get(point.scale_factor) or 0))


class _Slot:
    """Where the raw value of one point stands, and how it comes from a value: made for speed."""

    __slots__ = ("absent", "exponent", "factor", "high", "index", "low", "point", "saturates")

    def __init__(self, index: int, point: Point, exponent: int) -> None:
        self.index, self.point, self.exponent = index, point, exponent
        self.factor = 10.0**-exponent
        bounds = point.bounds()
        self.saturates = bounds is not None
        self.low, self.high, self.absent = bounds or (0, 0, 0)

    def shown(self, value: Value) -> Raw:
        if not self.saturates:
            return self.point.raw(value, self.exponent)
        if value is None:
            return self.absent
        number = float(value)
        try:
            scaled = round(number * self.factor)
        except (ValueError, OverflowError):
            return self.absent if math.isnan(number) else self.high if number > 0.0 else self.low
        if scaled < self.low:
            return self.low
        return min(scaled, self.high)


_NEVER = object()


def _check(target: WriteTarget, changes: Changes) -> None:
    try:
        target.check(changes)
    except ValueError as error:
        raise Refused(Refusal.VALUE) from error
    except NotWritable as error:
        raise Refused(Refusal.ADDRESS) from error
