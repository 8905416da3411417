"""Frames of Modbus/TCP (MODBUS Messaging on TCP/IP Implementation Guide 1.0b, 3.1)."""

import struct

from simulators.devices.wire.fate import Fate, with_flips
from simulators.devices.wire.framing import Derailed, Request

_HEADER = struct.Struct(">HHHB")
"""Transaction, protocol, length of what follows the length field, unit."""
_LENGTH_MIN, _LENGTH_MAX = 2, 254


class MbapFramer:
    """Takes requests from bytes that come split and joined at will.

    A frame with a foreign protocol number or an impossible length derails the stream.
    """

    silence_s: float | None = None
    is_bus = False

    def __init__(self) -> None:
        self._received = bytearray()

    def feed(self, data: bytes) -> None:
        self._received += data

    def take(self) -> Request | None:
        received = self._received
        if len(received) < _HEADER.size:
            return None
        transaction, protocol, length, unit = _HEADER.unpack_from(received)
        if protocol != 0 or not _LENGTH_MIN <= length <= _LENGTH_MAX:
            received.clear()
            raise Derailed
        end = _HEADER.size - 1 + length
        if len(received) < end:
            return None
        pdu = bytes(received[_HEADER.size : end])
        del received[:end]
        return Request(unit, pdu, transaction)

    def silence(self) -> None:
        """Pauses mean nothing here."""

    def wrap(self, request: Request, answer: bytes, fate: Fate) -> bytes:
        if fate.flips:
            answer = with_flips(answer, fate.flips)
        transaction = (request.transaction + fate.address_shift) & 0xFFFF
        return _HEADER.pack(transaction, 0, len(answer) + 1, request.unit) + answer
