"""Where models and points lie in a register image, found as any client finds it: by reading."""

import struct
from dataclasses import dataclass

from simulators.devices.models import defined_models, model
from simulators.devices.wire.fate import Responder
from simulators.devices.wire.pdu import Span

BASES = (40_000, 0, 50_000)
_MARKER = b"SunS"
_END = 0xFFFF
_READ = 3
_REGISTERS = 0x1_0000
_MODELS_MAX = 100


@dataclass(frozen=True, slots=True)
class SunSpecMap:
    """Models of an image in order, each with its registers from its id on; empty for any other map."""

    models: tuple[tuple[int, Span], ...]

    @classmethod
    def read(cls, image: Responder) -> "SunSpecMap":
        """Scan an image at the three places where a map may begin."""
        base = next((base for base in BASES if _registers(image, base, 2) == _MARKER), None)
        return cls(tuple(_scan(image, base + 2)) if base is not None else ())

    def find(self, point: str, kind: str = "") -> Span | None:
        """The registers of a point: ``701.W``, or ``W`` for the first model that has it (of such a kind)."""
        number, _, name = point.rpartition(".")
        for found, span in self.models:
            if number not in {"", str(found)} or found not in defined_models():
                continue
            at = model(found).points.get(name)
            if at is not None and kind in {"", at.kind}:
                return Span(span.start + at.offset, span.start + at.offset + at.size)
        return None


def _scan(image: Responder, start: int) -> list[tuple[int, Span]]:
    found: list[tuple[int, Span]] = []
    while len(found) < _MODELS_MAX and len(header := _registers(image, start, 2)) == 2 * 2:
        number, length = struct.unpack(">HH", header)
        if number == _END:
            break
        found.append((number, Span(start, start + 2 + length)))
        start += 2 + length
    return found


def _registers(image: Responder, address: int, count: int) -> bytes:
    if not 0 <= address <= address + count <= _REGISTERS:
        return b""
    answer = image.respond(struct.pack(">BHH", _READ, address, count))
    return answer[2:] if answer[0] == _READ else b""
