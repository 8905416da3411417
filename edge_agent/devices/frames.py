"""Which bytes on the wire are the answer to a request; pure.

TCP and TLS: transaction, protocol 0, length, unit, function, data (MODBUS Messaging on TCP/IP V1.0b, 3.1.3).
A serial line: unit, function, data, CRC (MODBUS over serial line 1.02, 2.5.1).
"""

import struct
from collections.abc import Collection
from typing import NamedTuple

READ = 3
READ_INPUT = 4
WRITE_ONE = 6
WRITE = 16

HEADER = struct.Struct(">HHHB")
_READS, _WRITES = frozenset({READ, READ_INPUT}), frozenset({WRITE_ONE, WRITE})
"""An answer to a read brings registers; one to a write repeats four bytes of the request."""
_EXCEPTION = 0x80
_EXCEPTION_BYTES = 2
LENGTH_MIN = 3
LENGTH_MAX = 254
_WRITE_ANSWER_BYTES = 5
_CRC_BYTES = 2
_RTU_HEAD_BYTES = 3
"""Unit, function, and the byte count of a read or the code of an exception."""
EXCEPTIONS = {
    1: "does not know this function",
    2: "has no such register",
    3: "refuses this value",
    4: "failed while it tried",
    5: "needs longer",
    6: "is busy",
    10: "cannot route to this unit",
    11: "gets no answer from this unit",
}


class Verdict(NamedTuple):
    """On what was received so far: an answer, or what is wrong with it, or neither yet."""

    answer: bytes = b""
    """The whole frame, and nothing but it."""
    complaint: str | None = None


WAIT = Verdict()


def tcp_verdict(request: bytes, received: bytes) -> Verdict:
    """Judge a Modbus TCP frame that is, or may become, the answer to ``request``."""
    if (complaint := complaint_about(request, received)) is not None:
        return Verdict(complaint=complaint)
    whole = len(received) > HEADER.size and len(received) == HEADER.size - 1 + HEADER.unpack_from(received)[2]
    return Verdict(answer=received) if whole else WAIT


def complaint_about(request: bytes, answer: bytes) -> str | None:
    """What is wrong with the bytes received so far, or nothing if they are, or may become, the answer."""
    if len(answer) <= HEADER.size:
        return None
    transaction, protocol, length, unit = HEADER.unpack_from(answer)
    asked_transaction, _, _, asked_unit = HEADER.unpack_from(request)
    whole = HEADER.size - 1 + length
    if protocol != 0 or not LENGTH_MIN <= length <= LENGTH_MAX:
        return "answered with something that is not Modbus"
    if transaction != asked_transaction or unit != asked_unit:
        return (
            f"answered another question, transaction {transaction} of unit {unit} "
            f"instead of {asked_transaction} of unit {asked_unit}"
        )
    if len(answer) > whole:
        return "answered more than once"
    if len(answer) < whole:
        return None
    return complaint_about_data(request[HEADER.size :], answer[HEADER.size :])


def complaint_about_data(asked: bytes, data: bytes) -> str | None:
    """The same for a whole answer, from the function on."""
    if data[0] == asked[0] | _EXCEPTION:
        return None if len(data) == _EXCEPTION_BYTES else "answered with a malformed exception"
    if data[0] != asked[0]:
        return f"answered with function {data[0]} instead of {asked[0]}"
    if asked[0] in _WRITES:
        return None if data[1:] == asked[1:5] else "acknowledged another write than ours"
    count = int.from_bytes(asked[3:5])
    if len(data) != 2 + 2 * count or data[1] != 2 * count:
        return f"answered with {max(len(data) - 2, 0) // 2} registers instead of {count}"
    return None


def rtu_verdict(request: bytes, received: bytes, overdue: Collection[int]) -> Verdict:
    """Judge the bytes of a serial line.

    A serial line has no transaction ids: an answer that comes after its request was given up is told from
    others by its unit only.

    Args:
        request: what was sent, with its CRC.
        received: everything since.
        overdue: units that may still answer a former request; what they say is passed over.
    """
    while len(received) >= _RTU_HEAD_BYTES:
        size = _rtu_bytes(received)
        late = received[0] != request[0] and received[0] in overdue
        if size is None or (received[0] != request[0] and not late):
            return Verdict(complaint=_stranger(request, received))
        if len(received) < size:
            break
        frame, received = received[:size], received[size:]
        if crc16(frame[:-_CRC_BYTES]) != frame[-_CRC_BYTES:]:
            return Verdict(complaint="answered with a wrong checksum")
        if late:
            continue
        if received:
            return Verdict(complaint="answered more than once")
        complaint = complaint_about_data(request[1:-_CRC_BYTES], frame[1:-_CRC_BYTES])
        return Verdict(answer=frame) if complaint is None else Verdict(complaint=complaint)
    return WAIT


def _stranger(request: bytes, received: bytes) -> str:
    if received[0] != request[0]:
        return f"answered another question, of unit {received[0]} instead of {request[0]}"
    return f"answered with function {received[1]} instead of {request[1]}"


def _rtu_bytes(received: bytes) -> int | None:
    """Length of the frame that begins here; nothing where no request of ours has such an answer."""
    _, function, first = received[:_RTU_HEAD_BYTES]
    if function in _READS:
        return _RTU_HEAD_BYTES + first + _CRC_BYTES
    if function in _WRITES:
        return 1 + _WRITE_ANSWER_BYTES + _CRC_BYTES
    if function & _EXCEPTION and function ^ _EXCEPTION in _READS | _WRITES:
        return 1 + _EXCEPTION_BYTES + _CRC_BYTES
    return None


def crc16(data: bytes) -> bytes:
    """The checksum of a serial frame, low byte first (MODBUS over serial line 1.02, 6.2.2)."""
    crc = 0xFFFF
    for byte in data:
        crc = _CRC[(crc ^ byte) & 0xFF] ^ crc >> 8
    return crc.to_bytes(2, "little")


def _crc_of_byte(byte: int) -> int:
    for _ in range(8):
        byte = byte >> 1 ^ (0xA001 if byte & 1 else 0)
    return byte


_CRC = tuple(_crc_of_byte(byte) for byte in range(256))
