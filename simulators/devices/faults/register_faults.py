"""Faults of the register map: values that stand still, lie, or lie elsewhere."""

import struct
from collections.abc import Mapping
from dataclasses import dataclass, field

from simulators.devices.faults.kind import Layer, Respond, SimulatedFault
from simulators.devices.faults.parameters import number, text
from simulators.devices.faults.sunspec_map import SunSpecMap
from simulators.devices.wire.fate import Responder
from simulators.devices.wire.pdu import (
    READ_COUNT_MAX,
    Refusal,
    Span,
    exception_response,
    read_span,
    write_span,
)
from vpp_core.faults import ConfigurationFault

Registers = dict[int, bytes]
"""Two bytes by address."""
_ABSENT_SCALE_FACTOR = -0x8000
_SCALE_FACTOR = "sunssf"
_REGISTERS = 0x1_0000
_FILLER_MODEL = 64_900
"""Among the numbers that are left to vendors; nobody has defined this one."""


@dataclass(kw_only=True)
class StuckRegister(SimulatedFault):
    name = "stuck-register"
    summary = "A point, or a run of registers, keeps the value that it has now."
    sees = "A measurement that does not follow, or a setpoint whose read-back is not what was written."
    layer = Layer.REGISTERS

    point: str = text("W", "a point (W, 704.WSet), or the address of a register")
    count: int = number(1, 1, READ_COUNT_MAX, "", "how many registers, where an address is given")
    writes: str = text(
        "carried-out", "what becomes of writes to it; both are acknowledged", ("carried-out", "swallowed")
    )
    held: dict[Responder, Registers] = field(default_factory=dict, init=False)

    def meet(self, images: Mapping[Responder, SunSpecMap]) -> None:
        for image, map_ in images.items():
            span = self._span(map_)
            if image not in self.held and span is not None and (values := _values(image, span)):
                self.held[image] = values
        _require(self.held, images, f"fault {self.name}: no unit has a point or register {self.point!r}.")

    def respond(self, image: Responder, pdu: bytes, onward: Respond) -> bytes:
        held = self.held.get(image, {})
        if self._swallows(pdu, held):
            return pdu[: _ACKNOWLEDGED[pdu[0]]]
        return _patched(pdu, onward(pdu), held)

    def _swallows(self, pdu: bytes, held: Registers) -> bool:
        written = write_span(pdu)
        if self.writes != "swallowed" or written is None or pdu[0] not in _ACKNOWLEDGED:
            return False
        return not held.keys().isdisjoint(written.registers)

    def _span(self, map_: SunSpecMap) -> Span | None:
        if self.point.isdecimal():
            start = int(self.point)
            return Span(start, start + self.count) if start + self.count <= _REGISTERS else None
        return map_.find(self.point)


_ACKNOWLEDGED = {6: 5, 16: 5, 22: 7}
"""How much of a write comes back as its answer, by function."""


@dataclass(kw_only=True)
class WrongScaleFactor(SimulatedFault):
    name = "wrong-scale-factor"
    summary = "A scale factor reads wrong, while the device itself goes by the right one."
    sees = "Values that are off by powers of ten against the ratings or another meter."
    layer = Layer.REGISTERS

    point: str = text("W_SF", "the scale factor (W_SF, 704.WMaxLimPct_SF)")
    shift: int = number(1, -10, 10, "", "added to it: 1 makes everything ten times as large")
    spans: dict[Responder, Span] = field(default_factory=dict, init=False)

    def meet(self, images: Mapping[Responder, SunSpecMap]) -> None:
        for image, map_ in images.items():
            if (span := map_.find(self.point, _SCALE_FACTOR)) is not None:
                self.spans[image] = span
        _require(self.spans, images, f"fault {self.name}: no unit has a scale factor {self.point!r}.")

    def respond(self, image: Responder, pdu: bytes, onward: Respond) -> bytes:
        span = self.spans.get(image)
        read = read_span(pdu)
        answer = onward(pdu)
        if span is None or read is None or span.start not in read.registers or answer[0] != pdu[0]:
            return answer
        (factor,) = struct.unpack_from(">h", answer, 2 + 2 * (span.start - read.start))
        if factor == _ABSENT_SCALE_FACTOR:
            return answer
        return _patched(pdu, answer, {span.start: struct.pack(">h", factor + self.shift)})


