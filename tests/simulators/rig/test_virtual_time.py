import asyncio
import random
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulators.rig.virtual.virtual_time import VirtualDeadlock, VirtualTempo, VirtualTimeLoop, run_virtual
from vpp_core.clock import VirtualClock

EPOCH = datetime(2021, 8, 11, 13, tzinfo=UTC)


def test_a_day_passes_at_once() -> None:
    async def day(clock: VirtualClock) -> datetime:
        await clock.sleep(86_400.0)
        return clock.now()

    assert run_virtual(day, EPOCH) == EPOCH + timedelta(days=1)


@given(st.lists(st.integers(min_value=1, max_value=10**9), min_size=1, max_size=20))
def test_a_sleeper_wakes_exactly_at_its_microsecond(pauses_us: list[int]) -> None:
    async def nap(clock: VirtualClock) -> list[datetime]:
        woken = []
        for pause_us in pauses_us:
            await clock.sleep(pause_us / 1e6)
            woken.append(clock.now())
        return woken

    due, instants = EPOCH, []
    for pause_us in pauses_us:
        due += timedelta(microseconds=pause_us)
        instants.append(due)
    assert run_virtual(nap, EPOCH) == instants


def test_sleepers_wake_in_the_order_of_their_instants() -> None:
    async def race(clock: VirtualClock) -> list[int]:
        woken: list[int] = []

        async def sleeper(number: int, duration_s: float) -> None:
            await clock.sleep(duration_s)
            woken.append(number)

        async with asyncio.TaskGroup() as tasks:
            for number, duration_s in enumerate((3.0, 1.0, 2.0, 1.0)):
                tasks.create_task(sleeper(number, duration_s))
        return woken

    assert run_virtual(race, EPOCH) == [1, 3, 2, 0]


def test_the_same_seed_gives_the_same_trace() -> None:
    async def fleet(clock: VirtualClock) -> list[tuple[datetime, int]]:
        trace: list[tuple[datetime, int]] = []

        async def agent(number: int, chance: random.Random) -> None:
            for _ in range(50):
                await clock.sleep(chance.expovariate(1.0))
                trace.append((clock.now(), number))

        async with asyncio.TaskGroup() as agents:
            for number in range(10):
                agents.create_task(agent(number, random.Random(number)))
        return trace

    assert run_virtual(fleet, EPOCH) == run_virtual(fleet, EPOCH)


def test_a_deadlock_is_named_with_the_tasks_that_wait() -> None:
    async def lock_up(clock: VirtualClock) -> None:
        del clock

        async def wait_for_nothing() -> None:
            await asyncio.Event().wait()

        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(wait_for_nothing(), name="gateway-7")

    with pytest.raises(
        VirtualDeadlock, match=r"no timer is set: .*gateway-7 in .*wait_for_nothing, line \d+"
    ):
        run_virtual(lock_up, EPOCH)


def test_blocking_work_runs_on_the_spot_and_takes_no_time() -> None:
    async def work(clock: VirtualClock) -> tuple[int, datetime]:
        return await asyncio.to_thread(sum, (1, 2, 3)), clock.now()

    assert run_virtual(work, EPOCH) == (6, EPOCH)


def test_what_blocking_work_raises_comes_out() -> None:
    async def work(clock: VirtualClock) -> None:
        del clock
        await asyncio.to_thread(int, "three")

    with pytest.raises(ValueError, match="three"):
        run_virtual(work, EPOCH)


def test_a_timeout_is_counted_in_virtual_seconds() -> None:
    async def wait(clock: VirtualClock) -> datetime:
        try:
            async with asyncio.timeout(30.0):
                await asyncio.Event().wait()
        except TimeoutError:
            return clock.now()
        raise AssertionError

    assert run_virtual(wait, EPOCH) == EPOCH + timedelta(seconds=30)


def test_two_coroutines_that_only_yield_do_not_move_time() -> None:
    async def spin(clock: VirtualClock) -> datetime:
        for _ in range(100):
            await clock.sleep(0.0)
        return clock.now()

    assert run_virtual(spin, EPOCH) == EPOCH


def test_a_tempo_goes_to_its_instant_with_coarse_ticks_on_the_way() -> None:
    async def story(clock: VirtualClock) -> tuple[list[datetime], float]:
        ticks: list[datetime] = []

        async def ticker() -> None:
            while True:
                await clock.sleep(1.0)
                ticks.append(clock.now())

        goal = EPOCH + timedelta(hours=1)
        async with asyncio.TaskGroup() as tasks:
            task = tasks.create_task(ticker())
            await VirtualTempo(clock).run_until(goal, speed=12_000.0)
            assert clock.now() == goal
            task.cancel()
        before = clock.now()
        await clock.sleep(1.0)
        return ticks, (clock.now() - before).total_seconds()

    ticks, fine_s = run_virtual(story, EPOCH)
    assert ticks == [EPOCH + timedelta(seconds=600 * count) for count in range(1, len(ticks) + 1)]
    assert len(ticks) in {5, 6}
    assert fine_s == 1.0


def test_the_loop_starts_at_zero_and_only_jumps() -> None:
    loop = VirtualTimeLoop()
    try:
        assert loop.time() == 0.0
        loop.jump(1e-9)
        assert loop.time() == 1e-6
    finally:
        loop.close()
