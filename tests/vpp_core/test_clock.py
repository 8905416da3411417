"""Three clocks: the host's, one at a pace, one by hand. None of these tests waits for real time to pass."""

import asyncio
from datetime import UTC, datetime, timedelta

from vpp_core.clock import (
    ManualClock,
    Pace,
    PacedClock,
    SystemClock,
    VirtualClock,
    cpu_s,
    monotonic_host_s,
)

NOON = datetime(2021, 8, 12, 12, tzinfo=UTC)


async def test_the_system_clock_is_aware_and_monotonic() -> None:
    clock = SystemClock()
    before = clock.monotonic_s()
    await clock.sleep(0)
    await clock.sleep(-1)
    assert clock.monotonic_s() >= before
    assert clock.now().tzinfo is UTC


def test_a_held_clock_stands_still() -> None:
    clock = PacedClock(lambda: Pace(NOON.timestamp(), monotonic_host_s(), 0.0))
    assert clock.now() == NOON
    assert clock.monotonic_s() == 0.0


async def test_an_hour_at_a_million_times_real_ends_at_the_next_wake_up() -> None:
    anchor = Pace(NOON.timestamp(), monotonic_host_s(), 1_000_000.0)
    clock = PacedClock(lambda: anchor, wake_s=0.001)
    await clock.sleep(3600)
    assert clock.now() >= NOON + timedelta(hours=1)


async def test_a_sleeper_on_a_held_clock_goes_on_when_time_does() -> None:
    pace = Pace(NOON.timestamp(), monotonic_host_s(), 0.0)
    clock = PacedClock(lambda: pace, wake_s=0.001)
    async with asyncio.TaskGroup() as tasks:
        sleeper = tasks.create_task(clock.sleep(60))
        await asyncio.sleep(0)
        assert not sleeper.done()
        pace = Pace(NOON.timestamp() + 61, monotonic_host_s(), 0.0)
    assert sleeper.done()


async def test_no_sleep_gives_way_once() -> None:
    clock = PacedClock(lambda: Pace(0.0, monotonic_host_s(), 1.0))
    await clock.sleep(0)


async def test_virtual_time_is_the_loops_own() -> None:
    clock = VirtualClock(NOON)
    loop = asyncio.get_running_loop()
    assert abs((clock.now() - NOON).total_seconds() - loop.time()) < 1.0
    await clock.sleep(0)


async def test_a_clock_by_hand_moves_when_it_is_told() -> None:
    clock = ManualClock(NOON)
    await clock.sleep(5)
    assert clock.now() == NOON + timedelta(seconds=5)
    assert clock.monotonic_s() == 5.0
    assert cpu_s() <= cpu_s()
