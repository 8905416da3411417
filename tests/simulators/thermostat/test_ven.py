"""The thermostat against real VTNs on loopback: the simulated utility's, and openleadr's own as it comes."""

import asyncio
import warnings
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest
from aiohttp import web
from openleadr import OpenADRServer, objects
from openleadr.messaging import create_message, parse_message

from simulators.thermostat.house import Weather
from simulators.thermostat.hvac import HvacConfig
from simulators.thermostat.signals import Program, read_notice
from simulators.thermostat.unit import Thermostat, ThermostatConfig
from simulators.thermostat.ven import ThermostatVen, VenSettings
from simulators.utility.events import EventBook
from simulators.utility.vtn import PATH_PREFIX, Vtn
from vpp_core.clock import Clock, Pace, PacedClock, SystemClock, monotonic_host_s
from vpp_core.interval import Interval

BEGIN = datetime(2026, 7, 1, 20, 0, tzinfo=UTC)
HOUR_S = 3_600.0
SPEED = 4_000.0
FAR_AWAY_S = 20.0
"""Real seconds after which a test gives up."""
NAME = "house-1"
HOT = Weather(mean_c=34.0, swing_c=0.0, sun_w_max=0.0, people_w=1_500.0)

pytestmark = pytest.mark.integration


def fast_clock() -> PacedClock:
    """A summer afternoon, an hour in less than a second."""
    pace = Pace(BEGIN.timestamp(), monotonic_host_s(), SPEED)
    return PacedClock(lambda: pace, wake_s=0.01)


class Home:
    """A hot house with its thermostat, and the VEN that it polls with."""

    def __init__(self, url: str, clock: Clock, *, poll_s: float = 60.0, **config: Any) -> None:
        machine = HvacConfig(on_s_min=180.0, off_s_min=180.0, tolerance_k=20.0, **config.pop("hvac", {}))
        self.clock = clock
        self.begins_s = clock.now().timestamp()
        self.thermostat = Thermostat(ThermostatConfig(hvac=machine, weather=HOT, **config), self.begins_s)
        self.ven = ThermostatVen(
            VenSettings(ven_name=NAME, vtn_url=url, poll_s=poll_s), self.thermostat.agenda, self.mean_w, clock
        )

    def mean_w(self, start_s: float, end_s: float) -> float:
        hvac = self.thermostat.hvac
        hvac.advance(self.clock.now().timestamp())
        return hvac.mean_w(start_s, end_s)

    @asynccontextmanager
    async def living(self) -> AsyncIterator[None]:
        async with asyncio.TaskGroup() as tasks:
            services = [tasks.create_task(self.ven.run()), tasks.create_task(self._tick())]
            try:
                yield
            finally:
                for service in services:
                    service.cancel()

    async def _tick(self) -> None:
        while True:
            self.mean_w(0.0, 0.0)
            await self.clock.sleep(10.0)


async def until(true: Callable[[], bool], clock: Clock) -> None:
    async with asyncio.timeout(FAR_AWAY_S):
        while not true():
            await clock.sleep(0.01)


@asynccontextmanager
async def utility(book: EventBook, clock: Clock, port: int = 0) -> AsyncIterator[str]:
    vtn = Vtn(book, clock, vens={NAME}, port=port)
    try:
        yield await vtn.start()
    finally:
        await vtn.stop()


@pytest.mark.parametrize(
    ("willing", "opt"),
    [pytest.param(True, "optIn", id="opted-in"), pytest.param(False, "optOut", id="opted-out")],
)
async def test_an_event_of_the_simulated_utility_lowers_the_power_unless_opted_out(
    willing: bool,  # noqa: FBT001
    opt: str,
) -> None:
    clock, book = fast_clock(), EventBook()
    begins = BEGIN + timedelta(hours=3)
    called = Interval(begins, begins + timedelta(hours=2))
    async with utility(book, clock) as url:
        home = Home(url, clock, willing=willing)
        async with home.living():
            await until(lambda: home.ven.registered, clock)
            event = book.call("heat", NAME, called, Decimal("0.8"), clock.now())
            await until(lambda: event.answered, clock)
            await until(lambda: clock.now() > called.end, clock)
    before_w = home.mean_w((begins - timedelta(hours=2)).timestamp(), begins.timestamp())
    during_w = home.mean_w(begins.timestamp() + 300.0, called.end.timestamp())
    assert event.opt == opt
    assert before_w == pytest.approx(1_180.0, abs=350.0)
    if willing:
        assert during_w < before_w - 400.0
    else:
        assert during_w > before_w - 300.0


