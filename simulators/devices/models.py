"""SunSpec models as register plans, compiled once from the definition files that pysunspec2 ships.

Only the JSON files of that package are used; encoder and decoder are our own.
"""

import json
import struct
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

Value = float | str | None
"""A number in the unit of the point, a text, or nothing where the point is not implemented."""

_FORMATS: dict[str, tuple[str, int]] = {
    "int16": ("h", -0x8000),
    "int32": ("i", -0x8000_0000),
    "int64": ("q", -0x8000_0000_0000_0000),
    "uint16": ("H", 0xFFFF),
    "uint32": ("I", 0xFFFF_FFFF),
    "uint64": ("Q", 0xFFFF_FFFF_FFFF_FFFF),
    "enum16": ("H", 0xFFFF),
    "enum32": ("I", 0xFFFF_FFFF),
    "bitfield16": ("H", 0xFFFF),
    "bitfield32": ("I", 0xFFFF_FFFF),
    "bitfield64": ("Q", 0xFFFF_FFFF_FFFF_FFFF),
    "sunssf": ("h", -0x8000),
    "pad": ("H", 0x8000),
    "acc16": ("H", 0),
    "acc32": ("I", 0),
    "acc64": ("Q", 0),
    "count": ("H", 0xFFFF),
}
"""By type: the struct format, and the bits that stand for "not implemented" (SunSpec Information Model)."""


@dataclass(frozen=True, slots=True)
class Point:
    """One point: where it lies in its model (registers from the model's id) and how it is coded."""

    name: str
    kind: str
    offset: int
    size: int
    scale_factor: str
    """Name of the point with its scale factor; empty where it has none."""

    def encode(self, value: Value, exponent: int = 0) -> bytes:
        """Big-endian register bytes; ``None`` becomes the "not implemented" value.

        Raises:
            OverflowError: the value does not fit.
        """
        if self.kind == "string":
            text = b"" if value is None else str(value).encode()
            if len(text) > 2 * self.size:
                raise OverflowError(f"{self.name}: {value!r} is longer than {2 * self.size} bytes")
            return text.ljust(2 * self.size, b"\0")
        code, absent = _FORMATS[self.kind]
        if value is None:
            return struct.pack(f">{code}", absent)
        scaled = round(float(value) * 10.0**-exponent)
        try:
            return struct.pack(f">{code}", scaled)
        except struct.error as error:
            raise OverflowError(
                f"{self.name}: {value} does not fit {self.kind} with 10^{exponent}"
            ) from error

    def decode(self, registers: bytes, exponent: int = 0) -> float | None:
        """The number in big-endian register bytes, or nothing for "not implemented"."""
        code, absent = _FORMATS[self.kind]
        (raw,) = struct.unpack(f">{code}", registers)
        return None if raw == absent else raw * 10.0**exponent


@dataclass(frozen=True, slots=True)
class Model:
    """One model: its points in order, and its length in registers with id and length."""

    number: int
    points: dict[str, Point]
    size: int


@cache
def model(number: int) -> Model:
    """The plan of one SunSpec model. Points of groups are named ``Group.Point``; groups occur once.

    Raises:
        FileNotFoundError: no such model is defined.
    """
    path = files("sunspec2").joinpath(f"models/json/model_{number}.json")
    group = json.loads(path.read_text(encoding="utf-8"))["group"]
    points: dict[str, Point] = {}
    size = _lay(group, "", 0, points)
    return Model(number, points, size)


def _lay(group: dict[str, Any], prefix: str, offset: int, points: dict[str, Point]) -> int:
    """Add the points of a group from ``offset`` on, and return where it ends."""
    for item in group["points"]:
        name = f"{prefix}{item['name']}"
        points[name] = Point(name, item["type"], offset, item["size"], str(item.get("sf", "")))
        offset += item["size"]
    for inner in group.get("groups", ()):
        offset = _lay(inner, f"{prefix}{inner['name']}.", offset, points)
    return offset