@dataclass(kw_only=True)
class ShiftedMap(SimulatedFault):
    name = "shifted-map"
    summary = "After a settings change every model behind the first one lies some registers further on."
    sees = "Foreign headers where its models were: nothing is to be believed or written before a new scan."
    layer = Layer.REGISTERS
    rank = 1

    registers: int = number(10, 2, 1_000, "registers", "how far; a vendor's model fills the gap")
    gaps: dict[Responder, int] = field(default_factory=dict, init=False)
    """Where the gap begins."""

    def meet(self, images: Mapping[Responder, SunSpecMap]) -> None:
        for image, map_ in images.items():
            if len(map_.models) > 1:
                self.gaps[image] = map_.models[1][1].start
        _require(self.gaps, images, f"fault {self.name}: no unit has SunSpec models that could move.")

    def respond(self, image: Responder, pdu: bytes, onward: Respond) -> bytes:
        gap = self.gaps.get(image)
        read, written = read_span(pdu), write_span(pdu)
        if gap is None or (read is None and written is None):
            return onward(pdu)
        if written is None and read is not None:
            return self._read(pdu[0], read.registers, gap, onward)
        moved = self._moved(pdu, gap)
        return exception_response(pdu, Refusal.ADDRESS) if moved is None else _as_asked(pdu, onward(moved))

    def _read(self, function: int, wanted: range, gap: int, onward: Respond) -> bytes:
        """Piece an answer together from before the gap, the gap, and behind it."""
        behind = gap + self.registers
        registers = b""
        for first, last, shift in ((0, gap, 0), (behind, 0x1_0000 + self.registers, self.registers)):
            start, end = max(wanted.start, first), min(wanted.stop, last)
            if shift:
                registers += self._filler(max(wanted.start, gap) - gap, min(wanted.stop, behind) - gap)
            if start < end:
                answer = onward(struct.pack(">BHH", function, start - shift, end - start))
                if answer[0] != function:
                    return answer
                registers += answer[2:]
        return bytes((function, len(registers))) + registers

    def _filler(self, start: int, end: int) -> bytes:
        header = struct.pack(">HH", _FILLER_MODEL, self.registers - 2)
        return header.ljust(2 * self.registers, b"\0")[2 * start : 2 * end] if start < end else b""

    def _moved(self, pdu: bytes, gap: int) -> bytes | None:
        """A write with the addresses of the honest map; nothing where it touches the gap."""
        spans = [(1, read_span(pdu)), (5, write_span(pdu))] if pdu[0] == _EXCHANGE else [(1, write_span(pdu))]
        moved = bytearray(pdu)
        for at, span in spans:
            assert span is not None  # noqa: S101
            if span.end <= gap:
                continue
            if span.start < gap + self.registers:
                return None
            moved[at : at + 2] = (span.start - self.registers).to_bytes(2)
        return bytes(moved)


_EXCHANGE = 23


def _as_asked(pdu: bytes, answer: bytes) -> bytes:
    """An acknowledgement with the address that the client wrote to."""
    return pdu[:3] + answer[3:] if answer[0] in _ACKNOWLEDGED else answer


def _values(image: Responder, span: Span) -> Registers:
    answer = image.respond(struct.pack(">BHH", 3, span.start, span.end - span.start))
    if answer[0] != 3:  # noqa: PLR2004
        return {}
    return {address: answer[2 + 2 * at : 4 + 2 * at] for at, address in enumerate(span.registers)}


def _patched(pdu: bytes, answer: bytes, registers: Registers) -> bytes:
    """The answer to a read, with some registers replaced; any other answer as it is."""
    read = read_span(pdu)
    if read is None or answer[0] != pdu[0]:
        return answer
    spoilt = bytearray(answer)
    for address in registers.keys() & read.registers:
        at = 2 + 2 * (address - read.start)
        spoilt[at : at + 2] = registers[address]
    return bytes(spoilt)


def _require(found: Mapping[Responder, object], images: Mapping[Responder, object], sentence: str) -> None:
    if images and not found:
        raise ConfigurationFault(sentence)
