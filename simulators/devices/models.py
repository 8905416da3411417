"""SunSpec models as register plans, compiled once from the definition files that pysunspec2 ships.

Only the JSON files of that package are used; encoder and decoder are our own.
"""

import json
import math
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from ipaddress import ip_address
from types import MappingProxyType
from typing import Any

Value = float | str | None
"""A number in the unit of the point, a text, or nothing where the point is not implemented."""

Raw = int | float | bytes
"""What a struct packs for one point."""


@dataclass(frozen=True, slots=True)
class _Number:
    """How a type of number lies in registers: the struct format, the range, and "not implemented"."""

    code: str
    low: int
    high: int
    absent: int
    wraps: bool = False
    """An accumulator: it begins again at 0."""


def _signed(code: str, bits: int) -> _Number:
    least = -(1 << bits - 1)
    return _Number(code, least + 1, -least - 1, least)


def _unsigned(code: str, bits: int) -> _Number:
    most = (1 << bits) - 1
    return _Number(code, 0, most - 1, most)


def _accumulator(code: str, bits: int) -> _Number:
    return _Number(code, 0, (1 << bits) - 1, 0, wraps=True)


_NUMBERS: Mapping[str, _Number] = {
    "int16": _signed("h", 16),
    "int32": _signed("i", 32),
    "int64": _signed("q", 64),
    "uint16": _unsigned("H", 16),
    "uint32": _unsigned("I", 32),
    "uint64": _unsigned("Q", 64),
    "enum16": _unsigned("H", 16),
    "enum32": _unsigned("I", 32),
    "bitfield16": _unsigned("H", 16),
    "bitfield32": _unsigned("I", 32),
    "bitfield64": _unsigned("Q", 64),
    "sunssf": _Number("h", -10, 10, -0x8000),
    "count": _unsigned("H", 16),
    "pad": _Number("H", 0x8000, 0x8000, 0x8000),
    "acc16": _accumulator("H", 16),
    "acc32": _accumulator("I", 32),
    "acc64": _accumulator("Q", 64),
}
"""SunSpec Device Information Model Specification, table of data types."""

_FLOATS: Mapping[str, str] = {"float32": "f", "float64": "d"}
_ABSENT_TEXT: Mapping[str, bytes] = {
    "ipaddr": bytes(4),
    "ipv6addr": bytes(16),
    "eui48": bytes.fromhex("0000ffffffffffff"),
}


@dataclass(frozen=True, slots=True)
class Point:
    """One point: where it lies in its model (registers from the model's id) and how it is coded."""

    name: str
    kind: str
    offset: int
    size: int
    scale_factor: str
    """Name of the point with its scale factor; empty where it has none."""
    exponent: int = 0
    """Of a scale factor that the definition fixes."""
    writable: bool = False
    """Whether the definition lets a unit offer it for writing."""
    choices: frozenset[int] = frozenset()
    """Values of an enumeration; empty for any other type."""

    @property
    def code(self) -> str:
        """Struct format of the point, without byte order."""
        if self.kind in _NUMBERS:
            return _NUMBERS[self.kind].code
        return _FLOATS.get(self.kind) or f"{2 * self.size}s"

    @property
    def is_number(self) -> bool:
        return self.kind in _NUMBERS or self.kind in _FLOATS

    def encode(self, value: Value, exponent: int = 0) -> bytes:
        """Big-endian register bytes; ``None`` becomes the "not implemented" value.

        Raises:
            OverflowError: the value does not fit.
        """
        return struct.pack(f">{self.code}", self.raw(value, exponent))

    def raw(self, value: Value, exponent: int = 0) -> Raw:
        """What is to be packed for a value.

        Raises:
            OverflowError: the value does not fit.
        """
        if self.kind in _FLOATS:
            return math.nan if value is None else float(value)
        if self.kind not in _NUMBERS:
            return self._text(value)
        number = _NUMBERS[self.kind]
        if value is None:
            return number.absent
        scaled = _scaled(value, exponent)
        if number.wraps:
            return scaled % (number.high + 1)
        if not number.low <= scaled <= number.high:
            raise OverflowError(f"{self.name}: {value} does not fit {self.kind} with 10^{exponent}")
        return scaled

    def bounds(self) -> tuple[int, int, int] | None:
        """Least and greatest raw value and "not implemented", where a number has them."""
        number = _NUMBERS.get(self.kind)
        return (number.low, number.high, number.absent) if number and not number.wraps else None

    def decode(self, registers: bytes, exponent: int = 0) -> float | None:
        """The number in big-endian register bytes, or nothing for "not implemented".

        Raises:
            TypeError: the point is no number.
        """
        if not self.is_number:
            raise TypeError(f"{self.name} is a text")
        (raw,) = struct.unpack(f">{self.code}", registers)
        if self.kind in _FLOATS:
            return None if math.isnan(raw) else float(raw)
        if raw == _NUMBERS[self.kind].absent:
            return None
        return float(raw / 10**-exponent if exponent < 0 else raw * 10**exponent)

    def text(self, registers: bytes) -> str | None:
        """The text or address in big-endian register bytes, or nothing for "not implemented"."""
        if self.kind == "string":
            return registers.rstrip(b"\0").decode("utf-8", "replace") or None
        if registers == _ABSENT_TEXT[self.kind]:
            return None
        if self.kind == "eui48":
            return registers[2:].hex(":").upper()
        return str(ip_address(registers))

    def _text(self, value: Value) -> bytes:
        if self.kind == "string":
            coded = b"" if value is None else str(value).encode()
        elif value is None:
            coded = _ABSENT_TEXT[self.kind]
        elif self.kind == "eui48":
            coded = bytes(2) + bytes.fromhex(str(value).replace(":", ""))
        else:
            coded = ip_address(str(value)).packed
        if len(coded) > 2 * self.size:
            raise OverflowError(f"{self.name}: {value!r} is longer than {2 * self.size} bytes")
        return coded.ljust(2 * self.size, b"\0")


