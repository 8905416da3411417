"""The events that a thermostat has agreed to, and what they ask for now."""

import random
from dataclasses import dataclass, replace
from enum import StrEnum
from math import inf

from simulators.thermostat.orders import NO_ORDER, Order
from simulators.thermostat.signals import Notice

EVENTS_MAX = 64
"""Events that are remembered; the one that began first is forgotten first."""


class Opt(StrEnum):
    IN = "optIn"
    OUT = "optOut"


@dataclass(frozen=True, slots=True)
class LateOpt:
    """A change of mind that the utility has to hear of."""

    event_id: str
    modification: int
    opt: Opt


@dataclass(slots=True)
class _Entry:
    notice: Notice
    opt: Opt
    shift_s: float

    @property
    def start_s(self) -> float:
        return self.notice.start_s + self.shift_s

    def order_at(self, now_s: float) -> Order | None:
        """What it asks for; nothing before, after, or where it was opted out of or cancelled."""
        if self.opt is Opt.OUT or self.notice.cancelled:
            return None
        elapsed_s = now_s - self.start_s
        for step in self.notice.steps:
            if step.begins_s <= elapsed_s < step.ends_s:
                return replace(step.order, begins_s=self.start_s)
        return None


class Agenda:
    """Events by id, and the answers to them.

    Args:
        seed: of the random shift of starts.
        willing: whether the occupant takes part at all.
    """

    def __init__(self, *, seed: int = 0, willing: bool = True) -> None:
        self._seed = seed
        self.willing = willing
        """May change at any time; it counts for events that come later."""
        self._entries: dict[str, _Entry] = {}
        self._refusals: set[str] = set()
        """Events that the occupant has ended; a modification does not bring them back."""
        self.late: list[LateOpt] = []
        """Opt-outs that the utility has not heard of, oldest first."""

    def take(self, notice: Notice) -> Opt:
        """Note an event, or a new version of one, and answer it; the same version gets the same answer."""
        known = self._entries.get(notice.event_id)
        if known is not None and known.notice.modification >= notice.modification:
            return known.opt
        refused = not self.willing or notice.event_id in self._refusals
        opt = Opt.OUT if refused and not notice.cancelled else Opt.IN
        self._entries[notice.event_id] = _Entry(notice, opt, self._shift_s(notice))
        if len(self._entries) > EVENTS_MAX:
            oldest = min(self._entries, key=lambda event_id: self._entries[event_id].start_s)
            del self._entries[oldest]
            self._refusals.discard(oldest)
        return opt

    def order_at(self, now_s: float) -> Order:
        """What the most important event asks for at a time (Unix seconds)."""
        entry = self._active(now_s)
        order = entry.order_at(now_s) if entry else None
        return order or NO_ORDER

    def override(self, now_s: float) -> None:
        """The occupant ends the event that is active."""
        entry = self._active(now_s)
        if entry is None:
            return
        entry.opt = Opt.OUT
        self._refusals.add(entry.notice.event_id)
        self.late.append(LateOpt(entry.notice.event_id, entry.notice.modification, Opt.OUT))

    def opt(self, event_id: str) -> Opt | None:
        """The present answer to an event."""
        entry = self._entries.get(event_id)
        return entry.opt if entry else None

    def _active(self, now_s: float) -> _Entry | None:
        active = [entry for entry in self._entries.values() if entry.order_at(now_s) is not None]
        return min(active, key=_importance, default=None)

    def _shift_s(self, notice: Notice) -> float:
        chance = random.Random(f"{self._seed} {notice.event_id}")  # noqa: S311 - a simulation
        return chance.uniform(0.0, notice.start_after_s)


def _importance(entry: _Entry) -> tuple[float, float]:
    """The lowest first: priority, where 0 is none, then the start."""
    return entry.notice.priority or inf, entry.start_s
