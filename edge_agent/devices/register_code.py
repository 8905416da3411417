"""One value of a vendor's map to registers and back: type, word and byte order, scale, not-there values."""

import struct
from math import isfinite

from edge_agent.devices.plan import Unencodable, Value
from firmware_profiles.registers import Order, Register, RegisterType

_EXPONENT_LIMIT = 10
_CODES = {
    RegisterType.INT16: "h",
    RegisterType.UINT16: "H",
    RegisterType.INT32: "i",
    RegisterType.UINT32: "I",
    RegisterType.INT64: "q",
    RegisterType.UINT64: "Q",
    RegisterType.FLOAT32: "f",
    RegisterType.FLOAT64: "d",
}
_FLOATS = frozenset({RegisterType.FLOAT32, RegisterType.FLOAT64})


def decode(register: Register, raw: bytes, exponent: Value = None) -> Value:
    """The number in the core unit, or the text; ``None`` where the device has nothing there.

    Args:
        register: which value.
        raw: its registers as they came.
        exponent: what its exponent register holds, where it has one.
    """
    ordered = _ordered(register, raw)
    if register.type is RegisterType.TEXT:
        return ordered.split(b"\0", 1)[0].decode("utf-8", errors="replace").strip() or None
    if int.from_bytes(ordered) in register.absent:
        return None
    number = float(struct.unpack(">" + _CODES[register.type], ordered)[0])
    power = _power(register, exponent)
    if power is None or not isfinite(number):
        return None
    return _times(_times(number, register.one_count), power)


def encode(name: str, register: Register, value: float, exponent: Value = None) -> bytes:
    """A number in the core unit as registers, rounded to the register's resolution.

    Raises:
        Unencodable: not finite, beyond the register's range, equal to a not-there value, or the device gives
            no valid exponent.
    """
    power = _power(register, exponent)
    if power is None:
        raise Unencodable(f"the device gives no valid exponent for {name}")
    if not isfinite(value):
        raise Unencodable(f"{value} is not a number that {name} can hold")
    count = _over(_over(value, register.one_count), power)
    try:
        coded = struct.pack(">" + _CODES[register.type], count if register.type in _FLOATS else round(count))
    except (struct.error, OverflowError) as error:
        raise Unencodable(f"{value:g} does not fit {name}, a {register.type}") from error
    if int.from_bytes(coded) in register.absent:
        raise Unencodable(f"{value:g} is the not-there value of {name}")
    return _ordered(register, coded)


def resolution(register: Register, exponent: Value = None) -> float:
    """The step from one count to the next, in the core unit; 0 for a register of floats."""
    power = _power(register, exponent)
    return 0.0 if register.type in _FLOATS or power is None else abs(_times(register.one_count, power))


def _power(register: Register, exponent: Value) -> float | None:
    """Ten to the exponent that the device shows; ``None`` if that is none."""
    if register.exponent is None:
        return 1.0
    if not isinstance(exponent, float) or exponent != round(exponent) or abs(exponent) > _EXPONENT_LIMIT:
        return None
    return 10.0 ** round(exponent)


def _times(number: float, factor: float) -> float:
    """A product; by a part of ten as a quotient, so that 0.1 is rounded once, as its decimal."""
    inverse = 1.0 / factor
    return number / inverse if abs(factor) < 1.0 and inverse == round(inverse) else number * factor


def _over(number: float, factor: float) -> float:
    inverse = 1.0 / factor
    return number * inverse if abs(factor) < 1.0 and inverse == round(inverse) else number / factor


def _ordered(register: Register, raw: bytes) -> bytes:
    """Big-endian from the device's order, or back: both ways are the same."""
    if register.words is Order.LITTLE:
        raw = b"".join(raw[at : at + 2] for at in range(len(raw) - 2, -1, -2))
    if register.bytes is Order.LITTLE:
        raw = b"".join(raw[at : at + 2][::-1] for at in range(0, len(raw), 2))
    return raw
