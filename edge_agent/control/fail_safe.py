"""What control does when a measurement that it needs is lost: hold one period, then let go.

Holding means that the last decision stays; letting go means that setpoints are withdrawn, so that the
device's own reversion and safe state act. Nothing new is ever computed from a lost measurement. Time is
monotonic: a host clock that is set back must not lengthen a hold.
"""

from enum import Enum
from typing import assert_never

import msgspec


class Trust(Enum):
    """What a measurement is good for now."""

    GOOD = "good"
    """Control acts on it."""
    HOLD = "hold"
    """Lost a moment ago: keep what was decided, decide nothing new."""
    LOST = "lost"
    """Withdraw what depends on it."""


class FailSafe(msgspec.Struct, frozen=True, kw_only=True):
    """The state of one needed measurement; it starts lost, until it has proved itself."""

    hold_s: float
    """How long a loss is bridged: one period of the loop that reads the measurement."""
    recover_s: float
    """How long it must be good again before control relies on it; with 0, one good look is enough."""
    trust: Trust = Trust.LOST
    since_s: float | None = None
    """Start of the present loss while holding, of the present recovery while lost."""

    def observe(self, *, usable: bool, now_s: float) -> "FailSafe":
        """The state after one look at the measurement, at monotonic ``now_s``."""
        match self.trust:
            case Trust.GOOD:
                return self if usable else self._to(Trust.HOLD, now_s)
            case Trust.HOLD if usable:
                return self._to(Trust.GOOD)
            case Trust.HOLD:
                return self._to(Trust.LOST) if self._lasted(now_s, self.hold_s) else self
            case Trust.LOST if usable:
                if self._lasted(now_s, self.recover_s):
                    return self._to(Trust.GOOD)
                return self if self.since_s is not None else self._to(Trust.LOST, now_s)
            case Trust.LOST:
                return self if self.since_s is None else self._to(Trust.LOST)
            case never:
                assert_never(never)

    def _to(self, trust: Trust, since_s: float | None = None) -> "FailSafe":
        return FailSafe(hold_s=self.hold_s, recover_s=self.recover_s, trust=trust, since_s=since_s)

    def _lasted(self, now_s: float, duration_s: float) -> bool:
        since_s = now_s if self.since_s is None else self.since_s
        return now_s - since_s >= duration_s