def _scaled(value: float | str, exponent: int) -> int:
    if isinstance(value, int) and exponent <= 0:
        return int(value * 10**-exponent)
    return round(float(value) * 10.0**-exponent)


@dataclass(frozen=True, slots=True)
class Model:
    """One model: its points in order, and its length in registers with id and length."""

    number: int
    points: dict[str, Point]
    size: int
    counts: Mapping[str, int] = field(default_factory=dict)
    """How often its groups repeat."""


def model(number: int, counts: Mapping[str, int] = MappingProxyType({})) -> Model:
    """The plan of one SunSpec model.

    Points of a group are named ``Group.Point``, those of a repeating group ``Group[1].Point`` and so on,
    groups in groups alike (``Crv[1].Pt[2].V``).

    Args:
        number: of the model.
        counts: how often groups repeat, by the point that says so (``NCrv``), or by the name of the group
            where only the length of the model says so. Groups that are not named occur not at all.

    Raises:
        FileNotFoundError: no such model is defined.
    """
    return _plan(number, tuple(sorted(counts.items())))


@cache
def defined_models() -> frozenset[int]:
    """Numbers of all models that have a definition."""
    names = (path.name for path in files("sunspec2").joinpath("models/json").iterdir())
    return frozenset(int(name[6:-5]) for name in names if name.startswith("model_"))


@cache
def _plan(number: int, counts: tuple[tuple[str, int], ...]) -> Model:
    path = files("sunspec2").joinpath(f"models/json/model_{number}.json")
    group = json.loads(path.read_text(encoding="utf-8"))["group"]
    layout = _Layout(dict(counts))
    layout.lay(group, "")
    return Model(number, layout.points, layout.size, layout.counts)


class _Layout:
    """Points laid one after another."""

    def __init__(self, counts: Mapping[str, int]) -> None:
        self.counts = counts
        self.points: dict[str, Point] = {}
        self.size = 0

    def lay(self, group: Mapping[str, Any], prefix: str) -> None:
        own = {item["name"] for item in group["points"]}
        for item in group["points"]:
            point = self._point(item, prefix, own)
            self.points[point.name] = point
            self.size += point.size
        for inner in group.get("groups", ()):
            if "count" not in inner:
                self.lay(inner, f"{prefix}{inner['name']}.")
                continue
            for index in range(1, self._repetitions(inner) + 1):
                self.lay(inner, f"{prefix}{inner['name']}[{index}].")

    def _point(self, item: Mapping[str, Any], prefix: str, own: set[str]) -> Point:
        scale = item.get("sf", 0)
        by_name = isinstance(scale, str)
        symbols = item.get("symbols", ()) if item["type"].startswith("enum") else ()
        return Point(
            f"{prefix}{item['name']}",
            item["type"],
            self.size,
            item["size"],
            (f"{prefix}{scale}" if scale in own else scale) if by_name else "",
            exponent=0 if by_name else int(scale),
            writable=item.get("access") == "RW",
            choices=frozenset(symbol["value"] for symbol in symbols),
        )

    def _repetitions(self, group: Mapping[str, Any]) -> int:
        """A count is a number, the name of a point, or 0: as often as the model is long."""
        count = group["count"]
        if isinstance(count, int) and count > 0:
            return count
        return self.counts.get(group["name"] if count == 0 else count, 0)
