"""The market over HTTP: secret until publication, closed at the gate, strict with its forms."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import httpx
import pytest

from simulators.data.extracts import day_ahead_prices
from simulators.market.app import create_app
from vpp_core.clock import ManualClock
from vpp_core.faults import ConfigurationFault
from vpp_core.interval import Interval

MORNING = datetime(2021, 8, 11, 14, 0, tzinfo=UTC)
DAY = "2021-08-12"
HOUR = {"start": "2021-08-12T20:00:00+00:00", "end": "2021-08-12T21:00:00+00:00"}
DAY_RANGE = {
    "product": "ercot-dam-energy",
    "start": "2021-08-12T05:00:00+00:00",
    "end": "2021-08-13T05:00:00+00:00",
}
GATE_S, PUBLICATION_S, DAY_OVER_S = 3_600.0, 4.5 * 3_600.0, 39 * 3_600.0


@dataclass
class Market:
    http: httpx.AsyncClient
    clock: ManualClock

    async def offer(self, product: str = "ercot-dam-energy", **changes: object) -> httpx.Response:
        offer = HOUR | {"reference": "r1", "side": "sell", "quantity_mwh": "0.0100", "limit_price": "40.00"}
        body = {"participant": "us", "product": product, "offers": [offer | changes]}
        return await self.http.post("/offers", json=body)

    async def meter(self, product: str = "ercot-dam-energy", **row: object) -> httpx.Response:
        body = {"participant": "us", "product": product, "intervals": [HOUR | row]}
        return await self.http.post("/meter-data", json=body)

    async def get(self, path: str, **params: str) -> Any:
        return await self.http.get(path, params={"participant": "us", "day": DAY} | params)


@pytest.fixture
async def market() -> AsyncIterator[Market]:
    clock = ManualClock(MORNING)
    app = create_app(clock=clock, prices=day_ahead_prices(), token="secret")
    headers = {"Authorization": "Bearer secret"}
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://market", headers=headers) as http:
        yield Market(http, clock)


async def test_past_days_show_the_real_prices(market: Market) -> None:
    yesterday = {"start": "2021-08-11T05:00:00+00:00", "end": "2021-08-12T05:00:00+00:00"}
    answer = (await market.http.get("/prices", params=DAY_RANGE | yesterday)).json()
    real = [price.usd_per_mwh for price in day_ahead_prices() if price.interval.start.date().day in (11, 12)]
    assert len(answer["prices"]) == 24
    assert {Decimal(row["price"]) for row in answer["prices"]} <= set(real)
    assert "ERCOT" in answer["source"]


async def test_tomorrows_prices_are_secret_until_half_past_one(market: Market) -> None:
    assert (await market.http.get("/prices", params=DAY_RANGE)).json()["prices"] == []
    market.clock.advance(PUBLICATION_S - 1.0)
    assert (await market.http.get("/prices", params=DAY_RANGE)).json()["prices"] == []
    market.clock.advance(1.0)
    assert len((await market.http.get("/prices", params=DAY_RANGE)).json()["prices"]) == 24


async def test_the_reserve_price_is_called_synthetic(market: Market) -> None:
    market.clock.advance(PUBLICATION_S)
    answer = (await market.http.get("/prices", params=DAY_RANGE | {"product": "frequency-reserve-up"})).json()
    assert "synthetic" in answer["synthetic"]
    assert all(Decimal(4) <= Decimal(row["price"]) <= Decimal(60) for row in answer["prices"])


async def test_an_offer_stands_once_however_often_it_comes(market: Market) -> None:
    first, second = await market.offer(), await market.offer()
    market.clock.advance(PUBLICATION_S)
    awards = (await market.get("/awards")).json()["awards"]
    assert (first.status_code, second.status_code) == (201, 201)
    assert [award["reference"] for award in awards] == ["r1"]


async def test_a_repetition_after_the_gate_still_stands(market: Market) -> None:
    await market.offer()
    market.clock.advance(GATE_S)
    assert (await market.offer()).status_code == 201


@pytest.mark.parametrize(
    ("wait_s", "status"),
    [
        pytest.param(GATE_S - 1.0, 201, id="a second before ten"),
        pytest.param(GATE_S, 409, id="at ten"),
    ],
)
async def test_the_gate_closes_at_ten(market: Market, wait_s: float, status: int) -> None:
    market.clock.advance(wait_s)
    assert (await market.offer()).status_code == status


async def test_a_reference_names_one_offer(market: Market) -> None:
    await market.offer()
    answer = await market.offer(quantity_mwh="0.0200")
    assert (answer.status_code, answer.json()["detail"]) == (
        409,
        "The reference 'r1' is taken by another offer.",
    )


async def test_awards_come_with_the_clearing_price(market: Market) -> None:
    assert (await market.get("/awards")).status_code == 404
    await market.offer()
    await market.offer(reference="r2", limit_price="9000")
    market.clock.advance(PUBLICATION_S)
    awards = {award["reference"]: award for award in (await market.get("/awards")).json()["awards"]}
    assert (awards["r1"]["quantity_mwh"], awards["r2"]["quantity_mwh"]) == ("0.0100", "0")
    assert awards["r1"]["clearing_price"] == "109.10"


async def test_a_statement_settles_what_was_metered(market: Market) -> None:
    await market.offer()
    await market.offer("frequency-reserve-up", reference="r2", limit_price="1")
    market.clock.advance(DAY_OVER_S - 1.0)
    assert (await market.get("/settlement-statement")).status_code == 404
    market.clock.advance(1.0)
    assert (await market.meter(energy_mwh="0.012")).status_code == 201
    held = await market.meter("frequency-reserve-up", held_mw="0.01", performance="0.9")
    statement = (await market.get("/settlement-statement")).json()
    assert held.status_code == 201
    assert [(line["what"], line["amount"]) for line in statement["lines"]] == [
        ("award", "1.091000"),
        ("surplus", "0.163650"),
        ("reserve held, performance 0.9000", "0.294570"),
    ]
    assert statement["total"] == "1.55"


async def test_one_participant_does_not_see_another(market: Market) -> None:
    await market.offer()
    market.clock.advance(DAY_OVER_S)
    assert (await market.get("/awards", participant="them")).json()["awards"] == []
    assert (await market.get("/settlement-statement", participant="them")).json()["total"] == "0.00"


@pytest.mark.parametrize("header", ["", "Bearer wrong", "secret", "Bearer secret "], ids=repr)
async def test_without_the_token_there_is_nothing(market: Market, header: str) -> None:
    market.http.headers["Authorization"] = header
    answers = [await market.get("/awards"), await market.get("/settlement-statement"), await market.offer()]
    answers.append(await market.http.get("/prices", params=DAY_RANGE))
    assert {answer.status_code for answer in answers} == {401}
    assert (await market.http.get("/health")).json() == {"status": "ok"}


def test_a_market_without_a_token_does_not_start() -> None:
    with pytest.raises(ConfigurationFault, match="needs a bearer token"):
        create_app(clock=ManualClock(MORNING), prices=[], token="")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        pytest.param({"quantity_mwh": "0"}, "positive quantity", id="no quantity"),
        pytest.param({"quantity_mwh": "-0.01"}, "positive quantity", id="a negative quantity"),
        pytest.param({"quantity_mwh": "0.00005"}, "steps of 0.0001", id="finer than the step"),
        pytest.param({"quantity_mwh": 0.01}, "quantity_mwh", id="a binary fraction"),
        pytest.param({"quantity_mwh": "NaN"}, "quantity_mwh", id="no number"),
        pytest.param({"limit_price": "1e3"}, "limit_price", id="an exponent"),
        pytest.param({"limit_price": "9000.01"}, "limit price from -250 to 9000", id="above the cap"),
        pytest.param({"side": "hold"}, "side", id="an unknown side"),
        pytest.param({"end": "2021-08-12T22:00:00+00:00"}, "one whole hour", id="two hours"),
        pytest.param({"start": "2021-08-12T20:00:00"}, "start", id="a naive time"),
        pytest.param(
            {"start": "2031-08-12T20:00:00Z", "end": "2031-08-12T21:00:00Z"},
            "one whole hour",
            id="no such hour",
        ),
        pytest.param({"colour": "red"}, "colour", id="an unknown field"),
        pytest.param({"reference": ""}, "reference", id="an empty reference"),
    ],
)
async def test_a_bad_offer_is_refused_with_a_sentence(
    market: Market, changes: dict[str, Any], reason: str
) -> None:
    answer = await market.offer(**changes)
    assert answer.status_code == 422
    assert reason in answer.json()["detail"]
    market.clock.advance(PUBLICATION_S)
    assert (await market.get("/awards")).json()["awards"] == []


async def test_offers_are_entered_all_or_none(market: Market) -> None:
    good = HOUR | {"reference": "r1", "side": "sell", "quantity_mwh": "0.01", "limit_price": "1"}
    body = {
        "participant": "us",
        "product": "ercot-dam-energy",
        "offers": [good, good | {"reference": "r2", "side": "buy", "quantity_mwh": "0"}],
    }
    assert (await market.http.post("/offers", json=body)).status_code == 422
    market.clock.advance(PUBLICATION_S)
    assert (await market.get("/awards")).json()["awards"] == []


async def test_reserve_is_only_sold(market: Market) -> None:
    answer = await market.offer("frequency-reserve-up", side="buy")
    assert (answer.status_code, "only a sell" in answer.json()["detail"]) == (422, True)


@pytest.mark.parametrize(
    ("product", "row", "reason"),
    [
        pytest.param("ercot-dam-energy", {"energy_mwh": "0.01"}, "is not over", id="an hour to come"),
        pytest.param(
            "ercot-dam-energy", {"held_mw": "1", "performance": "1"}, "energy_mwh", id="the other form"
        ),
        pytest.param(
            "frequency-reserve-up",
            {"held_mw": "1", "performance": "1.1"},
            "performance",
            id="over-performance",
        ),
        pytest.param(
            "frequency-reserve-up", {"held_mw": "-1", "performance": "1"}, "held_mw", id="less than nothing"
        ),
        pytest.param("gold", {"energy_mwh": "1"}, "product", id="an unknown product"),
        pytest.param(
            "ercot-dam-energy",
            {"energy_mwh": "1", "end": "2021-08-12T20:15:00+00:00"},
            "by the hour",
            id="a quarter of an hour",
        ),
        pytest.param(
            "ercot-dam-energy",
            {"energy_mwh": "1", "start": "2021-08-10T20:30:00Z", "end": "2021-08-10T21:30:00Z"},
            "not the start of an hour",
            id="a shifted hour",
        ),
    ],
)
async def test_bad_meter_data_is_refused_with_a_sentence(
    market: Market, product: str, row: dict[str, object], reason: str
) -> None:
    answer = await market.meter(product, **row)
    assert answer.status_code == 422
    assert reason in answer.json()["detail"]


@pytest.mark.parametrize("day", ["9999-12-31", "0001-01-01", "tomorrow"])
async def test_an_impossible_day_is_refused(market: Market, day: str) -> None:
    assert (await market.get("/awards", day=day)).status_code == 422


@pytest.mark.parametrize(
    ("day", "hours"),
    [
        pytest.param(datetime(2021, 3, 14, 6, tzinfo=UTC), 23, id="the day that loses an hour"),
        pytest.param(datetime(2021, 11, 7, 5, tzinfo=UTC), 25, id="the day that gains an hour"),
    ],
)
async def test_a_local_day_is_settled_whole_when_the_clocks_change(day: datetime, hours: int) -> None:
    clock = ManualClock(day - timedelta(days=1))
    prices = [(Interval.of(day + timedelta(hours=hour), 3_600.0), Decimal(10)) for hour in range(-2, 28)]
    app = create_app(clock=clock, prices=prices, token="t")
    headers = {"Authorization": "Bearer t"}
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://market", headers=headers) as http:
        clock.advance(3 * 86_400.0)
        rows = [
            {"start": piece.start.isoformat(), "end": piece.end.isoformat(), "energy_mwh": "0.001"}
            for piece, _ in prices
        ]
        body = {"participant": "us", "product": "ercot-dam-energy", "intervals": rows}
        await http.post("/meter-data", json=body)
        params = {"participant": "us", "day": day.date().isoformat()}
        statement = (await http.get("/settlement-statement", params=params)).json()
    assert len(statement["lines"]) == hours
