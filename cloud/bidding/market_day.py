"""What a plan of one local market day starts from, and the form in which it is recorded."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple

import numpy as np

from cloud.bidding.position import price_array
from cloud.bidding.problem import FloatArray, PlanProblem, PlanSolution, Position
from cloud.chain.faults import NotReady
from cloud.chain.records import Book, DevicePlan, EnrolledSite, Forecast
from cloud.chain.store import Chain
from cloud.forecasting.fleet import Readings, enrolled_sites, storage_units, taking_part
from cloud.markets.catalogue import ENERGY, RESERVE, Catalogue, Product
from cloud.markets.costs import FleetCosts
from cloud.opportunity.service import pv_by_interval
from vpp_core.ids import DerId, SiteId
from vpp_core.interval import Interval
from vpp_core.money import Price


class DayPrices(NamedTuple):
    """One price of each product for each interval of the day, expected or cleared."""

    energy: Sequence[Price]
    reserve: Sequence[Price]


@dataclass(frozen=True, slots=True)
class MarketDay:
    """A local delivery day, the products in force, and the sites of the market book."""

    day: date
    energy: Product
    reserve: Product
    forecast: Forecast
    sites: list[EnrolledSite]

    @classmethod
    def load(cls, chain: Chain, catalogue: Catalogue, day: date) -> "MarketDay":
        """The day as the chain has it.

        Raises:
            NotReady: its forecast is missing.
        """
        energy, reserve = (catalogue.at(product_id, day) for product_id in (ENERGY, RESERVE))
        forecast = chain.latest(Forecast, horizon=energy.delivery_day(day))
        if forecast is None:
            raise NotReady(f"No forecast of {day} has been issued; issue it first, then plan the day.")
        return cls(day, energy, reserve, forecast, taking_part(enrolled_sites(chain), Book.MARKET))

    @property
    def horizon(self) -> Interval:
        return self.energy.delivery_day(self.day)

    @property
    def intervals(self) -> list[Interval]:
        return self.energy.intervals(self.day)

    def problem(
        self,
        prices: DayPrices,
        costs: FleetCosts,
        readings: Readings,
        now: datetime,
        owed: Position | None = None,
    ) -> PlanProblem:
        """The planner's question; storage starts the day with what is measured now."""
        return PlanProblem(
            step_s=self.energy.interval_s,
            units=tuple(storage_units(self.sites, readings, now)),
            pv_w=np.array(pv_by_interval(self.forecast, [der_id for _, der_id in self._pv()], self.energy)),
            energy_price_per_mwh=price_array(prices.energy),
            reserve_price_per_mwh=price_array(prices.reserve),
            reserve_sustain_s=self.reserve.sustain_s,
            wear_cost_per_mwh=float(costs.wear.to_decimal()),
            position=owed,
        )

    def device_plans(self, problem: PlanProblem, solution: PlanSolution) -> tuple[DevicePlan, ...]:
        """Batteries as planned, then PV as forecast (taken as it comes: not a setpoint)."""
        batteries = [
            DevicePlan(
                der_id=unit.der_id,
                site_id=unit.site_id,
                setpoint_w=_tuple(solution.setpoint_w[row]),
                energy_wh=_tuple(solution.energy_wh[row]),
                reserve_w=_tuple(solution.reserve_w[row]),
            )
            for row, unit in enumerate(problem.units)
        ]
        none = (0.0,) * problem.steps
        sun = [
            DevicePlan(
                der_id=der_id,
                site_id=site_id,
                setpoint_w=tuple(pv_by_interval(self.forecast, [der_id], self.energy)),
                energy_wh=none,
                reserve_w=none,
            )
            for site_id, der_id in self._pv()
        ]
        return (*batteries, *sun)

    def _pv(self) -> list[tuple[SiteId, DerId]]:
        return [
            (site.site_id, der.der_id)
            for site in self.sites
            for der in site.ders
            if der.der_id in self.forecast.pv
        ]


def _tuple(values: FloatArray) -> tuple[float, ...]:
    return tuple(values.tolist())
