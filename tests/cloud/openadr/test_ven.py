"""Our VEN against real VTNs on loopback: the simulated utility's, and openleadr's own as it comes."""

import asyncio
import warnings
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from aiohttp import web
from openleadr import OpenADRServer

from cloud.openadr.intake import EventStatus, GridEventNotice, Opt
from cloud.openadr.ven import Ven, VenSettings
from simulators.utility.events import EventBook
from simulators.utility.vtn import MARKET_CONTEXT, PATH_PREFIX, Vtn
from vpp_core.clock import Clock, Pace, PacedClock, SystemClock, monotonic_host_s
from vpp_core.ids import ProgramId
from vpp_core.interval import Interval

NOTICE_AT = datetime(2021, 8, 12, 20, 0, tzinfo=UTC)
EVENT = Interval(datetime(2021, 8, 12, 22, 0, tzinfo=UTC), datetime(2021, 8, 13, 0, 0, tzinfo=UTC))
FAR_AWAY = 5.0
"""Real seconds after which a test gives up."""

pytestmark = pytest.mark.integration


def simulated_clock() -> PacedClock:
    """August 2021, two hundred times as fast as real."""
    pace = Pace(NOTICE_AT.timestamp(), monotonic_host_s(), 200.0)
    return PacedClock(lambda: pace, wake_s=0.01)


class Desk:
    """Opts in to everything and remembers it."""

    def __init__(self, opt: Opt = Opt.IN) -> None:
        self.opt = opt
        self.notices: list[GridEventNotice] = []

    async def on_notice(self, notice: GridEventNotice) -> Opt:
        self.notices.append(notice)
        return self.opt


def settings(url: str, context: str = MARKET_CONTEXT) -> VenSettings:
    return VenSettings(
        ven_name="gridchorus",
        vtn_url=url,
        source="utility",
        programs={context: ProgramId("utility-peak")},
        poll_s=2.0,
    )


@asynccontextmanager
async def polling(ven: Ven) -> AsyncIterator[None]:
    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(ven.run())
        try:
            yield
        finally:
            task.cancel()


async def until(true: Callable[[], bool], clock: Clock) -> None:
    async with asyncio.timeout(FAR_AWAY):
        while not true():
            await clock.sleep(0.01)


@asynccontextmanager
async def utility(book: EventBook, clock: Clock, port: int = 0) -> AsyncIterator[str]:
    vtn = Vtn(book, clock, vens={"gridchorus"}, port=port)
    try:
        yield await vtn.start()
    finally:
        await vtn.stop()


async def test_an_event_of_2021_is_delivered_and_its_opt_in_recorded() -> None:
    clock, book, desk = simulated_clock(), EventBook(), Desk()
    async with utility(book, clock) as url:
        ven = Ven(settings(url), desk.on_notice, clock)
        async with polling(ven):
            await until(lambda: ven.status(clock.now()).registered, clock)
            event = book.call("peak-1", "gridchorus", EVENT, Decimal("12.5"), clock.now())
            await until(lambda: event.answered, clock)
    assert event.opt == "optIn"
    assert event.answers[0].answered_at >= event.newest.called_at
    assert desk.notices[0] == GridEventNotice(
        source="utility",
        event_id="peak-1",
        modification=0,
        status=EventStatus.PENDING,
        program_id=ProgramId("utility-peak"),
        interval=EVENT,
        target_w=12_500.0,
    )


async def test_a_modification_and_a_cancellation_are_delivered_and_answered() -> None:
    clock, book, desk = simulated_clock(), EventBook(), Desk()
    async with utility(book, clock) as url, polling(Ven(settings(url), desk.on_notice, clock)):
        event = book.call("peak-1", "gridchorus", EVENT, Decimal(10), clock.now())
        await until(lambda: event.answered, clock)
        book.modify("peak-1", EVENT, Decimal(8), clock.now())
        await until(lambda: event.answered, clock)
        book.cancel("peak-1", clock.now())
        await until(lambda: event.answered, clock)
    newest = {notice.modification: notice for notice in desk.notices}
    assert [newest[n].status for n in range(3)] == [
        EventStatus.PENDING,
        EventStatus.PENDING,
        EventStatus.CANCELLED,
    ]
    assert [newest[n].target_w for n in range(3)] == [10_000.0, 8_000.0, 0.0]
    assert [answer.modification for answer in event.answers] == [0, 1, 2]


