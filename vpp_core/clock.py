"""The one module that touches the computer's time.

A core takes ``now`` as an argument; a shell takes a :class:`Clock`. Three clocks tell the same story
at three speeds: the system's own, one that is paced faster than real, and one on virtual time.
"""

import asyncio
import math
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import NamedTuple, Protocol


class Clock(Protocol):
    """What a shell may know about time."""

    def now(self) -> datetime:
        """The present, aware UTC; may jump when the host's clock is set."""
        ...

    def monotonic_s(self) -> float:
        """Seconds that never run backwards, counted in this clock's own time."""
        ...

    async def sleep(self, duration_s: float) -> None:
        """Return after ``duration_s`` seconds of this clock; at once for zero or less."""
        ...


class SystemClock:
    """The host's clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic_s(self) -> float:
        return time.monotonic()

    async def sleep(self, duration_s: float) -> None:
        await asyncio.sleep(max(0.0, duration_s))


class Pace(NamedTuple):
    """One straight piece of simulated time: ``at_s`` was true when the host's clock read ``host_s``."""

    at_s: float
    """Simulated time in Unix seconds at the anchor."""
    host_s: float
    """The host's monotonic seconds at the anchor; the same count in every process of a machine."""
    speed: float
    """Simulated seconds a real second; 0 holds the clock."""
    until_s: float = math.inf
    """Simulated time at which the clock stops by itself, exactly, in every process that shares it."""

    def at(self, host_s: float) -> float:
        """Simulated Unix seconds when the host's clock reads ``host_s``."""
        return min(self.at_s + (host_s - self.host_s) * self.speed, self.until_s)


class PacedClock:
    """Simulated time that several processes share, and that may run, crawl or stand still.

    Args:
        read_pace: gives the piece of time that is in force now; it may change between calls.
        wake_s: real seconds between two wake-ups of one sleeper while time runs faster than real, so
            that a 50 ms control loop does not try to tick at 3,600 times its speed.
    """

    def __init__(self, read_pace: Callable[[], Pace], wake_s: float = 0.05) -> None:
        self._read_pace = read_pace
        self._wake_s = wake_s
        self._start_s = self._now_s()

    def now(self) -> datetime:
        return datetime.fromtimestamp(self._now_s(), UTC)

    def monotonic_s(self) -> float:
        return self._now_s() - self._start_s

    async def sleep(self, duration_s: float) -> None:
        deadline_s = self._now_s() + max(0.0, duration_s)
        if self._read_pace().speed > 1.0 and duration_s > 0.0:
            await asyncio.sleep(self._wake_s)
        while (left_s := deadline_s - self._now_s()) > 0.0:
            pace = self._read_pace()
            moves = pace.speed > 0.0 and self._now_s() < pace.until_s
            real_s = left_s / pace.speed if moves else self._wake_s
            await asyncio.sleep(min(real_s, self._wake_s))
        await asyncio.sleep(0)

    def _now_s(self) -> float:
        return self._read_pace().at(time.monotonic())


class VirtualClock:
    """The time of an event loop whose own time jumps when every task waits.

    A rig makes sleep coarse for quiet hours (:meth:`coarsen`) and fine again where every tick counts.
    """

    def __init__(self, epoch: datetime) -> None:
        self._epoch = epoch.astimezone(UTC)
        self._coarse_s = 0.0
        self._coarse_until_s = 0.0

    def now(self) -> datetime:
        return self._epoch + timedelta(seconds=self.monotonic_s())

    def monotonic_s(self) -> float:
        return asyncio.get_running_loop().time()

    async def sleep(self, duration_s: float) -> None:
        coarse_s = min(self._coarse_s, self._coarse_until_s - self.monotonic_s())
        await asyncio.sleep(max(duration_s, coarse_s) if duration_s > 0.0 else 0.0)

    def coarsen(self, coarse_s: float, until: datetime) -> None:
        """Until an instant, no sleep is shorter than ``coarse_s`` seconds; none is drawn out beyond it."""
        self._coarse_s = coarse_s
        self._coarse_until_s = (until - self._epoch).total_seconds()


class ManualClock:
    """A clock that stands still until it is moved; for tests of cores and shells without a loop."""

    def __init__(self, now: datetime) -> None:
        self._now = now
        self._elapsed_s = 0.0

    def now(self) -> datetime:
        return self._now

    def monotonic_s(self) -> float:
        return self._elapsed_s

    async def sleep(self, duration_s: float) -> None:
        self.advance(max(0.0, duration_s))
        await asyncio.sleep(0)

    def advance(self, duration_s: float) -> None:
        self._now += timedelta(seconds=duration_s)
        self._elapsed_s += duration_s


def monotonic_host_s() -> float:
    """The host's monotonic seconds, for whoever sets the pace of a :class:`PacedClock`."""
    return time.monotonic()


def cpu_s() -> float:
    """A fine counter of real seconds, to measure how long a computation took."""
    return time.perf_counter()
