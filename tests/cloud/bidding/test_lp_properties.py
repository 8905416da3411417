"""What holds for every plan: limits, energy balance, deliverable reserve, the same answer twice."""

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cloud.bidding.lp import solve
from cloud.bidding.offers import energy_quotes
from cloud.bidding.problem import PlanProblem, Position
from cloud.chain.records import Side
from cloud.forecasting.fleet import StorageUnit
from cloud.markets.catalogue import ENERGY, load_catalogue
from vpp_core.ids import DerId, SiteId
from vpp_core.money import Price

TOLERANCE = 0.01
"""W or Wh: plans are rounded to thousandths."""
SUSTAIN_H = 0.25
STEPS = 6
PRODUCT = {product.id: product for product in load_catalogue()._products}[ENERGY]

few = settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@st.composite
def storage(draw: st.DrawFn, name: str) -> StorageUnit:
    capacity_wh = draw(st.integers(2_000, 20_000))
    floor, ceiling = draw(st.floats(0.0, 0.4)), draw(st.floats(0.6, 1.0))
    return StorageUnit(
        der_id=DerId(name),
        site_id=SiteId("site"),
        injection_w_max=float(draw(st.integers(500, 10_000))),
        absorption_w_max=float(draw(st.integers(500, 10_000))),
        energy_wh_min=floor * capacity_wh,
        energy_wh_max=ceiling * capacity_wh,
        energy_start_wh=draw(st.floats(0.0, 1.0)) * capacity_wh,
        charge_efficiency=draw(st.floats(0.7, 1.0)),
        discharge_efficiency=draw(st.floats(0.7, 1.0)),
    )


def series(low: int, high: int) -> st.SearchStrategy[np.ndarray[tuple[int], np.dtype[np.float64]]]:
    numbers = st.lists(st.integers(low, high), min_size=STEPS, max_size=STEPS)
    return numbers.map(lambda values: np.array(values, dtype=np.float64))


@st.composite
def problems(draw: st.DrawFn, *, sold: bool | None = None) -> PlanProblem:
    position = None
    if sold or (sold is None and draw(st.booleans())):
        position = Position(
            energy_wh=draw(series(-9_000, 9_000)),
            reserve_w=draw(series(0, 9_000)),
            shortage_cost_per_mwh=draw(series(0, 200)),
            surplus_cost_per_mwh=draw(series(0, 50)),
            reserve_shortage_cost_per_mwh=1_000.0,
        )
    return PlanProblem(
        step_s=3_600,
        units=tuple(draw(storage(f"bat-{number}")) for number in range(draw(st.integers(1, 3)))),
        pv_w=draw(series(0, 5_000)),
        energy_price_per_mwh=draw(series(-100, 300)),
        reserve_price_per_mwh=draw(series(0, 60)),
        reserve_sustain_s=900,
        wear_cost_per_mwh=float(draw(st.integers(0, 40))),
        position=position,
    )


@few
@given(problems())
def test_every_plan_can_be_executed_by_every_device(asked: PlanProblem) -> None:
    plan = solve(asked)
    for row, unit in enumerate(asked.units):
        setpoint_w, energy_wh, reserve_w = plan.setpoint_w[row], plan.energy_wh[row], plan.reserve_w[row]
        assert (setpoint_w <= unit.injection_w_max + TOLERANCE).all()
        assert (setpoint_w >= -unit.absorption_w_max - TOLERANCE).all()
        before_wh = np.concatenate([[unit.energy_start_wh], energy_wh[:-1]])
        charged_wh = np.where(
            setpoint_w < 0, -setpoint_w * unit.charge_efficiency, -setpoint_w / unit.discharge_efficiency
        )
        np.testing.assert_allclose(energy_wh, before_wh + charged_wh, atol=TOLERANCE)
        assert (energy_wh >= min(unit.energy_wh_min, unit.energy_start_wh) - TOLERANCE).all()
        assert (energy_wh <= max(unit.energy_wh_max, unit.energy_start_wh) + TOLERANCE).all()
        assert (reserve_w >= 0.0).all()


