"""Limits at which a cycle breaks even, and quantities that the market trades."""

from collections.abc import Callable, Sequence

import numpy as np
import pytest

from cloud.bidding.lp import solve
from cloud.bidding.offers import Quote, energy_quotes, reserve_quotes, storage_limits
from cloud.bidding.problem import PlanProblem
from cloud.chain.records import Side
from cloud.forecasting.fleet import StorageUnit
from cloud.markets.catalogue import ENERGY, RESERVE, load_catalogue
from vpp_core.money import Price

PRODUCTS = {product.id: product for product in load_catalogue()._products}
Units = Callable[..., StorageUnit]


def problem(
    units: Sequence[StorageUnit],
    prices: Sequence[float],
    pv_w: Sequence[float] | None = None,
    wear: float = 20.0,
) -> PlanProblem:
    none = np.zeros(len(prices))
    return PlanProblem(
        step_s=3_600,
        units=tuple(units),
        pv_w=none if pv_w is None else np.array(pv_w, dtype=np.float64),
        energy_price_per_mwh=np.array(prices, dtype=np.float64),
        reserve_price_per_mwh=none,
        reserve_sustain_s=900,
        wear_cost_per_mwh=wear,
    )


def quotes(asked: PlanProblem) -> list[Quote]:
    expected = [Price.from_decimal(str(price)) for price in asked.energy_price_per_mwh]
    return energy_quotes(PRODUCTS[ENERGY], asked, solve(asked), expected)


def test_a_sale_asks_for_the_purchase_given_back_losses_and_wear(unit: Units) -> None:
    asked = problem([unit(charge_efficiency=0.8, discharge_efficiency=0.8)], [32.0, 500.0])
    sale = quotes(asked)[-1]
    assert sale.side is Side.SELL
    assert sale.limit_price == Price.from_decimal("57.50")  # 32 less a quarter, / 0.64 + 20


def test_a_purchase_offers_what_buying_the_sale_back_costs_less_losses_and_wear(unit: Units) -> None:
    asked = problem([unit(charge_efficiency=0.8, discharge_efficiency=0.8)], [32.0, 500.0])
    purchase = quotes(asked)[0]
    assert purchase.side is Side.BUY
    assert purchase.limit_price == Price.from_decimal("387.20")  # (500 and a quarter - 20) * 0.64


def test_energy_that_is_refilled_cheaply_is_worth_no_more_than_that(unit: Units) -> None:
    two_cycles = problem([unit(energy_start_wh=0.0)], [40.0, 75.0, 10.0, 35.0], wear=1.0)
    limits = storage_limits(PRODUCTS[ENERGY], two_cycles, solve(two_cycles))
    assert limits.sell_per_mwh[3] == pytest.approx(11.0, abs=0.01)  # refilled at 10
    assert limits.sell_per_mwh[1] == pytest.approx(31.0, abs=0.01)  # bought at 40, given back at 30


def test_an_hour_that_is_mostly_sunshine_is_sold_at_any_price(unit: Units) -> None:
    assert quotes(problem([unit()], [30.0], [4_050.0])) == [
        Quote(step=0, side=Side.SELL, quantity_wh=4_000, limit_price=Price.from_decimal(-250))
    ]


def test_sunshine_is_charged_before_energy_is_bought(unit: Units) -> None:
    purchase = quotes(problem([unit()], [10.0, 90.0], [1_040.0, 0.0]))[0]
    assert (purchase.side, purchase.quantity_wh) == (Side.BUY, 3_900)


def test_less_than_a_market_step_is_not_offered(unit: Units) -> None:
    assert quotes(problem([unit()], [30.0, 30.0], [99.0, 0.0])) == []


def test_reserve_is_offered_at_what_holding_costs(unit: Units) -> None:
    asked = problem([unit(injection_w_max=4_960.0)], [30.0])
    with_reserve = PlanProblem(
        step_s=3_600,
        units=asked.units,
        pv_w=asked.pv_w,
        energy_price_per_mwh=asked.energy_price_per_mwh,
        reserve_price_per_mwh=np.array([5.0]),
        reserve_sustain_s=900,
        wear_cost_per_mwh=20.0,
    )
    cost = Price.from_decimal(1)
    assert reserve_quotes(PRODUCTS[RESERVE], solve(with_reserve), cost) == [
        Quote(step=0, side=Side.SELL, quantity_wh=4_900, limit_price=cost)
    ]


@pytest.mark.parametrize(
    ("price", "bought"),
    [
        pytest.param(9_500.0, Price.from_decimal(9_000), id="a limit above the market's cap is cut"),
        pytest.param(100.0, Price.from_decimal("105"), id="a limit inside stays"),
    ],
)
def test_limits_stay_within_what_the_market_admits(unit: Units, price: float, bought: Price) -> None:
    assert quotes(problem([unit()], [10.0, price]))[0].limit_price == bought
