"""Ticks on the borders of a period, whatever happens to the host's clock meanwhile."""

from datetime import UTC, datetime, timedelta

from edge_agent.site.ticks import AlignedTicks

NOON = datetime(2021, 8, 12, 12, 0, tzinfo=UTC)


class SteppedClock:
    """A clock that is set by ``step`` in its first sleep."""

    def __init__(self, step: timedelta) -> None:
        self._step = step
        self._now = NOON + timedelta(seconds=10.0)
        self._elapsed_s = 0.0

    def now(self) -> datetime:
        return self._now

    def monotonic_s(self) -> float:
        return self._elapsed_s

    async def sleep(self, duration_s: float) -> None:
        self._elapsed_s += duration_s
        self._now += timedelta(seconds=duration_s) + self._step
        self._step = timedelta(0)


async def test_a_clock_that_is_set_back_costs_one_tick_and_not_an_hour() -> None:
    clock = SteppedClock(timedelta(hours=-1, seconds=-20.0))
    await AlignedTicks(clock, 60).wait()
    assert clock.now() == NOON - timedelta(hours=1) + timedelta(seconds=60.0)
    assert clock.monotonic_s() == 70.0


async def test_a_clock_that_is_set_forward_skips_what_it_passed() -> None:
    clock = SteppedClock(timedelta(hours=1))
    ticks = AlignedTicks(clock, 60)
    await ticks.wait()
    assert clock.now() == NOON + timedelta(hours=1, seconds=60.0)
    await ticks.wait()
    assert clock.now() == NOON + timedelta(hours=1, seconds=120.0)
