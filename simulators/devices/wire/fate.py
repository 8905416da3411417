"""What may go wrong on a line, as its connections ask for it; who decides lies elsewhere."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Protocol


class Responder(Protocol):
    """One unit's registers behind the Modbus application protocol."""

    def respond(self, pdu: bytes) -> bytes:
        """The response PDU to any request PDU."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Fate:
    """What becomes of one request and of its answer. Requests of a connection never overtake one another."""

    carried_out: bool = True
    answered: bool = True
    wait_s: float = 0.0
    """Before the request is carried out."""
    hold_s: float = 0.0
    """Between carrying it out and answering."""
    address_shift: int = 0
    """Added to the transaction id of the answer; to the unit on a serial line, which has no such id."""
    flips: tuple[float, ...] = ()
    """Bits of the answer's data to turn over, each as a share of their number (0 up to, but without, 1)."""

    @property
    def at_once(self) -> bool:
        return self.wait_s == 0.0 and self.hold_s == 0.0


HONEST = Fate()


class Line(Protocol):
    """What a fault may do to the line of its device as a whole."""

    @property
    def images(self) -> Collection[Responder]:
        """The registers of the units behind it."""
        ...

    def refusal_changed(self) -> None:
        """Connections are refused from now on, or no longer."""
        ...

    def drop(self) -> None:
        """Lose every connection, as a device does that restarts."""
        ...


class LineFaults(Protocol):
    """The faults of one device, as its lines see them."""

    @property
    def refuses(self) -> bool:
        """Nobody may connect."""
        ...

    @property
    def mutes(self) -> bool:
        """Connections are accepted, and never answered again."""
        ...

    def watch(self, line: Line) -> None:
        """Tell a line of what concerns it as a whole."""
        ...

    def fate(self, pdu: bytes) -> Fate:
        """What becomes of a request that has just arrived."""
        ...

    def respond(self, unit: Responder, pdu: bytes) -> bytes:
        """Have a unit answer, with whatever is wrong with its registers."""
        ...


def with_flips(pdu: bytes, flips: tuple[float, ...]) -> bytes:
    """An answer with bits of its data turned over; it looks whole: function code and byte count stay."""
    head = 2 if pdu[0] in {3, 4, 23} else 1
    bits = 8 * (len(pdu) - head)
    spoilt = bytearray(pdu)
    for flip in flips if bits else ():
        bit = int(flip * bits)
        spoilt[head + bit // 8] ^= 1 << bit % 8
    return bytes(spoilt)
