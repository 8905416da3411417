"""The utility's history is fetched on enrollment, once a day, and again after a failure."""

import asyncio
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime, timedelta
from typing import Any

from cloud.enrollment.errands import RETRY_S, HistoryErrands
from simulators.rig.virtual.virtual_time import run_virtual
from vpp_core.clock import VirtualClock
from vpp_core.faults import CounterpartyFault
from vpp_core.ids import SiteId

EVENING = datetime(2021, 8, 11, 22, 0, tzinfo=UTC)
A, B = SiteId("site-a"), SiteId("site-b")


class Utility:
    def __init__(self, *refusals: SiteId) -> None:
        self.refusals = list(refusals)
        self.served: list[tuple[SiteId, datetime]] = []
        self.takes_s = 0.0
        self.clock: VirtualClock

    async def fetch(self, site_id: SiteId) -> None:
        if site_id in self.refusals:
            self.refusals.remove(site_id)
            raise CounterpartyFault("the utility does not answer")
        await self.clock.sleep(self.takes_s)
        self.served.append((site_id, self.clock.now()))


def play(
    utility: Utility,
    sites: list[SiteId],
    story: Callable[[HistoryErrands, VirtualClock], Coroutine[Any, Any, None]],
) -> list[tuple[SiteId, datetime]]:
    async def main(clock: VirtualClock) -> None:
        utility.clock = clock
        errands = HistoryErrands(utility.fetch, lambda: sites, clock)
        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(errands.run())
            await story(errands, clock)
            running.cancel()

    run_virtual(main, EVENING)
    return utility.served


async def wait_an_hour(_errands: HistoryErrands, clock: VirtualClock) -> None:
    await clock.sleep(3_600.0)


async def wait_two_days(_errands: HistoryErrands, clock: VirtualClock) -> None:
    await clock.sleep(2 * 86_400.0)


async def ask_twice(errands: HistoryErrands, clock: VirtualClock) -> None:
    errands.request(A)
    errands.request(A)
    await clock.sleep(1.0)


def test_a_request_is_served_once() -> None:
    assert play(Utility(), [], ask_twice) == [(A, EVENING)]


def test_a_restarted_cloud_asks_for_every_site() -> None:
    assert play(Utility(), [A, B], wait_an_hour) == [(A, EVENING), (B, EVENING)]


def test_every_site_is_refreshed_at_six_in_the_morning_utc() -> None:
    morning = datetime(2021, 8, 12, 6, 0, tzinfo=UTC)
    expected = [(A, EVENING), (A, morning), (A, morning + timedelta(days=1))]
    assert play(Utility(), [A], wait_two_days) == expected


def test_a_refusal_of_one_site_does_not_hold_the_others_and_is_tried_again() -> None:
    later = EVENING + timedelta(seconds=RETRY_S)
    assert play(Utility(A), [A, B], wait_an_hour) == [(B, EVENING), (A, later)]


async def ask_while_another_is_served(errands: HistoryErrands, clock: VirtualClock) -> None:
    errands.request(A)
    await clock.sleep(1.0)
    errands.request(B)
    await clock.sleep(10.0)


def test_a_request_that_comes_while_another_is_served_is_no_failure() -> None:
    utility = Utility()
    utility.takes_s = 2.0
    served = play(utility, [], ask_while_another_is_served)
    assert served == [(A, EVENING + timedelta(seconds=2)), (B, EVENING + timedelta(seconds=4))]
