"""The utility's border: consumption and kWh outside, injection and Wh inside."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import httpx
import pytest

from cloud.markets.utility_http import EventId, EventPerformanceRow, IntervalHistory, UtilityClient
from vpp_core.faults import CounterpartyFault
from vpp_core.ids import RecordId, SiteId
from vpp_core.interval import Interval
from vpp_core.money import Money, Price

SITE = SiteId("site-01")
START = datetime(2021, 8, 1, tzinfo=UTC)
QUARTER = Interval.of(START, 900.0)
ENDS = {"start": "2021-08-01T00:00:00+00:00", "end": "2021-08-01T00:15:00+00:00"}
HISTORY = {
    "site_id": SITE,
    "step_s": 900,
    "start": "2021-08-01T00:00:00Z",
    "channels": {"net_kwh": [0.5, None], "pv_kwh": [0.0, 0.25], "evse_kwh": [0.0, 0.0]},
}


class Utility:
    def __init__(self) -> None:
        self.answers: dict[str, object] = {}
        self.posted: list[tuple[str, object]] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.method == "POST":
            self.posted.append((request.url.path, json.loads(request.content)))
            return httpx.Response(201, json={})
        if request.url.path not in self.answers:
            return httpx.Response(404)
        return httpx.Response(200, json=self.answers[request.url.path])


@pytest.fixture
def utility() -> Utility:
    return Utility()


@pytest.fixture
async def client(utility: Utility) -> AsyncIterator[UtilityClient]:
    async with httpx.AsyncClient(transport=httpx.MockTransport(utility)) as connection:
        yield UtilityClient("http://utility", connection, token="t")


async def test_history_arrives_in_wh_and_a_gap_stays_a_gap(utility: Utility, client: UtilityClient) -> None:
    utility.answers[f"/interval-data/{SITE}"] = HISTORY
    history = await client.interval_history(SITE, QUARTER)
    assert history.net_wh == (500.0, None)
    assert history.pv_wh == (0.0, 250.0)
    assert history.end == datetime(2021, 8, 1, 0, 30, tzinfo=UTC)


async def test_a_grant_presents_the_consent(utility: Utility, client: UtilityClient) -> None:
    await client.grant(SITE, RecordId("01CONSENT"))
    assert utility.posted == [("/grants", {"site_id": SITE, "consent_id": "01CONSENT"})]


async def test_injection_goes_out_as_negative_consumption(utility: Utility, client: UtilityClient) -> None:
    rows = [
        EventPerformanceRow(site_id=SITE, interval=QUARTER, metered_wh=1_250, baseline_wh=-500),
        EventPerformanceRow(site_id=SITE, interval=QUARTER, metered_wh=None, baseline_wh=0),
    ]
    await client.submit_performance(EventId("e1"), rows)
    assert utility.posted == [
        (
            "/event-performance",
            {
                "event_id": "e1",
                "rows": [
                    ENDS | {"site_id": SITE, "metered_kwh": "-1.25", "baseline_kwh": "0.5"},
                    ENDS | {"site_id": SITE, "metered_kwh": None, "baseline_kwh": "0"},
                ],
            },
        )
    ]


async def test_a_statement_is_read_to_the_cent(utility: Utility, client: UtilityClient) -> None:
    with pytest.raises(CounterpartyFault, match="no statement of event 'e1' yet"):
        await client.event_statement(EventId("e1"))
    line = ENDS | {"what": "delivered", "quantity_kwh": "1.75", "price_per_kwh": "1.00", "amount": "1.75"}
    utility.answers["/event-statement/e1"] = {
        "event_id": "e1",
        "currency": "USD",
        "lines": [line],
        "total": "1.75",
    }
    statement = await client.event_statement(EventId("e1"))
    assert statement.total_cents == 175
    assert statement.lines[0].price == Price.from_decimal(1000)
    assert statement.lines[0].amount == Money.from_cents(175)
    assert statement.lines[0].quantity_wh == 1_750


@pytest.mark.parametrize(
    ("path", "answer"),
    [
        pytest.param(f"/interval-data/{SITE}", HISTORY | {"step_s": 0}, id="history without a step"),
        pytest.param(
            f"/interval-data/{SITE}", HISTORY | {"start": "2021-08-01T00:00:00"}, id="a naive start"
        ),
        pytest.param(
            f"/interval-data/{SITE}",
            HISTORY | {"channels": {"net_kwh": [1], "pv_kwh": [], "evse_kwh": []}},
            id="channels of different length",
        ),
        pytest.param(
            "/event-statement/e1",
            {"event_id": "e1", "currency": "USD", "lines": [], "total": "0.001"},
            id="a total finer than a cent",
        ),
    ],
)
async def test_an_unusable_answer_is_the_utilitys_fault(
    utility: Utility, client: UtilityClient, path: str, answer: object
) -> None:
    utility.answers[path] = answer
    history = path.startswith("/interval")
    asked = client.interval_history(SITE, QUARTER) if history else client.event_statement(EventId("e1"))
    with pytest.raises(CounterpartyFault, match="unexpected form"):
        await asked


async def test_a_site_without_data_is_a_fault(client: UtilityClient) -> None:
    with pytest.raises(CounterpartyFault, match="no meter data of site 'site-01'"):
        await client.interval_history(SITE, QUARTER)


def test_a_history_ends_where_its_steps_end() -> None:
    empty = IntervalHistory(site_id=SITE, step_s=900, start=START, net_wh=(), pv_wh=(), evse_wh=())
    assert empty.end == START
