"""Which of a gateway's durable messages are here, and up to where it may forget them; pure.

A gateway numbers its durable messages from 1 without gaps and sends them in order, again from its oldest
one after a restart. It deletes what is acknowledged, so a number is acknowledged only when everything
below it is here.
"""

from datetime import datetime
from enum import StrEnum

SEQ_MAX = 2**62
AHEAD_MAX = 10_000
"""Messages beyond a hole that are remembered; further ones count as not received, and come again."""
PATIENCE_S = 3_600.0
"""A hole that is still open after so long is taken for lost: the gateway no longer has it either."""


class Arrival(StrEnum):
    NEXT = "next"
    AHEAD = "ahead"
    """Something before it is missing."""
    DUPLICATE = "duplicate"


class Sequence:
    """The numbers of one gateway.

    Args:
        session: the agent's start that the cloud knew last.
        reached: everything up to here is stored.
    """

    def __init__(self, session: str = "", reached: int = 0) -> None:
        self.session = session
        self.reached = reached
        self._ahead: set[int] = set()
        self._hole_since: datetime | None = None
        self._may_replay = False

    def begin(self, session: str) -> None:
        """The agent was started: it may repeat itself, or begin again at 1 with a new outbox."""
        if session != self.session:
            self.session = session
            self._may_replay = True

    def receive(self, seq: int, now: datetime) -> Arrival:
        """Note one number."""
        if self._may_replay and seq <= self.reached:
            self.reached = seq - 1
            self._ahead.clear()
        self._may_replay = False
        if seq <= self.reached or seq in self._ahead:
            return Arrival.DUPLICATE
        if seq > self.reached + 1:
            self._hole_since = self._hole_since or now
            if len(self._ahead) < AHEAD_MAX:
                self._ahead.add(seq)
            return Arrival.AHEAD
        self._advance(seq)
        return Arrival.NEXT

    def give_up(self, now: datetime) -> int:
        """How many messages are taken for lost now, because their hole has been open too long."""
        if self._hole_since is None or (now - self._hole_since).total_seconds() < PATIENCE_S:
            return 0
        first = min(self._ahead)
        lost = first - self.reached - 1
        self._hole_since = now
        self._advance(first)
        return lost

    def _advance(self, seq: int) -> None:
        self.reached = seq
        self._ahead.discard(seq)
        while self.reached + 1 in self._ahead:
            self.reached += 1
            self._ahead.remove(self.reached)
        if not self._ahead:
            self._hole_since = None
