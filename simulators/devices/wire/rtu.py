"""Frames of Modbus RTU (MODBUS over serial line 1.02, 2.5.1): unit, PDU, CRC, and silence in between."""

import struct
from collections.abc import Collection

from simulators.devices.wire.fate import Fate, with_flips
from simulators.devices.wire.framing import BROADCAST, Request

FRAME_MIN, FRAME_MAX = 4, 256
SILENCE_S_MIN = 0.02
"""Operating systems and USB adapters hand bytes on in lots: a shorter pause proves nothing."""
_SILENT_CHARACTERS, _BITS_A_CHARACTER = 3.5, 11
_FIXED_LENGTHS = {1: 8, 2: 8, 3: 8, 4: 8, 5: 8, 6: 8, 22: 10}
_COUNTED_LENGTHS = {15: (6, 9), 16: (6, 9), 23: (10, 13)}
"""Where the byte count stands, and what a frame has beside the counted bytes."""
_COUNTED_ANSWERS = frozenset({1, 2, 3, 4, 23})
_ECHOED_ANSWERS = {5: 8, 6: 8, 15: 8, 16: 8, 22: 10}
_EXCEPTION_BIT, _EXCEPTION_LENGTH = 0x80, 5


def crc(data: bytes | bytearray) -> int:
    """CRC-16 of the serial line; a frame carries it low byte first."""
    register = 0xFFFF
    for byte in data:
        register = register >> 8 ^ _CRC_OF_BYTE[(register ^ byte) & 0xFF]
    return register


def sealed(frame: bytes) -> bytes:
    """A frame with its CRC behind it."""
    return frame + struct.pack("<H", crc(frame))


def silence_s_at(baud: int) -> float:
    """The pause that ends a frame: 3.5 characters, and never less than a computer can tell."""
    return max(SILENCE_S_MIN, _SILENT_CHARACTERS * _BITS_A_CHARACTER / baud)


class RtuFramer:
    """Takes requests from a bus on which other units may be heard too.

    A request that is whole by its length and CRC is taken at once, so that requests may arrive joined;
    other units' requests and answers are skipped the same way. Anything else waits for the silence: then
    the bytes since the last frame are one frame if their CRC is right, and noise if it is not.

    Args:
        units: the unit ids that are ours.
        silence_s: the pause that ends a frame.
    """

    silence_s: float | None
    is_bus = True

    def __init__(self, units: Collection[int], silence_s: float = SILENCE_S_MIN) -> None:
        self.silence_s = silence_s
        self._ours = frozenset(units)
        self._received = bytearray()
        self._astray = False
        self._ended: list[Request] = []

    def feed(self, data: bytes) -> None:
        self._received += data

    def take(self) -> Request | None:
        while (request := self._next()) is not None:
            if request.unit in self._ours or request.unit == BROADCAST:
                return request
        if len(self._received) > FRAME_MAX:
            # Longer than any frame: noise, of which only its being too long need be remembered.
            self._astray = True
            del self._received[FRAME_MAX + 1 :]
        return None

    def silence(self) -> None:
        if len(self._received) <= FRAME_MAX and _whole(self._received):
            self._ended.append(_request(self._received))
        self._received.clear()
        self._astray = False

    def wrap(self, request: Request, answer: bytes, fate: Fate) -> bytes:
        unit = (request.unit + fate.address_shift) & 0xFF
        whole = sealed(bytes((unit,)) + answer)
        if not fate.flips:
            return whole
        return bytes((unit,)) + with_flips(answer, fate.flips) + whole[-2:]

    def _next(self) -> Request | None:
        if self._ended:
            return self._ended.pop(0)
        return None if self._astray else self._cut()

    def _cut(self) -> Request | None:
        """The frame with which the bytes begin, whoever sent it to whom."""
        length = self._whole_length()
        if length is None:
            return None
        frame = self._received[:length]
        del self._received[:length]
        return _request(frame)

    def _whole_length(self) -> int | None:
        received = self._received
        lengths = [request_length(received)]
        if received and received[0] not in self._ours:
            lengths.append(answer_length(received))
        known = [length for length in lengths if length is not None]
        for length in known:
            if len(received) >= length and _whole(received[:length]):
                return length
        if known and len(received) >= max(known):
            self._astray = True
        return None


def request_length(frame: bytes | bytearray) -> int | None:
    """How long a request is by its first bytes; nothing where they do not say."""
    if len(frame) < 2:  # noqa: PLR2004
        return None
    function = frame[1]
    if function in _COUNTED_LENGTHS:
        at, others = _COUNTED_LENGTHS[function]
        return others + frame[at] if len(frame) > at else None
    return _FIXED_LENGTHS.get(function)


def answer_length(frame: bytes | bytearray) -> int | None:
    """How long an answer is by its first bytes; nothing where they do not say."""
    if len(frame) < 3:  # noqa: PLR2004
        return None
    function = frame[1]
    if function & _EXCEPTION_BIT:
        return _EXCEPTION_LENGTH
    if function in _COUNTED_ANSWERS:
        return _EXCEPTION_LENGTH + frame[2]
    return _ECHOED_ANSWERS.get(function)


def _whole(frame: bytes | bytearray) -> bool:
    # The CRC of a frame together with its own CRC is 0.
    return len(frame) >= FRAME_MIN and crc(frame) == 0


def _request(frame: bytes | bytearray) -> Request:
    return Request(frame[0], bytes(frame[1:-2]))


def _crc_of_byte(byte: int) -> int:
    for _ in range(8):
        byte = byte >> 1 ^ (0xA001 if byte & 1 else 0)
    return byte


_CRC_OF_BYTE = tuple(_crc_of_byte(byte) for byte in range(256))
