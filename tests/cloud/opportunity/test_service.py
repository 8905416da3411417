"""One record for each product and interval, from the market's published past."""

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime
from typing import Any

import pytest

from cloud.chain.faults import NotReady
from cloud.chain.records import Forecast, ForecastSeries, Offer
from cloud.chain.store import Chain
from cloud.markets.adapter import PublishedPrice
from cloud.markets.catalogue import ENERGY, EVENT, RESERVE, Catalogue, load_catalogue
from cloud.markets.local_day import local_day
from cloud.opportunity.service import OpportunityService, event_window, pv_by_interval
from vpp_core.ids import DerId, ProductId
from vpp_core.interval import Interval
from vpp_core.messages import Reading
from vpp_core.money import Price

DAY = date(2021, 8, 12)
TEXAS = "America/Chicago"
CATALOGUE = load_catalogue()


class NoReadings:
    def latest(self, devices: Iterable[DerId]) -> dict[DerId, Reading]:  # noqa: ARG002
        return {}


class PastMarket:
    """Knows one price for every hour before ``until``."""

    name = "past market"

    def __init__(self, until: datetime) -> None:
        self.until = until

    async def prices(self, product_id: ProductId, interval: Interval) -> list[PublishedPrice]:
        assert product_id in (ENERGY, RESERVE)
        return [
            PublishedPrice(interval=piece, price=Price.from_decimal(40))
            for piece in interval.split(3_600)
            if piece.start < self.until
        ]

    async def submit(self, offers: Sequence[Offer]) -> None: ...

    async def awards(self, day: date) -> None: ...

    async def submit_energy(self, product_id: ProductId, metered: Any) -> None: ...

    async def submit_reserve(self, product_id: ProductId, held: Any) -> None: ...

    async def statement(self, day: date) -> Any: ...


def forecast(chain: Chain, pv_w: Sequence[float]) -> Forecast:
    series = ForecastSeries(
        q10_w=tuple(pv_w), q50_w=tuple(pv_w), q90_w=tuple(pv_w), persistence_w=tuple(pv_w), mean_w=tuple(pv_w)
    )
    return chain.append(
        Forecast(
            id=chain.new_id(),
            at=chain.now(),
            horizon=local_day(DAY, TEXAS),
            step_s=900,
            pv={DerId("pv"): series},
            load={},
            capability_up_w=(),
            enrolled_w=0.0,
        )
    )


def service(chain: Chain, market: PastMarket, catalogue: Catalogue = CATALOGUE) -> OpportunityService:
    return OpportunityService(chain, market, catalogue, NoReadings())


async def test_every_product_and_interval_has_its_record(chain: Chain) -> None:
    issued = forecast(chain, [0.0] * 96)
    found = await service(chain, PastMarket(local_day(DAY, TEXAS).start)).identify(DAY)
    counts = {
        product: sum(row.product_id == product for row in found) for product in (ENERGY, RESERVE, EVENT)
    }
    assert counts == {ENERGY: 24, RESERVE: 24, EVENT: 16}
    assert {row.predecessors for row in found} == {(issued.id,)}
    assert {row.expected_price for row in found if row.product_id == ENERGY} == {Price.from_decimal(40)}
    assert all(row.reason for row in found)


async def test_a_catalogue_without_products_has_no_opportunities(chain: Chain) -> None:
    forecast(chain, [0.0] * 96)
    bare = service(chain, PastMarket(local_day(DAY, TEXAS).start), Catalogue([]))
    assert await bare.identify(DAY) == []
    assert bare.opportunities() == []


async def test_reserve_alone_is_valued_too(chain: Chain) -> None:
    forecast(chain, [0.0] * 96)
    only = Catalogue([CATALOGUE.at(RESERVE, DAY)])
    found = await service(chain, PastMarket(local_day(DAY, TEXAS).start), only).identify(DAY)
    assert {row.product_id for row in found} == {RESERVE}


async def test_without_a_price_history_nothing_is_valued(chain: Chain) -> None:
    forecast(chain, [0.0] * 96)
    with pytest.raises(NotReady, match="has published no prices of 'ercot-dam-energy'"):
        await service(chain, PastMarket(datetime(2021, 8, 1, tzinfo=UTC))).identify(DAY)


def test_quarter_hours_of_sun_become_hours(chain: Chain) -> None:
    issued = forecast(chain, [100.0, 200.0, 300.0, 400.0] + [0.0] * 92)
    hourly = pv_by_interval(issued, [DerId("pv"), DerId("no-pv")], CATALOGUE.at(ENERGY, DAY))
    assert hourly == [250.0] + [0.0] * 23


def test_an_event_may_be_called_in_its_local_window_only() -> None:
    window = event_window(CATALOGUE.at(EVENT, DAY), DAY)
    assert window[0].start == datetime(2021, 8, 12, 21, tzinfo=UTC)
    assert window[-1].end == datetime(2021, 8, 13, 1, tzinfo=UTC)


def test_a_product_without_a_window_may_be_called_all_day() -> None:
    assert len(event_window(CATALOGUE.at(ENERGY, DAY), DAY)) == 24
