"""Stage 3, the shell: expected prices from the market's past, one record for each product and interval."""

from collections.abc import Sequence
from datetime import date, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from cloud.chain.faults import NotReady
from cloud.chain.records import Book, Forecast, Opportunity
from cloud.chain.store import Chain
from cloud.forecasting.accuracy import expected_w
from cloud.forecasting.fleet import Readings, enrolled_sites, storage_units, taking_part
from cloud.markets.adapter import MarketAdapter
from cloud.markets.catalogue import Catalogue, Product, ProductKind
from cloud.markets.costs import FleetCosts
from cloud.markets.local_day import local_day
from cloud.opportunity.expected_price import PAST_DAYS, expected_prices
from cloud.opportunity.valuation import Valuation, value_energy, value_event, value_reserve
from vpp_core.ids import DerId
from vpp_core.interval import Interval
from vpp_core.money import Price


class OpportunityService:
    """Values what the catalogue offers against what the forecast says that the fleet can do.

    Args:
        chain: the chain of record.
        market: whose past prices are the expectation.
        catalogue: the products.
        readings: newest telemetry, for the stored energy.
        costs: what delivering costs.
        zone: the time zone of the delivery day.
    """

    def __init__(
        self,
        chain: Chain,
        market: MarketAdapter,
        catalogue: Catalogue,
        readings: Readings,
        *,
        costs: FleetCosts | None = None,
        zone: str = "America/Chicago",
    ) -> None:
        self._chain = chain
        self._market = market
        self._catalogue = catalogue
        self._readings = readings
        self._costs = costs or FleetCosts()
        self._zone = zone

    async def identify(self, day: date) -> list[Opportunity]:
        """One record for each product and interval of a local market day; appended to the chain.

        Raises:
            NotReady: the forecast of the day, or the market's price history, is missing.
            CounterpartyFault: the market did not answer.
        """
        forecast = self._chain.latest(Forecast, horizon=local_day(day, self._zone))
        if forecast is None:
            raise NotReady(f"No forecast of {day} has been issued; issue it first, then value the day.")
        sites = enrolled_sites(self._chain)
        now = self._chain.now()
        in_market, in_program = (taking_part(sites, book) for book in (Book.MARKET, Book.REGULATED))
        units = storage_units(in_market, self._readings, now)
        sold_w: dict[Interval, float] = {}
        valued: list[tuple[Product, list[Valuation]]] = []
        by_kind = {product.kind: product for product in self._catalogue.on(day)}
        if (energy := by_kind.get(ProductKind.ENERGY)) is not None:
            pv_w = pv_by_interval(forecast, [der.der_id for site in in_market for der in site.ders], energy)
            prices = await self._expected(energy, day)
            rows = value_energy(energy.intervals(day), prices, pv_w, units, self._costs)
            sold_w = {row.interval: row.storage_w for row in rows}
            valued.append((energy, rows))
        if (reserve := by_kind.get(ProductKind.RESERVE)) is not None:
            prices = await self._expected(reserve, day)
            valued.append(
                (
                    reserve,
                    value_reserve(
                        reserve,
                        list(zip(reserve.intervals(day), prices, strict=True)),
                        sold_w,
                        units,
                        self._costs,
                    ),
                )
            )
        if (event := by_kind.get(ProductKind.EVENT)) is not None:
            standing_by = storage_units(in_program, self._readings, now)
            window = event_window(event, day)
            valued.append((event, value_event(event, window, standing_by, len(in_program))))
        return [self._record(product, row, forecast) for product, values in valued for row in values]

    def opportunities(self) -> list[Opportunity]:
        return self._chain.of_kind(Opportunity)

    async def _expected(self, product: Product, day: date) -> list[Price]:
        past = Interval(
            local_day(day - timedelta(days=PAST_DAYS), product.zone).start, product.delivery_day(day).start
        )
        published = await self._market.prices(product.id, past)
        prices = expected_prices(product.intervals(day), published, day, product.zone)
        known = [price for price in prices if price is not None]
        if len(known) < len(prices):
            raise NotReady(
                f"The {self._market.name} has published no prices of '{product.id}' for every hour of the "
                f"{PAST_DAYS} days before {day}; choose a later day."
            )
        return known

    def _record(self, product: Product, row: Valuation, forecast: Forecast) -> Opportunity:
        return self._chain.append(
            Opportunity(
                id=self._chain.new_id(),
                at=self._chain.now(),
                predecessors=(forecast.id,),
                product_id=product.id,
                interval=row.interval,
                offerable_w=row.offerable_w,
                expected_price=row.expected_price,
                expected_value=row.expected_value,
                worthwhile=row.worthwhile,
                reason=row.reason,
            )
        )


def pv_by_interval(forecast: Forecast, ders: Sequence[DerId], product: Product) -> list[float]:
    """Expected mean injection of some devices' PV in each interval of a product (W)."""
    steps = int(forecast.horizon.duration_s) // forecast.step_s
    total_w = np.zeros(steps)
    for der_id in ders:
        if der_id in forecast.pv:
            total_w += np.array(expected_w(forecast.pv[der_id]))
    per_interval = product.interval_s // forecast.step_s
    return [float(power_w) for power_w in total_w.reshape(-1, per_interval).mean(axis=1)]


def event_window(product: Product, day: date) -> list[Interval]:
    """The intervals in which the counterparty may call; the whole day where no window is given."""
    zone = ZoneInfo(product.zone)

    def callable_at(interval: Interval) -> bool:
        clock_time = interval.start.astimezone(zone).time()
        begun = product.window_from is None or clock_time >= product.window_from
        return begun and (product.window_until is None or clock_time < product.window_until)

    return [interval for interval in product.intervals(day) if callable_at(interval)]
