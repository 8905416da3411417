"""The adapter: the market's MWh and decimal strings become Wh and micro-units, and back."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime

import httpx
import pytest

from cloud.chain.records import Offer, Side
from cloud.markets.adapter import HeldReserve, MarketAdapter, MarketAward, MeteredEnergy
from cloud.markets.catalogue import ENERGY, RESERVE
from cloud.markets.day_ahead_http import HttpDayAheadMarket
from vpp_core.faults import CounterpartyFault
from vpp_core.ids import ProductId, RecordId
from vpp_core.interval import Interval
from vpp_core.money import Money, Price

NOON = Interval.of(datetime(2021, 8, 12, 17, tzinfo=UTC), 3_600.0)
DAY = date(2021, 8, 12)
HOUR = {"start": "2021-08-12T17:00:00+00:00", "end": "2021-08-12T18:00:00+00:00"}


class Market:
    """Answers every path with what the test put there."""

    def __init__(self) -> None:
        self.answers: dict[str, object] = {}
        self.posted: list[tuple[str, dict[str, object]]] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.method == "POST":
            self.posted.append((request.url.path, json.loads(request.content)))
            return httpx.Response(201, json={})
        if request.url.path not in self.answers:
            return httpx.Response(404)
        return httpx.Response(200, json=self.answers[request.url.path])


@pytest.fixture
def market() -> Market:
    return Market()


@pytest.fixture
async def adapter(market: Market) -> AsyncIterator[MarketAdapter]:
    async with httpx.AsyncClient(transport=httpx.MockTransport(market)) as client:
        yield HttpDayAheadMarket("http://market", client, token="t", participant="us")


def offer(reference: str, product_id: ProductId = ENERGY, side: Side = Side.SELL) -> Offer:
    return Offer(
        id=RecordId(reference),
        at=NOON.start,
        product_id=product_id,
        interval=NOON,
        side=side,
        quantity_wh=12_300,
        limit_price=Price.from_decimal("41.25"),
        market_reference=reference,
    )


async def test_offers_go_out_by_product_in_mwh(market: Market, adapter: MarketAdapter) -> None:
    await adapter.submit([offer("r1", RESERVE), offer("e1"), offer("e2", side=Side.BUY)])
    assert [(path, body["product"]) for path, body in market.posted] == [
        ("/offers", ENERGY),
        ("/offers", RESERVE),
    ]
    assert market.posted[0][1] == {
        "participant": "us",
        "product": ENERGY,
        "offers": [
            HOUR | {"reference": "e1", "side": "sell", "quantity_mwh": "0.0123", "limit_price": "41.25"},
            HOUR | {"reference": "e2", "side": "buy", "quantity_mwh": "0.0123", "limit_price": "41.25"},
        ],
    }


async def test_prices_come_back_in_order_of_time(market: Market, adapter: MarketAdapter) -> None:
    later = {"start": HOUR["end"], "end": "2021-08-12T19:00:00+00:00"}
    market.answers["/prices"] = {
        "currency": "USD",
        "prices": [later | {"price": "-0.25"}, HOUR | {"price": "28.99"}],
    }
    prices = await adapter.prices(ENERGY, NOON)
    assert [row.price for row in prices] == [Price.from_decimal("28.99"), Price.from_decimal("-0.25")]
    assert prices[0].interval == NOON


async def test_an_unknown_product_is_a_fault(adapter: MarketAdapter) -> None:
    with pytest.raises(CounterpartyFault, match="knows no prices of the product 'x'"):
        await adapter.prices(ProductId("x"), NOON)


async def test_awards_are_nothing_until_published(market: Market, adapter: MarketAdapter) -> None:
    assert await adapter.awards(DAY) is None
    row = {
        "reference": "e1",
        "product": ENERGY,
        "side": "sell",
        "quantity_mwh": "0.0123",
        "clearing_price": "50",
    }
    market.answers["/awards"] = {"currency": "USD", "awards": [HOUR | row]}
    assert await adapter.awards(DAY) == [
        MarketAward(
            reference="e1",
            product_id=ENERGY,
            interval=NOON,
            side=Side.SELL,
            quantity_wh=12_300,
            clearing_price=Price.from_decimal(50),
        )
    ]


async def test_meter_data_goes_out_by_the_hour(market: Market, adapter: MarketAdapter) -> None:
    await adapter.submit_energy(ENERGY, [MeteredEnergy(interval=NOON, energy_wh=-1_234)])
    await adapter.submit_reserve(RESERVE, [HeldReserve(interval=NOON, held_w=20_000, performance=0.98765)])
    energy, reserve = (body["intervals"] for _, body in market.posted)
    assert energy == [HOUR | {"energy_mwh": "-0.001234"}]
    assert reserve == [HOUR | {"held_mw": "0.020000", "performance": "0.9877"}]


async def test_a_statement_is_read_to_the_cent(market: Market, adapter: MarketAdapter) -> None:
    with pytest.raises(CounterpartyFault, match="no settlement statement of 2021-08-12 yet"):
        await adapter.statement(DAY)
    line = {"product": ENERGY, "what": "award", "quantity_mwh": "0.0123", "price": "50", "amount": "0.615"}
    market.answers["/settlement-statement"] = {"currency": "USD", "lines": [HOUR | line], "total": "0.62"}
    statement = await adapter.statement(DAY)
    assert statement.total_cents == 62
    assert statement.lines[0].amount == Money.from_decimal("0.615")
    assert statement.lines[0].quantity_wh == 12_300


@pytest.mark.parametrize(
    "row",
    [
        pytest.param(HOUR | {"price": "NaN"}, id="no number"),
        pytest.param(HOUR | {"price": "0.00000001"}, id="finer than money"),
        pytest.param(
            {"start": HOUR["end"], "end": HOUR["start"], "price": "1"}, id="an hour that runs backwards"
        ),
        pytest.param({"start": "2021-08-12T17:00:00", "end": HOUR["end"], "price": "1"}, id="a naive time"),
    ],
)
async def test_an_unusable_answer_is_the_markets_fault(
    market: Market, adapter: MarketAdapter, row: dict[str, str]
) -> None:
    market.answers["/prices"] = {"currency": "USD", "prices": [row]}
    with pytest.raises(
        CounterpartyFault, match="The day-ahead market answered /prices in an unexpected form"
    ):
        await adapter.prices(ENERGY, NOON)
