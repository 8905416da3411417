"""Registers to numbers and back: each model is compiled once to one struct and a table of scales.

Source: SunSpec Device Information Model Specification: types, not-implemented values, scale factors.
"""

import struct
from functools import cache
from itertools import compress
from math import isfinite
from operator import eq, mul, truediv
from struct import Struct
from typing import NamedTuple

from edge_agent.devices.sunspec_models import PointDefinition, definition_of

Value = float | str | None
"""A number in the unit of its point, a text, or ``None``: not implemented, or not a number."""

HEADER_REGISTERS = 2
"""Every model begins with its ID and its length."""

_SCALE_LIMIT = 10
_SCALINGS_MAX = 64


class _Type(NamedTuple):
    code: str
    absent: int | None
    """The raw value that means *not implemented*; ``None`` where nothing does."""


_TYPES = {
    "int16": _Type("h", -0x8000),
    "uint16": _Type("H", 0xFFFF),
    "count": _Type("H", 0xFFFF),
    "acc16": _Type("H", 0),
    "enum16": _Type("H", 0xFFFF),
    "bitfield16": _Type("H", 0xFFFF),
    "raw16": _Type("H", None),
    "pad": _Type("H", None),
    "sunssf": _Type("h", -0x8000),
    "int32": _Type("i", -0x8000_0000),
    "uint32": _Type("I", 0xFFFF_FFFF),
    "acc32": _Type("I", 0),
    "enum32": _Type("I", 0xFFFF_FFFF),
    "bitfield32": _Type("I", 0xFFFF_FFFF),
    "int64": _Type("q", -0x8000_0000_0000_0000),
    "uint64": _Type("Q", 0xFFFF_FFFF_FFFF_FFFF),
    "acc64": _Type("Q", 0),
    "bitfield64": _Type("Q", 0xFFFF_FFFF_FFFF_FFFF),
    "float32": _Type("f", None),
    "float64": _Type("d", None),
}
_FLOATS = frozenset({"float32", "float64"})


_UP = {exponent: 10.0 ** max(exponent, 0) for exponent in range(-_SCALE_LIMIT, _SCALE_LIMIT + 1)}
_DOWN = {exponent: 10.0 ** max(-exponent, 0) for exponent in range(-_SCALE_LIMIT, _SCALE_LIMIT + 1)}
# Multiply by one, then divide by the other; one of them is 1, so a value is rounded once, as its decimal.


class _Scaling(NamedTuple):
    """The factors of every number of a model under one set of scale factors."""

    ups: tuple[float, ...] | None
    """``None``: all are 1, which is the common case and the fast one."""
    downs: tuple[float, ...]
    broken: tuple[int, ...]
    """Places whose scale factor is no scale factor."""


class Unencodable(ValueError):
    """A value that its register cannot hold; the text says why."""


