"""Read Device Identification (MODBUS Application Protocol 1.1b3, 6.21: function 43, type 14)."""

from simulators.devices.wire.fate import Responder
from simulators.devices.wire.pdu import Refusal, exception_response

_FUNCTION, _TYPE = 0x2B, 0x0E
_BASIC, _REGULAR, _EXTENDED, _SINGLE = 1, 2, 3, 4
_CONFORMITY = 0x81
"""Basic objects, as a stream and one by one."""
_OBJECT_BYTES_MAX = 64
"""All three fit one answer, so that nothing ever follows."""


class Identified:
    """A unit that also says who made it.

    Args:
        responder: its registers.
        vendor: name of the vendor.
        product: product code.
        revision: of the firmware.
    """

    def __init__(self, responder: Responder, *, vendor: str, product: str, revision: str) -> None:
        self._responder = responder
        texts = (vendor, product, revision)
        self._objects = [text.encode("ascii", "replace")[:_OBJECT_BYTES_MAX] for text in texts]

    def respond(self, pdu: bytes) -> bytes:
        if pdu[:2] == bytes((_FUNCTION, _TYPE)):
            return self._identify(pdu)
        return self._responder.respond(pdu)

    def _identify(self, pdu: bytes) -> bytes:
        if len(pdu) != 4 or not _BASIC <= pdu[2] <= _SINGLE:  # noqa: PLR2004
            return exception_response(pdu, Refusal.VALUE)
        kind, first = pdu[2], pdu[3]
        if kind == _SINGLE:
            if first >= len(self._objects):
                return exception_response(pdu, Refusal.ADDRESS)
            chosen = [first]
        else:
            # A stream that is asked for from an unknown object on begins at the beginning.
            chosen = list(range(first if first < len(self._objects) else 0, len(self._objects)))
        head = bytes((_FUNCTION, _TYPE, kind, _CONFORMITY, 0, 0, len(chosen)))
        return head + b"".join(
            bytes((number, len(self._objects[number]))) + self._objects[number] for number in chosen
        )