@few
@given(problems())
def test_reserve_is_deliverable_by_the_device_that_holds_it(asked: PlanProblem) -> None:
    plan = solve(asked)
    for row, unit in enumerate(asked.units):
        setpoint_w, energy_wh, reserve_w = plan.setpoint_w[row], plan.energy_wh[row], plan.reserve_w[row]
        assert (setpoint_w + reserve_w <= unit.injection_w_max + TOLERANCE).all()
        least_wh = np.minimum(energy_wh, np.concatenate([[unit.energy_start_wh], energy_wh[:-1]]))
        spare_wh = np.maximum(least_wh - unit.energy_wh_min, 0.0)
        assert (reserve_w * SUSTAIN_H / unit.discharge_efficiency <= spare_wh + TOLERANCE).all()


@few
@given(problems())
def test_an_owners_reserve_is_never_sold(asked: PlanProblem) -> None:
    plan = solve(asked)
    for row, unit in enumerate(asked.units):
        after_wh = plan.energy_wh[row]
        discharging = plan.setpoint_w[row] > TOLERANCE
        assert (after_wh[discharging] >= unit.energy_wh_min - TOLERANCE).all()


@few
@given(problems(sold=False))
def test_the_day_ends_as_full_as_it_began(asked: PlanProblem) -> None:
    plan = solve(asked)
    for row, unit in enumerate(asked.units):
        assert plan.energy_wh[row, -1] >= min(unit.energy_start_wh, unit.energy_wh_max) - TOLERANCE


@few
@given(problems())
def test_the_same_problem_has_the_same_plan(asked: PlanProblem) -> None:
    one, two = solve(asked), solve(asked)
    np.testing.assert_array_equal(one.setpoint_w, two.setpoint_w)
    np.testing.assert_array_equal(one.reserve_w, two.reserve_w)
    assert one.binding == two.binding
    assert one.relaxed == two.relaxed


@few
@given(problems(sold=False), st.integers(0, STEPS - 1), st.integers(1, 100))
def test_a_dearer_hour_is_never_sold_less(asked: PlanProblem, step: int, rise: int) -> None:
    dearer = asked.energy_price_per_mwh.copy()
    dearer[step] += rise
    raised = PlanProblem(
        step_s=asked.step_s,
        units=asked.units,
        pv_w=asked.pv_w,
        energy_price_per_mwh=dearer,
        reserve_price_per_mwh=asked.reserve_price_per_mwh,
        reserve_sustain_s=asked.reserve_sustain_s,
        wear_cost_per_mwh=asked.wear_cost_per_mwh,
    )
    before, after = solve(asked), solve(raised)
    assert after.setpoint_w.sum(axis=0)[step] >= before.setpoint_w.sum(axis=0)[step] - 1.0


@few
@given(problems(sold=False))
def test_offers_are_whole_steps_that_accept_the_expected_price(asked: PlanProblem) -> None:
    plan = solve(asked)
    expected = [Price.from_decimal(int(price)) for price in asked.energy_price_per_mwh]
    net_wh = plan.setpoint_w.sum(axis=0) + asked.pv_w
    quotes = energy_quotes(PRODUCT, asked, plan, expected)
    assert len({quote.step for quote in quotes}) == len(quotes)
    for quote in quotes:
        signed_wh = quote.quantity_wh if quote.side is Side.SELL else -quote.quantity_wh
        assert quote.quantity_wh > 0
        assert quote.quantity_wh % PRODUCT.quantity_step_wh == 0
        assert abs(signed_wh - net_wh[quote.step]) < PRODUCT.quantity_step_wh + TOLERANCE
        if quote.side is Side.SELL:
            assert quote.limit_price <= expected[quote.step]
            assert quote.quantity_wh <= net_wh[quote.step] + TOLERANCE
        else:
            assert quote.limit_price >= expected[quote.step]
            absorption_w = sum(unit.absorption_w_max for unit in asked.units)
            assert quote.quantity_wh <= absorption_w - asked.pv_w[quote.step] + TOLERANCE
