"""Periodic work on an absolute schedule; ticks that were missed are skipped, never queued."""

from datetime import datetime, timedelta

from vpp_core.clock import Clock
from vpp_core.interval import floor_to


class FastTicks:
    """Multiples of a period of monotonic time, counted from the first wait."""

    def __init__(self, clock: Clock, period_s: float) -> None:
        self._clock = clock
        self._period_s = period_s
        self._start_s = clock.monotonic_s()
        self._count = 0

    async def wait(self) -> None:
        """Return at the next multiple that has not passed."""
        passed = int((self._clock.monotonic_s() - self._start_s) / self._period_s)
        self._count = max(self._count, passed) + 1
        due_s = self._start_s + self._count * self._period_s
        await self._clock.sleep(due_s - self._clock.monotonic_s())


class AlignedTicks:
    """Multiples of a period since the epoch, so that every border of an interval is one."""

    def __init__(self, clock: Clock, period_s: int) -> None:
        self._clock = clock
        self._period_s = period_s

    async def wait(self) -> None:
        """Return at the next multiple, or as soon after it as the clock allows.

        If the clock is set back, the multiple that is next then counts, and not the one far ahead.
        """
        due = self._next()
        while (left_s := (due - self._clock.now()).total_seconds()) > 0.0:
            await self._clock.sleep(left_s)
            due = min(due, self._next())

    def _next(self) -> datetime:
        return floor_to(self._clock.now(), self._period_s) + timedelta(seconds=self._period_s)
