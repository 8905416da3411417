"""Modbus request and response PDUs (MODBUS Application Protocol 1.1b3): functions 3, 4, 6 and 16."""

import struct
from enum import IntEnum
from typing import Protocol

READ_COUNT_MAX = 125
WRITE_COUNT_MAX = 123

_READ_HOLDING, _READ_INPUT, _WRITE_ONE, _WRITE_MANY = 3, 4, 6, 16
_EXCEPTION_BIT = 0x80


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


def answer(pdu: bytes, registers: Registers) -> bytes:
    """The response PDU to any bytes. Functions 3 and 4 read the same registers."""
    try:
        match pdu[:1]:
            case b"\x03" | b"\x04":
                return _read(pdu, registers)
            case b"\x06":
                return _write_one(pdu, registers)
            case b"\x10":
                return _write_many(pdu, registers)
            case _:
                return exception_response(pdu, Refusal.FUNCTION)
    except Refused as refused:
        return exception_response(pdu, refused.refusal)


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
    address, count = _fields(pdu, None)
    if not 1 <= count <= WRITE_COUNT_MAX or pdu[5:6] != bytes((2 * count,)) or len(pdu) != 6 + 2 * count:
        raise Refused(Refusal.VALUE)
    registers.write(address, pdu[6:])
    return pdu[:5]


def _fields(pdu: bytes, length: int | None) -> tuple[int, int]:
    """The two 16-bit fields after the function code.

    Raises:
        Refused: the request is shorter than its fields, or not ``length`` bytes long.
    """
    if len(pdu) < 5 or (length is not None and len(pdu) != length):  # noqa: PLR2004
        raise Refused(Refusal.VALUE)
    address, count = struct.unpack_from(">HH", pdu, 1)
    return address, count
