"""Registers that remember every write, and the frames to reach them, made apart from the server's code."""

import struct
from dataclasses import dataclass, field

from simulators.devices.wire.pdu import Refusal, Refused, answer

FIRST, LAST = 1_000, 1_999
WRITABLE = range(1_100, 1_200)


@dataclass(eq=False)
class Recorder:
    """Registers 1000 .. 1999 with their own address as value; 1100 .. 1199 may be written."""

    memory: dict[int, bytes] = field(default_factory=dict)
    writes: list[tuple[int, bytes]] = field(default_factory=list)
    reads: int = 0

    def respond(self, pdu: bytes) -> bytes:
        return answer(pdu, self)

    def read(self, address: int, count: int) -> bytes:
        self.reads += 1
        if address < FIRST or address + count > LAST + 1:
            raise Refused(Refusal.ADDRESS)
        return b"".join(self.memory.get(at, at.to_bytes(2)) for at in range(address, address + count))

    def write(self, address: int, registers: bytes) -> None:
        touched = range(address, address + len(registers) // 2)
        if touched[0] not in WRITABLE or touched[-1] not in WRITABLE:
            raise Refused(Refusal.ADDRESS)
        self.writes.append((address, registers))
        self.memory |= {at: registers[2 * n : 2 * n + 2] for n, at in enumerate(touched)}


def read(address: int, count: int, function: int = 3) -> bytes:
    return struct.pack(">BHH", function, address, count)


def read_answer(address: int, count: int, function: int = 3) -> bytes:
    registers = b"".join(at.to_bytes(2) for at in range(address, address + count))
    return bytes((function, 2 * count)) + registers


def write_one(address: int, value: int) -> bytes:
    return struct.pack(">BHH", 6, address, value)


def write(address: int, registers: bytes) -> bytes:
    return struct.pack(">BHHB", 16, address, len(registers) // 2, len(registers)) + registers


def frame(transaction: int, unit: int, pdu: bytes, protocol: int = 0) -> bytes:
    return struct.pack(">HHHB", transaction, protocol, len(pdu) + 1, unit) + pdu


def crc(data: bytes) -> int:
    """Bit by bit, as the specification describes it (MODBUS over serial line 1.02, 6.2.2)."""
    register = 0xFFFF
    for byte in data:
        register ^= byte
        for _ in range(8):
            register = register >> 1 ^ 0xA001 if register & 1 else register >> 1
    return register


def sealed(unit: int, pdu: bytes) -> bytes:
    body = bytes((unit,)) + pdu
    return body + crc(body).to_bytes(2, "little")


def the_write(pdu: bytes) -> tuple[int, bytes] | None:
    """The write that a PDU asks for, if it is one to the letter; parsed apart from the server's code.

    Function 22 writes what it makes of the register's present value, so it says only where.
    """
    if len(pdu) == 5 and pdu[0] == 6:
        return int.from_bytes(pdu[1:3]), pdu[3:5]
    if len(pdu) == 7 and pdu[0] == 22:
        return int.from_bytes(pdu[1:3]), b""
    for function, at, most in ((16, 1, 123), (23, 5, 121)):
        if len(pdu) < at + 7 or pdu[0] != function:
            continue
        if function == 23 and not 1 <= int.from_bytes(pdu[3:5]) <= 125:
            return None
        address, count = struct.unpack_from(">HH", pdu, at)
        data = pdu[at + 5 :]
        if 1 <= count <= most and pdu[at + 4] == 2 * count == len(data):
            return address, data
    return None
