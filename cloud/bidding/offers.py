"""From a plan to priced quantities: whole market steps that the devices can deliver. Pure.

One net offer for each product and interval, so that one award is one commitment. Storage trades only as
long as its cycle does not lose:

* discharge is sold at no less than what keeping the energy saves, with losses and wear: the marginal value
  of stored energy (the dual of the plan), or the plan's dearest purchase given back, where that is less;
* charge is bought at no more than what the energy brings, less losses and wear: its marginal value, or
  the plan's cheapest sale bought back, where that is more.

The dual alone is one point of a range in which the value may lie without another plan; a limit inside
the range would reject hours by chance and leave the storage unbalanced. So the range's ends are taken, and
widened by what undoing the other leg costs: it settles at the deviation price. No limit is tighter than the
expected price: a market that clears as expected accepts the whole plan. PV runs whatever the price: an hour
that is mostly PV is sold at the lowest limit.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import msgspec
import numpy as np

from cloud.bidding.problem import FloatArray, PlanProblem, PlanSolution
from cloud.chain.records import Side
from cloud.markets.catalogue import Product
from vpp_core.money import MICROS_PER_CENT, MICROS_PER_UNIT, Price

STEP_TOLERANCE = 1e-6
MOVING_W = 1.0
"""Below this a battery counts as idle."""


class Quote(msgspec.Struct, frozen=True, kw_only=True):
    """One offer before it has an id; ``step`` is the delivery interval's number in the day."""

    step: int
    side: Side
    quantity_wh: int
    limit_price: Price


class Limits(NamedTuple):
    """For each step, the price below which storage is not discharged and above which not charged."""

    sell_per_mwh: FloatArray
    buy_per_mwh: FloatArray


def storage_limits(product: Product, problem: PlanProblem, solution: PlanSolution) -> Limits:
    """The break-even prices of the fleet's storage in each step, before the expected price is minded."""
    steps = problem.steps
    penalty = float(product.deviation_penalty) * np.abs(problem.energy_price_per_mwh)
    given_back, bought_back = problem.energy_price_per_mwh - penalty, problem.energy_price_per_mwh + penalty
    sell, buy = np.full(steps, -np.inf), np.full(steps, np.inf)
    for unit, setpoint_w, value in zip(
        problem.units, solution.setpoint_w, solution.energy_value_per_mwh, strict=True
    ):
        charging, discharging = setpoint_w < -MOVING_W, setpoint_w > MOVING_W
        cycle = unit.charge_efficiency * unit.discharge_efficiency
        worth_low = value / unit.discharge_efficiency
        worth_high = value * unit.charge_efficiency
        if charging.any():
            worth_low = np.minimum(worth_low, given_back[charging].max() / cycle)
        if discharging.any():
            resale = (bought_back[discharging].min() - problem.wear_cost_per_mwh) * cycle
            worth_high = np.maximum(worth_high, resale)
        sell = np.where(discharging, np.maximum(sell, worth_low + problem.wear_cost_per_mwh), sell)
        buy = np.where(charging, np.minimum(buy, worth_high), buy)
    return Limits(sell, buy)


def energy_quotes(
    product: Product, problem: PlanProblem, solution: PlanSolution, expected: Sequence[Price]
) -> list[Quote]:
    """Offers that sell or buy the plan's net energy, in order of step.

    Args:
        product: gives the market's quantity step and limits.
        problem: what was planned.
        solution: the plan.
        expected: the expected price of each step, as exact as it was recorded.
    """
    limits = storage_limits(product, problem, solution)
    storage_wh = solution.setpoint_w.sum(axis=0) * problem.step_h
    pv_wh = problem.pv_w * problem.step_h
    absorption_wh = sum(unit.absorption_w_max for unit in problem.units) * problem.step_h
    quotes: list[Quote] = []
    for step in range(problem.steps):
        net_wh = _down(pv_wh[step] + storage_wh[step], product)
        if net_wh >= 0:
            limit = _bounded(-np.inf, product, up=True)
            if storage_wh[step] > pv_wh[step]:
                limit = _sell_limit(limits.sell_per_mwh[step], expected[step], product)
            quotes += _quote(step, Side.SELL, net_wh, limit, product)
        else:
            limit = _buy_limit(limits.buy_per_mwh[step], expected[step], product)
            room_wh = _down(absorption_wh - pv_wh[step], product)
            bought_wh = min(-net_wh, room_wh)
            quotes += _quote(step, Side.BUY, bought_wh, limit, product)
    return quotes


def reserve_quotes(product: Product, solution: PlanSolution, cost: Price) -> list[Quote]:
    """Offers of the reserve that the devices hold, at what holding it costs."""
    held_w = solution.reserve_w.sum(axis=0)
    return [
        quote
        for step, power_w in enumerate(held_w)
        for quote in _quote(step, Side.SELL, _down(power_w, product), cost, product)
    ]


def _quote(step: int, side: Side, quantity_wh: int, limit: Price, product: Product) -> list[Quote]:
    if quantity_wh < product.quantity_min_wh:
        return []
    return [Quote(step=step, side=side, quantity_wh=quantity_wh, limit_price=limit)]


def _down(quantity_wh: float, product: Product) -> int:
    """The next whole market step below: less is sold, and enough is bought."""
    return math.floor(quantity_wh / product.quantity_step_wh + STEP_TOLERANCE) * product.quantity_step_wh


def _sell_limit(limit_per_mwh: float, expected: Price, product: Product) -> Price:
    return min(_bounded(limit_per_mwh, product, up=True), _cents(expected, up=False))


def _buy_limit(limit_per_mwh: float, expected: Price, product: Product) -> Price:
    return max(_bounded(limit_per_mwh, product, up=False), _cents(expected, up=True))


def _bounded(limit_per_mwh: float, product: Product, *, up: bool) -> Price:
    """A limit in whole cents within what the market admits."""
    low, high = (Price.from_decimal(limit) for limit in (product.limit_price_min, product.limit_price_max))
    if limit_per_mwh <= float(product.limit_price_min):
        return low
    if limit_per_mwh >= float(product.limit_price_max):
        return high
    return _cents(Price(round(limit_per_mwh * MICROS_PER_UNIT)), up=up)


def _cents(price: Price, *, up: bool) -> Price:
    cents = price.micros_per_mwh // MICROS_PER_CENT
    if up and price.micros_per_mwh % MICROS_PER_CENT:
        cents += 1
    return Price(cents * MICROS_PER_CENT, price.currency)