class ModelPlan:
    """How to decode the first registers of a model, and how to encode its points.

    Points that do not fit as a whole are left out, so an older, shorter version of a model and a read
    that stops early are decoded alike.
    """

    def __init__(self, model_id: int, points: tuple[PointDefinition, ...]) -> None:
        self.model_id = model_id
        self.points = {point.name: point for point in points}
        numbers = [p for p in points if p.type in _TYPES]
        texts = [p for p in points if p.type not in _TYPES]
        self.names = tuple(point.name for point in (*numbers, *texts))
        """Numbers first, then texts."""
        self.place = {name: i for i, name in enumerate(self.names)}
        self.registers = sum(point.size for point in points)
        self._numbers = Struct(">" + "".join(_code(p) if p.type in _TYPES else _skip(p) for p in points))
        self._texts = Struct(">" + "".join(_skip(p) if p.type in _TYPES else _code(p) for p in points))
        self._places = range(len(numbers))
        self._absent = tuple(_TYPES[point.type].absent for point in numbers)
        self._floats = tuple(i for i, point in enumerate(numbers) if point.type in _FLOATS)
        self._factors_at = tuple(i for i, point in enumerate(numbers) if point.type == "sunssf")
        self._scales: tuple[int | str | None, ...] = tuple(point.scale for point in numbers)
        self._scalings: dict[tuple[int, ...], _Scaling] = {}

    def decode(self, registers: bytes | memoryview) -> list[Value]:
        """Every point in the order of ``names``; a sentinel, a NaN or a broken scale gives ``None``.

        Args:
            registers: big-endian, at least ``2 * self.registers`` bytes.
        """
        raw = self._numbers.unpack_from(registers)
        ups, downs, broken = self._scaling(tuple([raw[i] for i in self._factors_at]))
        scaled = raw if ups is None else map(mul, raw, ups)
        values: list[Value] = list(map(truediv, scaled, downs))
        for i in compress(self._places, map(eq, raw, self._absent)):
            values[i] = None
        for i in self._floats:
            if not isfinite(raw[i]):
                values[i] = None
        for i in broken:
            values[i] = None
        values.extend(map(_text, self._texts.unpack_from(registers)))
        return values

    def decode_named(self, registers: bytes | memoryview) -> dict[str, Value]:
        """As ``decode``, by name of the point."""
        return dict(zip(self.names, self.decode(registers), strict=True))

    def encode(self, name: str, value: float, scale_exponent: int | None = None) -> bytes:
        """One number as the registers of its point, rounded to the register's resolution.

        Args:
            name: of a number, not of a text.
            value: in the unit of the point.
            scale_exponent: the live scale factor, for a point that has one.

        Raises:
            Unencodable: not finite, beyond the register's range, equal to its sentinel, or the device gives
                no valid scale factor.
        """
        point = self.points[name]
        if not isfinite(value):
            raise Unencodable(f"{value} is not a number that {self.model_id}.{name} can hold")
        if point.type in _FLOATS:
            return _pack(self.model_id, point, value)
        exponent = scale_exponent if isinstance(point.scale, str) else point.scale or 0
        if exponent not in _UP:
            raise Unencodable(f"the device gives no valid scale factor for {self.model_id}.{name}")
        raw = round(value * _DOWN[exponent] / _UP[exponent])
        if raw == _TYPES[point.type].absent:
            raise Unencodable(f"{value:g} is the not-implemented value of {self.model_id}.{name}")
        return _pack(self.model_id, point, raw)

    def _scaling(self, factors: tuple[int, ...]) -> _Scaling:
        if (known := self._scalings.get(factors)) is not None:
            return known
        if len(self._scalings) >= _SCALINGS_MAX:
            self._scalings.clear()
        names = (self.names[i] for i in self._factors_at)
        live = dict(zip(names, factors, strict=True))
        exponents = [live.get(s) if isinstance(s, str) else s or 0 for s in self._scales]
        ups = tuple(_UP.get(exponent, 1.0) for exponent in exponents)  # type: ignore[arg-type]
        scaling = _Scaling(
            ups=None if set(ups) == {1.0} else ups,
            downs=tuple(_DOWN.get(exponent, 1.0) for exponent in exponents),  # type: ignore[arg-type]
            broken=tuple(i for i, exponent in enumerate(exponents) if exponent not in _UP),
        )
        self._scalings[factors] = scaling
        return scaling


@cache
def plan_of(model_id: int, registers: int) -> ModelPlan | None:
    """The plan for that many registers of a model, ID and length included; nothing if it is unknown."""
    if (definition := definition_of(model_id)) is None:
        return None
    fitting = tuple(p for p in definition.points if p.offset + p.size <= registers)
    return ModelPlan(model_id, fitting)


def _code(point: PointDefinition) -> str:
    number = _TYPES.get(point.type)
    return number.code if number else f"{2 * point.size}s"


def _skip(point: PointDefinition) -> str:
    return f"{2 * point.size}x"


def _text(raw: bytes) -> str | None:
    """Up to the first NUL; ``None`` for an empty text."""
    return raw.split(b"\0", 1)[0].decode("utf-8", errors="replace").strip() or None


def _pack(model_id: int, point: PointDefinition, value: float) -> bytes:
    try:
        return struct.pack(">" + _code(point), value)
    except (struct.error, OverflowError) as error:
        raise Unencodable(f"{value:g} does not fit {model_id}.{point.name}, a {point.type}") from error
