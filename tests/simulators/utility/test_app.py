"""The utility over HTTP, as the cloud's own client sees it."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from cloud.markets.utility_http import EventId, EventPerformanceRow, UtilityClient
from simulators.utility.app import MeterHistory, Meters, create_app
from simulators.utility.events import EventBook
from vpp_core.clock import ManualClock
from vpp_core.faults import ConfigurationFault, CounterpartyFault
from vpp_core.ids import RecordId, SiteId
from vpp_core.interval import Interval

NOW = datetime(2021, 8, 12, 20, 0, tzinfo=UTC)
EVENT = Interval.of(datetime(2021, 8, 12, 22, 0, tzinfo=UTC), 1_800)
HOUR = Interval.of(NOW - timedelta(hours=1), 3_600)
SITE = SiteId("site-01")
CALL = {
    "event_id": "peak-1",
    "ven": "gridchorus",
    "start": EVENT.start.isoformat(),
    "duration_s": 1_800,
    "target_kw": "10",
}


def history(meter: str, start: datetime, end: datetime) -> MeterHistory:
    steps = int((end - start).total_seconds() // 900)
    net: list[float | None] = [float(len(meter))] * steps
    return MeterHistory(net_kwh=[None, *net[1:]], pv_kwh=[0.5] * steps, evse_kwh=[0.0] * steps)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOW)


@pytest.fixture
def book() -> EventBook:
    return EventBook()


@pytest.fixture
async def http(clock: ManualClock, book: EventBook) -> AsyncIterator[httpx.AsyncClient]:
    meters = Meters(names={"site-01", "house-7"}, history=history)
    app = create_app(clock=clock, meters=meters, token="aggregator", desk_token="desk", book=book)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://utility") as client:
        yield client


@pytest.fixture
def client(http: httpx.AsyncClient) -> UtilityClient:
    return UtilityClient("http://utility", http, token="aggregator")


async def desk(http: httpx.AsyncClient, method: str, path: str, body: object = None) -> httpx.Response:
    return await http.request(method, path, json=body, headers={"Authorization": "Bearer desk"})


async def test_meter_data_needs_a_grant(client: UtilityClient) -> None:
    with pytest.raises(CounterpartyFault, match="No owner has granted access"):
        await client.interval_history(SITE, HOUR)
    await client.grant(SITE, RecordId("consent"))
    data = await client.interval_history(SITE, HOUR)
    assert data.start == HOUR.start
    assert data.net_wh == (None, 7_000.0, 7_000.0, 7_000.0)
    assert data.pv_wh == (500.0,) * 4


async def test_a_grant_may_name_the_meter(http: httpx.AsyncClient, client: UtilityClient) -> None:
    body = {"site_id": "site-99", "consent_id": "c", "meter": "house-7"}
    answer = await http.post("/grants", json=body, headers={"Authorization": "Bearer aggregator"})
    assert answer.status_code == 201
    assert len((await client.interval_history(SiteId("site-99"), HOUR)).net_wh) == 4


async def test_a_grant_for_an_unknown_meter_is_refused(client: UtilityClient) -> None:
    with pytest.raises(CounterpartyFault, match="no meter site-55"):
        await client.grant(SiteId("site-55"), RecordId("consent"))


@pytest.mark.parametrize(
    ("interval", "reason"),
    [
        pytest.param(Interval.of(NOW, 900), "before now", id="the-future-is-not-history"),
        pytest.param(Interval.of(NOW - timedelta(hours=1), 1_000), "whole steps", id="part-of-a-step"),
        pytest.param(Interval(NOW - timedelta(days=900), NOW), "at most", id="too-much-at-once"),
    ],
)
async def test_history_is_asked_for_sensibly(client: UtilityClient, interval: Interval, reason: str) -> None:
    await client.grant(SITE, RecordId("consent"))
    with pytest.raises(CounterpartyFault, match=reason):
        await client.interval_history(SITE, interval)


async def test_an_event_is_called_answered_reported_and_stated(
    http: httpx.AsyncClient, client: UtilityClient, clock: ManualClock
) -> None:
    called = (await desk(http, "POST", "/events", CALL)).json()
    assert (called["status"], called["modification"], called["opt"]) == ("far", 0, None)
    answer = {"modification": 0, "opt": "optIn"}
    answered = (await desk(http, "POST", "/events/peak-1/opt", answer)).json()
    assert answered["opt"] == "optIn"
    with pytest.raises(CounterpartyFault, match="no statement"):
        await client.event_statement(EventId("peak-1"))
    clock.advance((EVENT.end - NOW).total_seconds())
    rows = [
        EventPerformanceRow(site_id=SITE, interval=interval, metered_wh=metered_wh, baseline_wh=-500)
        for interval, metered_wh in zip(EVENT.split(900), (2_000, None), strict=True)
    ]
    await client.submit_performance(EventId("peak-1"), rows)
    await client.submit_performance(EventId("peak-1"), rows)
    stated = await client.event_statement(EventId("peak-1"))
    assert [line.quantity_wh for line in stated.lines] == [2_500, 0, -2_500]
    assert stated.total_cents == 125


async def test_local_times_are_kept_in_utc(http: httpx.AsyncClient) -> None:
    called = (await desk(http, "POST", "/events", CALL | {"start": "2021-08-12T17:00:00-05:00"})).json()
    assert called["start"] == "2021-08-12T22:00:00+00:00"


async def test_the_desk_modifies_and_cancels(http: httpx.AsyncClient) -> None:
    await desk(http, "POST", "/events", CALL)
    terms = {key: CALL[key] for key in ("start", "duration_s")} | {"target_kw": "8"}
    modified = (await desk(http, "PUT", "/events/peak-1", terms)).json()
    assert (modified["modification"], modified["target_kw"]) == (1, "8")
    assert (await desk(http, "DELETE", "/events/peak-1")).json()["status"] == "cancelled"
    assert (await desk(http, "GET", "/events/peak-1")).json()["modification"] == 2
    again = await desk(http, "DELETE", "/events/peak-1")
    assert (again.status_code, again.json()["detail"]) == (409, "The event peak-1 is cancelled.")


async def test_rows_outside_the_event_are_refused(http: httpx.AsyncClient, client: UtilityClient) -> None:
    await desk(http, "POST", "/events", CALL)
    stray = EventPerformanceRow(site_id=SITE, interval=HOUR, metered_wh=0, baseline_wh=0)
    with pytest.raises(CounterpartyFault, match="no quarter-hour of the event"):
        await client.submit_performance(EventId("peak-1"), [stray])


@pytest.mark.parametrize(
    ("method", "path", "token", "status"),
    [
        pytest.param("GET", "/health", None, 200, id="health-is-open"),
        pytest.param("GET", "/event-statement/x", None, 401, id="no-token"),
        pytest.param("GET", "/event-statement/x", "desk", 401, id="the-desks-token-is-not-the-aggregators"),
        pytest.param("GET", "/events/x", "aggregator", 401, id="an-aggregator-is-not-the-desk"),
        pytest.param("GET", "/events/x", "desk", 404, id="unknown-event"),
        pytest.param("GET", "/event-statement/x", "aggregator", 404, id="unknown-statement"),
    ],
)
async def test_who_may_ask_what(
    http: httpx.AsyncClient, method: str, path: str, token: str | None, status: int
) -> None:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    assert (await http.request(method, path, headers=headers)).status_code == status


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"target_kw": 10}, id="a-number-that-is-no-string"),
        pytest.param({"start": "2021-08-12T22:00:00"}, id="a-time-without-a-zone"),
        pytest.param({"duration_s": 0}, id="no-duration"),
        pytest.param({"colour": "red"}, id="an-unknown-field"),
    ],
)
async def test_malformed_orders_are_refused_in_one_sentence(
    http: httpx.AsyncClient, changes: dict[str, Any]
) -> None:
    answer = await desk(http, "POST", "/events", CALL | changes)
    assert answer.status_code == 422
    assert answer.json()["detail"].startswith("The request is malformed at body.")


def test_a_utility_without_tokens_does_not_start(clock: ManualClock, book: EventBook) -> None:
    with pytest.raises(ConfigurationFault, match="two bearer tokens"):
        create_app(clock=clock, meters=Meters((), history), token="", desk_token="desk", book=book)
