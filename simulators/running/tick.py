"""A tick at a fixed step of a clock: what comes too late is skipped, never queued."""

from collections.abc import Callable
from dataclasses import dataclass

from vpp_core.clock import Clock

LATE_HAIR_S = 1e-9


@dataclass(slots=True)
class Lag:
    """How the ticks of a run kept time, in seconds of its clock."""

    ticks: int = 0
    skipped: int = 0
    late_s: float = 0.0
    """Of the last tick."""
    late_s_max: float = 0.0
    """Of all ticks since :meth:`worst_s` was last asked."""

    def worst_s(self) -> float:
        """The greatest lateness since the last call."""
        worst_s, self.late_s_max = self.late_s_max, 0.0
        return worst_s

    def count(self, late_s: float, skipped: int) -> None:
        self.ticks += 1
        self.skipped += skipped
        self.late_s = late_s
        self.late_s_max = max(self.late_s_max, late_s)


async def run_ticks(clock: Clock, step_s: float, act: Callable[[float], None], lag: Lag) -> None:
    """Call ``act`` with the present (Unix seconds) at each multiple of ``step_s`` until cancelled.

    A tick that is late by a step or more takes the place of those that it missed.
    """
    start_s, number = clock.monotonic_s(), 0
    while True:
        number += 1
        await clock.sleep(start_s + number * step_s - clock.monotonic_s())
        late_s = max(0.0, clock.monotonic_s() - (start_s + number * step_s))
        skipped = int(late_s / step_s + LATE_HAIR_S)
        number += skipped
        lag.count(late_s, skipped)
        act(clock.now().timestamp())