async def test_a_cancelled_event_is_answered_and_lets_the_machine_go_on() -> None:
    clock, book = fast_clock(), EventBook()
    begins = BEGIN + timedelta(hours=2)
    async with utility(book, clock) as url:
        home = Home(url, clock)
        async with home.living():
            await until(lambda: home.ven.registered, clock)
            event = book.call(
                "heat", NAME, Interval(begins, begins + timedelta(hours=6)), Decimal(9), clock.now()
            )
            await until(lambda: clock.now() > begins + timedelta(minutes=30), clock)
            book.cancel("heat", clock.now())
            await until(lambda: len(event.answers) == 2, clock)
            cancelled_s = clock.now().timestamp()
            await until(lambda: clock.now().timestamp() > cancelled_s + 2 * HOUR_S, clock)
    assert [answer.modification for answer in event.answers] == [0, 1]
    assert home.mean_w(begins.timestamp() + 600.0, begins.timestamp() + 1_500.0) == pytest.approx(5.0)
    assert home.mean_w(cancelled_s, cancelled_s + 2 * HOUR_S) > 800.0


async def test_an_occupant_who_has_had_enough_is_heard_of_late() -> None:
    clock = SystemClock()
    answers: list[str] = []
    async with plain_vtn() as (server, url):
        _note_answers(server, answers)
        home = Home(url, clock, poll_s=0.2)
        server.add_event(
            ven_id="VEN1",
            signal_name="SIMPLE",
            signal_type="level",
            intervals=[{"dtstart": clock.now(), "duration": timedelta(hours=2), "signal_payload": 3}],
            callback=_opted,
        )
        async with home.living():
            await until(lambda: "optIn" in answers, clock)
            home.thermostat.agenda.override(clock.now().timestamp())
            await until(lambda: answers[-1] == "optOut", clock)
            assert not home.thermostat.hvac.readings().order.event_id


@pytest.mark.parametrize(
    ("name", "kind", "value", "setpoint_c"),
    [
        pytest.param("SIMPLE", "level", 2, 27.0, id="simple-level-2"),
        pytest.param("LOAD_CONTROL", "x-loadControlSetpoint", 26.5, 26.5, id="load-control-setpoint"),
        pytest.param("LOAD_CONTROL", "x-loadControlLevelOffset", 1, 25.5, id="load-control-level-offset"),
    ],
)
async def test_openleadrs_own_vtn_moves_the_set_point(
    name: str, kind: str, value: float, setpoint_c: float
) -> None:
    clock, answers = SystemClock(), []

    def answered(ven_id: str, event_id: str, opt_type: str) -> None:  # noqa: ARG001 - openleadr's names
        answers.append(opt_type)

    async with plain_vtn() as (server, url):
        home = Home(url, clock, poll_s=0.2, hvac={"step_s": 0.05})
        server.add_event(
            ven_id="VEN1",
            signal_name=name,
            signal_type=kind,
            intervals=[{"dtstart": clock.now(), "duration": timedelta(hours=2), "signal_payload": value}],
            callback=answered,
        )
        async with home.living():
            await until(lambda: bool(answers), clock)
            await clock.sleep(0.2)
            home.mean_w(0.0, 0.0)
    assert answers == ["optIn"]
    assert home.thermostat.hvac.readings().setpoint_c == setpoint_c


