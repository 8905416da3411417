"""The utility's book of peak events: what was called, modified and cancelled, and what was answered.

It knows nothing of OpenADR: a VTN distributes what is waiting here and hands the answers in, and a run
without sockets does the same by function calls.
"""

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from vpp_core.interval import Interval

OPT_IN = "optIn"
OPT_OUT = "optOut"


class Refused(ValueError):
    """An order of the desk that makes no sense; the text is for the operator."""


class Call(NamedTuple):
    """One modification of an event, as the desk ordered it."""

    modification: int
    called_at: datetime
    interval: Interval
    target_kw: Decimal
    cancelled: bool


class Answer(NamedTuple):
    """What the VEN said to one modification, and when we had it."""

    modification: int
    opt: str
    answered_at: datetime


@dataclass
class PeakEvent:
    """An event with its whole history."""

    event_id: str
    ven: str
    calls: list[Call] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)

    @property
    def newest(self) -> Call:
        return self.calls[-1]

    @property
    def answered(self) -> bool:
        """Whether the newest modification has an answer."""
        return bool(self.answers) and self.answers[-1].modification == self.newest.modification

    @property
    def opt(self) -> str | None:
        """The answer to the newest modification that has one."""
        return self.answers[-1].opt if self.answers else None

    def status(self, now: datetime) -> str:
        """The event's status in the words of OpenADR, by our own clock."""
        if self.newest.cancelled:
            return "cancelled"
        if now < self.newest.interval.start:
            return "far"
        return "active" if now < self.newest.interval.end else "completed"


class EventBook:
    """All events of all VENs; a modification number is given out once."""

    def __init__(self) -> None:
        self._events: dict[str, PeakEvent] = {}

    def call(
        self, event_id: str, ven: str, interval: Interval, target_kw: Decimal, now: datetime
    ) -> PeakEvent:
        """Announce an event.

        Raises:
            Refused: the id is taken, the target is not positive, or the event would be over.
        """
        if event_id in self._events:
            raise Refused(f"The event {event_id} was called before; modify or cancel it.")
        _check(interval, target_kw, now)
        event = PeakEvent(event_id, ven, [Call(0, now, interval, target_kw, cancelled=False)])
        self._events[event_id] = event
        return event

    def modify(self, event_id: str, interval: Interval, target_kw: Decimal, now: datetime) -> PeakEvent:
        """Change an event; from the answer on, the new terms hold.

        Raises:
            Refused: there is no such event, it is cancelled, or the new terms make no sense.
        """
        event = self._open(event_id)
        _check(interval, target_kw, now)
        event.calls.append(Call(event.newest.modification + 1, now, interval, target_kw, cancelled=False))
        return event

    def cancel(self, event_id: str, now: datetime) -> PeakEvent:
        """Call an event off.

        Raises:
            Refused: there is no such event, or it is cancelled.
        """
        event = self._open(event_id)
        last = event.newest
        event.calls.append(Call(last.modification + 1, now, last.interval, last.target_kw, cancelled=True))
        return event

    def get(self, event_id: str) -> PeakEvent | None:
        return self._events.get(event_id)

    def waiting(self, ven: str, now: datetime) -> list[PeakEvent]:
        """The events of a VEN that it has not answered and that are not over, by start."""
        waiting = [
            event
            for event in self._events.values()
            if event.ven == ven and not event.answered and event.status(now) != "completed"
        ]
        return sorted(waiting, key=lambda event: (event.newest.interval.start, event.event_id))

    def answer(self, event_id: str, modification: int, opt: str, now: datetime) -> bool:
        """Note a VEN's opt; False for an unknown event, a modification never called or a late old one."""
        event = self._events.get(event_id)
        if (
            event is None
            or opt not in (OPT_IN, OPT_OUT)
            or not 0 <= modification <= event.newest.modification
        ):
            return False
        if event.answers and modification <= event.answers[-1].modification:
            return False
        event.answers.append(Answer(modification, opt, now))
        return True

    def _open(self, event_id: str) -> PeakEvent:
        event = self._events.get(event_id)
        if event is None:
            raise Refused(f"There is no event {event_id}.")
        if event.newest.cancelled:
            raise Refused(f"The event {event_id} is cancelled.")
        return event


def _check(interval: Interval, target_kw: Decimal, now: datetime) -> None:
    if not target_kw > 0:
        raise Refused("An event asks for a positive target.")
    if interval.end <= now:
        raise Refused("The event would be over before it is called.")