async def test_silence_is_noticed_and_a_restarted_vtn_is_registered_with_again() -> None:
    clock, book, desk = simulated_clock(), EventBook(), Desk()
    first = Vtn(book, clock, vens={"gridchorus"})
    url = await first.start()
    ven = Ven(settings(url), desk.on_notice, clock)
    async with polling(ven):
        await until(lambda: ven.status(clock.now()).last_good_poll_at is not None, clock)
        await first.stop()
        await until(lambda: ven.status(clock.now()).silent, clock)
        event = book.call("peak-1", "gridchorus", EVENT, Decimal(10), clock.now())
        async with utility(book, clock, port=int(url.split(":")[2].split("/")[0])):
            await until(lambda: event.answered, clock)
            assert not ven.status(clock.now()).silent
    assert event.opt == "optIn"


async def test_a_ven_that_the_utility_does_not_know_is_not_registered() -> None:
    clock, book, desk = simulated_clock(), EventBook(), Desk()
    async with utility(book, clock) as url:
        stranger = Ven(
            VenSettings(ven_name="stranger", vtn_url=url, source="utility", programs={}, poll_s=2.0),
            desk.on_notice,
            clock,
        )
        async with polling(stranger):
            await clock.sleep(20.0)
            assert not stranger.status(clock.now()).registered
            assert stranger.status(clock.now()).last_good_poll_at is None


async def test_a_program_that_nobody_agreed_on_is_opted_out_of_without_asking() -> None:
    clock, book, desk = simulated_clock(), EventBook(), Desk()
    async with (
        utility(book, clock) as url,
        polling(Ven(settings(url, context="oadr://other"), desk.on_notice, clock)),
    ):
        event = book.call("peak-1", "gridchorus", EVENT, Decimal(10), clock.now())
        await until(lambda: event.answered, clock)
    assert event.opt == "optOut"
    assert desk.notices == []


async def test_an_unmodified_openleadr_vtn_gets_our_opt() -> None:
    clock, desk = SystemClock(), Desk()
    answers: list[str] = []
    async with _plain_vtn() as (server, url):
        start = clock.now() + timedelta(hours=1)

        def answered(ven_id: str, event_id: str, opt_type: str) -> None:  # noqa: ARG001 - openleadr's names
            answers.append(opt_type)

        server.add_event(
            ven_id="VEN1",
            signal_name="LOAD_DISPATCH",
            signal_type="delta",
            intervals=[{"dtstart": start, "duration": timedelta(hours=2), "signal_payload": -5.0}],
            market_context="oadr://plain",
            callback=answered,
        )
        async with polling(Ven(settings(url, context="oadr://plain"), desk.on_notice, clock)):
            await until(lambda: bool(answers), clock)
    assert answers == ["optIn"]
    assert desk.notices[0].target_w == 5_000.0


@asynccontextmanager
async def _plain_vtn() -> AsyncIterator[tuple[OpenADRServer, str]]:
    """openleadr's VTN as its documentation starts it, but on a free port and without its banner."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", web.NotAppKeyWarning)
        server = OpenADRServer(vtn_id="PLAINVTN", requested_poll_freq=timedelta(seconds=1))
    server.add_handler("on_create_party_registration", lambda _: ("VEN1", "REGISTRATION1"))
    runner = web.AppRunner(server.app, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield server, f"http://127.0.0.1:{runner.addresses[0][1]}{PATH_PREFIX}"
    finally:
        await runner.cleanup()
