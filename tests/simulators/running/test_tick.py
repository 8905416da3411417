"""Ticks keep to their grid; what comes too late is skipped and counted."""

import asyncio
from datetime import UTC, datetime

from simulators.rig.virtual.virtual_time import run_virtual
from simulators.running.tick import Lag, run_ticks
from vpp_core.clock import VirtualClock

START = datetime(2021, 8, 12, 17, tzinfo=UTC)
START_S = START.timestamp()


class Sluggish(VirtualClock):
    """A clock whose sleeper oversleeps when it is told to."""

    oversleep_s: tuple[float, ...] = ()

    async def sleep(self, duration_s: float) -> None:
        more_s, self.oversleep_s = (self.oversleep_s or (0.0,))[0], self.oversleep_s[1:]
        await super().sleep(duration_s + more_s)


def ticks(step_s: float, oversleep_s: tuple[float, ...], count: int) -> tuple[list[float], Lag]:
    seen_s: list[float] = []
    lag = Lag()

    async def play(_: VirtualClock) -> None:
        sluggish = Sluggish(START)
        sluggish.oversleep_s = oversleep_s
        enough = asyncio.Event()

        def act(now_s: float) -> None:
            seen_s.append(round(now_s - START_S, 6))
            if len(seen_s) == count:
                enough.set()

        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(run_ticks(sluggish, step_s, act, lag))
            await enough.wait()
            running.cancel()

    run_virtual(play, START)
    return seen_s, lag


def test_ticks_come_at_multiples_of_the_step() -> None:
    seen_s, lag = ticks(0.05, (), 4)
    assert seen_s == [0.05, 0.1, 0.15, 0.2]
    assert (lag.ticks, lag.skipped) == (4, 0)


def test_a_little_lateness_does_not_add_up() -> None:
    seen_s, lag = ticks(0.05, (0.02, 0.01, 0.0), 4)
    assert seen_s == [0.07, 0.11, 0.15, 0.2]
    assert lag.skipped == 0
    assert round(lag.worst_s(), 6) == 0.02
    assert lag.worst_s() == 0.0


def test_ticks_that_were_missed_are_skipped_and_not_made_up_for() -> None:
    seen_s, lag = ticks(0.05, (0.0, 0.17), 4)
    assert seen_s == [0.05, 0.27, 0.3, 0.35]
    assert (lag.ticks, lag.skipped) == (4, 3)