def test_a_random_start_is_read_from_the_wire() -> None:
    """openleadr's own server drops the tolerance, so the message is encoded and parsed here."""
    start = datetime(2026, 7, 1, 20, 0, tzinfo=UTC)
    xml = create_message(
        "oadrDistributeEvent",
        events=[raw_event(start)],
        vtn_id="VTN",
        request_id="r",
        response={"request_id": "r", "response_code": 200, "response_description": "OK"},
    )
    _, payload = parse_message(xml)
    notice = read_notice(payload["events"][0], Program())
    assert (notice.start_s, notice.start_after_s) == (start.timestamp(), 600.0)
    assert notice.steps[0].order.offset_k == 1.5


async def test_an_event_that_no_thermostat_can_follow_is_opted_out_of() -> None:
    clock, answers = SystemClock(), []

    def answered(ven_id: str, event_id: str, opt_type: str) -> None:  # noqa: ARG001 - openleadr's names
        answers.append(opt_type)

    async with plain_vtn() as (server, url):
        home = Home(url, clock, poll_s=0.2)
        event_id = server.add_event(
            ven_id="VEN1",
            signal_name="ELECTRICITY_PRICE",
            signal_type="price",
            intervals=[{"dtstart": clock.now(), "duration": timedelta(hours=1), "signal_payload": 0.3}],
            callback=answered,
        )
        async with home.living():
            await until(lambda: bool(answers), clock)
    assert answers == ["optOut"]
    assert "ELECTRICITY_PRICE" in home.ven.refused[event_id]


async def test_power_is_reported_as_telemetry_usage_and_adds_up_to_the_energy() -> None:
    clock = fast_clock()
    reported: list[tuple[datetime, float]] = []
    async with plain_vtn() as (server, url):

        def register(  # noqa: PLR0913, PLR0917 - openleadr's
            ven_id: str,  # noqa: ARG001
            resource_id: str,
            measurement: str,
            unit: str,
            scale: str,
            min_sampling_interval: timedelta,
            max_sampling_interval: timedelta,  # noqa: ARG001
        ) -> tuple[Callable[[list[tuple[datetime, float]]], None], timedelta]:
            assert (resource_id, measurement, unit, scale) == ("thermostat", "RealPower", "W", "none")
            return reported.extend, max(min_sampling_interval, timedelta(minutes=5))

        server.add_handler("on_register_report", register)
        home = Home(url, clock)
        async with home.living():
            await until(lambda: len(reported) >= 24, clock)
    instants = [at for at, _ in reported]
    assert all(later - earlier == timedelta(minutes=5) for earlier, later in pairwise(instants))
    assert instants[0] <= BEGIN + timedelta(minutes=30)
    first_s, last_s = instants[0].timestamp(), instants[-1].timestamp() + 300.0
    mean_w = sum(power_w for _, power_w in reported) / len(reported)
    assert mean_w == pytest.approx(home.mean_w(max(first_s, home.begins_s), last_s), rel=0.02, abs=5.0)
    assert 500.0 < mean_w < 2_500.0


async def test_a_vtn_asks_for_reports_later_stops_them_and_asks_to_register_again() -> None:
    clock = fast_clock()
    mailbox: list[tuple[str, dict[str, Any]]] = []
    updates: list[str] = []
    async with plain_vtn() as (server, url):

        def on_poll(ven_id: str) -> tuple[str, dict[str, Any]] | None:
            if not mailbox:
                return None
            kind, payload = mailbox.pop(0)
            return kind, {"ven_id": ven_id, **payload}

        reports = server.services["report_service"]
        reports.handlers["oadrUpdateReport"] = _note_updates(updates)
        server.add_handler("on_poll", on_poll)
        home = Home(url, clock)
        async with home.living():
            await until(lambda: home.ven.registered, clock)
            mailbox.append(("oadrCreateReport", {"request_id": "q1", "report_requests": [_report_request()]}))
            await until(lambda: len(updates) >= 2, clock)
            stop = {"request_id": "q2", "report_request_id": "asked", "report_to_follow": False}
            mailbox.append(("oadrCancelReport", stop))
            await until(lambda: not mailbox, clock)
            stopped_s = clock.now().timestamp()
            await until(lambda: clock.now().timestamp() > stopped_s + 300.0, clock)
            sent = len(updates)
            await until(lambda: clock.now().timestamp() > stopped_s + 1_800.0, clock)
            assert len(updates) == sent
            registrations = _count_registrations(server)
            mailbox.append(("oadrRequestReregistration", {}))
            await until(lambda: bool(registrations), clock)
    assert set(updates) == {"asked"}
    assert home.ven.registered


