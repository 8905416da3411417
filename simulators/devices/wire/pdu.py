"""Modbus request and response PDUs (MODBUS Application Protocol 1.1b3): functions 3, 4, 6, 16, 22 and 23."""

import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Protocol

READ_COUNT_MAX = 125
WRITE_COUNT_MAX = 123
EXCHANGE_WRITE_COUNT_MAX = 121
"""Of function 23, whose request has a read in it too."""

_EXCEPTION_BIT = 0x80
_EXCHANGE_HEAD = 10


class Refusal(IntEnum):
    """Exception codes."""

    FUNCTION = 1
    ADDRESS = 2
    VALUE = 3
    GATEWAY_TARGET = 11
    """No device with this unit id behind the server."""


class Refused(Exception):
    """A request that gets an exception response."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.name)
        self.refusal = refusal


class Registers(Protocol):
    def read(self, address: int, count: int) -> bytes: ...

    def write(self, address: int, registers: bytes) -> None: ...


@dataclass(frozen=True, slots=True)
class Span:
    """Registers ``[start, end)``."""

    start: int
    end: int

    @property
    def registers(self) -> range:
        return range(self.start, self.end)


def answer(pdu: bytes, registers: Registers) -> bytes:
    """The response PDU to any bytes. Functions 3 and 4 read the same registers."""
    carry_out = _FUNCTIONS.get(pdu[0]) if pdu else None
    if carry_out is None:
        return exception_response(pdu, Refusal.FUNCTION)
    try:
        return carry_out(pdu, registers)
    except Refused as refused:
        return exception_response(pdu, refused.refusal)


def read_span(pdu: bytes) -> Span | None:
    """The registers that a well-formed request reads; nothing for any other."""
    is_read = pdu[:1] in {b"\x03", b"\x04"} and len(pdu) == 5  # noqa: PLR2004
    if not is_read and not (pdu[:1] == b"\x17" and _is_exchange(pdu)):
        return None
    span = _span(pdu, 1)
    return span if 1 <= len(span.registers) <= READ_COUNT_MAX else None


def write_span(pdu: bytes) -> Span | None:
    """The registers that a well-formed request writes; nothing for any other."""
    match pdu[:1]:
        case b"\x06" if len(pdu) == 5:  # noqa: PLR2004
            return _span(pdu, 1, 1)
        case b"\x16" if len(pdu) == 7:  # noqa: PLR2004
            return _span(pdu, 1, 1)
        case b"\x10" if _is_write_many(pdu):
            return _span(pdu, 1)
        case b"\x17" if _is_exchange(pdu):
            return _span(pdu, 5)
        case _:
            return None


def _span(pdu: bytes, at: int, count: int | None = None) -> Span:
    address, named = struct.unpack_from(">HH", pdu, at)
    return Span(address, address + (named if count is None else count))


def exception_response(pdu: bytes, refusal: Refusal) -> bytes:
    """The exception response to a request; a request without function code counts as function 0."""
    function = pdu[0] if pdu else 0
    return bytes((function | _EXCEPTION_BIT, refusal))


def _read(pdu: bytes, registers: Registers) -> bytes:
    address, count = _fields(pdu, 5)
    if not 1 <= count <= READ_COUNT_MAX:
        raise Refused(Refusal.VALUE)
    return bytes((pdu[0], 2 * count)) + registers.read(address, count)


def _write_one(pdu: bytes, registers: Registers) -> bytes:
    address, _ = _fields(pdu, 5)
    registers.write(address, pdu[3:5])
    return pdu


def _write_many(pdu: bytes, registers: Registers) -> bytes:
    address, _ = _fields(pdu, None)
    if not _is_write_many(pdu):
        raise Refused(Refusal.VALUE)
    registers.write(address, pdu[6:])
    return pdu[:5]


def _is_write_many(pdu: bytes) -> bool:
    if len(pdu) < 6:  # noqa: PLR2004
        return False
    count = int.from_bytes(pdu[3:5])
    return 1 <= count <= WRITE_COUNT_MAX and pdu[5] == 2 * count and len(pdu) == 6 + 2 * count


def _mask(pdu: bytes, registers: Registers) -> bytes:
    if len(pdu) != 7:  # noqa: PLR2004
        raise Refused(Refusal.VALUE)
    address, keep, put = struct.unpack_from(">HHH", pdu, 1)
    present = int.from_bytes(registers.read(address, 1))
    registers.write(address, (present & keep | put & ~keep & 0xFFFF).to_bytes(2))
    return pdu


def _exchange(pdu: bytes, registers: Registers) -> bytes:
    """Write, then read; nothing is written if the read will be refused."""
    if not _is_exchange(pdu):
        raise Refused(Refusal.VALUE)
    read_address, count, write_address = struct.unpack_from(">HHH", pdu, 1)
    registers.read(read_address, count)
    registers.write(write_address, pdu[_EXCHANGE_HEAD:])
    return bytes((pdu[0], 2 * count)) + registers.read(read_address, count)


def _is_exchange(pdu: bytes) -> bool:
    if len(pdu) < _EXCHANGE_HEAD:
        return False
    reads, writes = int.from_bytes(pdu[3:5]), int.from_bytes(pdu[7:9])
    return (
        1 <= reads <= READ_COUNT_MAX
        and 1 <= writes <= EXCHANGE_WRITE_COUNT_MAX
        and pdu[9] == 2 * writes
        and len(pdu) == _EXCHANGE_HEAD + 2 * writes
    )


def _fields(pdu: bytes, length: int | None) -> tuple[int, int]:
    """The two 16-bit fields after the function code.

    Raises:
        Refused: the request is shorter than its fields, or not ``length`` bytes long.
    """
    if len(pdu) < 5 or (length is not None and len(pdu) != length):  # noqa: PLR2004
        raise Refused(Refusal.VALUE)
    address, count = struct.unpack_from(">HH", pdu, 1)
    return address, count


_FUNCTIONS: Mapping[int, Callable[[bytes, Registers], bytes]] = {
    3: _read,
    4: _read,
    6: _write_one,
    16: _write_many,
    22: _mask,
    23: _exchange,
}
