"""How requests lie in a stream of bytes; no I/O, so that any bytes can be tried on it."""

from typing import NamedTuple, Protocol

from simulators.devices.wire.fate import Fate

BROADCAST = 0
"""The unit that stands for all on a serial line."""


class Request(NamedTuple):
    unit: int
    pdu: bytes
    transaction: int = 0
    """Of Modbus/TCP; a serial line has none."""


class Derailed(Exception):
    """The stream makes no sense any more, and nothing says where the next request begins."""


class Framer(Protocol):
    silence_s: float | None
    """How long a pause ends a frame; nothing where frames know their length."""
    is_bus: bool
    """Several units share the line: unit 0 stands for all, and nobody connects or hangs up."""

    def feed(self, data: bytes) -> None: ...

    def take(self) -> Request | None:
        """The next whole request.

        Raises:
            Derailed: there will never be another one.
        """
        ...

    def silence(self) -> None:
        """A pause of ``silence_s`` has passed."""
        ...

    def wrap(self, request: Request, answer: bytes, fate: Fate) -> bytes:
        """The bytes of an answer PDU on the line."""
        ...