async def test_a_restarted_vtn_is_registered_with_again() -> None:
    clock, book = fast_clock(), EventBook()
    first = Vtn(book, clock, vens={NAME})
    url = await first.start()
    home = Home(url, clock)
    async with home.living():
        await until(lambda: home.ven.registered, clock)
        await first.stop()
        await until(lambda: not home.ven.registered, clock)
        begins = clock.now() + timedelta(hours=1)
        event = book.call(
            "late", NAME, Interval(begins, begins + timedelta(hours=2)), Decimal(1), clock.now()
        )
        async with utility(book, clock, port=int(url.split(":")[2].split("/")[0])):
            await until(lambda: event.answered, clock)
    assert event.opt == "optIn"


def _opted(ven_id: str, event_id: str, opt_type: str) -> None:
    """A callback for openleadr, which insists on these names."""
    del ven_id, event_id, opt_type


def _note_answers(server: OpenADRServer, answers: list[str]) -> None:
    """Note every opt of a VEN: openleadr's own callback hears the first one only."""
    handlers = server.services["event_service"].handlers
    created = handlers["oadrCreatedEvent"]

    async def note(payload: dict[str, Any]) -> Any:
        answers.extend(response["opt_type"] for response in payload["event_responses"])
        return await created(payload)

    handlers["oadrCreatedEvent"] = note


def _report_request() -> objects.ReportRequest:
    """Power in steps of a minute."""
    return objects.ReportRequest(
        report_request_id="asked",
        report_specifier=objects.ReportSpecifier(
            report_specifier_id=f"{NAME}-power",
            granularity=timedelta(minutes=1),
            report_back_duration=timedelta(minutes=1),
            specifier_payloads=[objects.SpecifierPayload(r_id=f"{NAME}-thermostat", reading_type="Mean")],
        ),
    )


def _note_updates(updates: list[str]) -> Callable[[dict[str, Any]], Any]:
    async def note(payload: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        updates.extend(report["report_request_id"] for report in payload["reports"])
        return "oadrUpdatedReport", {}

    return note


def _count_registrations(server: OpenADRServer) -> list[str]:
    """Names of VENs that register from now on."""
    names: list[str] = []
    handlers = server.services["registration_service"].handlers
    created = handlers["oadrCreatePartyRegistration"]

    async def note(payload: dict[str, Any]) -> Any:
        names.append(payload["ven_name"])
        return await created(payload)

    handlers["oadrCreatePartyRegistration"] = note
    return names


def raw_event(start: datetime) -> dict[str, Any]:
    """An event with a random start within ten minutes."""
    event = asdict(
        objects.Event(
            event_descriptor=objects.EventDescriptor(
                event_id="raw",
                modification_number=0,
                market_context="oadr://plain",
                event_status="far",
                created_date_time=start,
            ),
            event_signals=[
                objects.EventSignal(
                    intervals=[
                        objects.Interval(dtstart=start, duration=timedelta(hours=1), signal_payload=1.0)
                    ],
                    signal_name="SIMPLE",
                    signal_type="level",
                    signal_id="s",
                )
            ],
            targets=[objects.Target(ven_id="VEN1")],
            active_period=objects.ActivePeriod(
                dtstart=start, duration=timedelta(hours=1), tolerance={"startafter": timedelta(minutes=10)}
            ),
        )
    )
    event["response_required"] = "always"
    return event


@asynccontextmanager
async def plain_vtn() -> AsyncIterator[tuple[OpenADRServer, str]]:
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
