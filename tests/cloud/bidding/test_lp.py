"""The optimal plan against cases worked by hand and against a search over every plan on a grid."""

import itertools
from collections.abc import Callable, Sequence

import numpy as np
import pytest

from cloud.bidding.lp import PlanFault, solve
from cloud.bidding.problem import PlanProblem, PlanSolution, Position
from cloud.forecasting.fleet import StorageUnit

Units = Callable[..., StorageUnit]


def problem(
    units: Sequence[StorageUnit],
    energy: Sequence[float],
    reserve: Sequence[float] | None = None,
    *,
    wear: float = 0.0,
    position: Position | None = None,
) -> PlanProblem:
    prices = np.array(energy, dtype=np.float64)
    return PlanProblem(
        step_s=3_600,
        units=tuple(units),
        pv_w=np.zeros(len(prices)),
        energy_price_per_mwh=prices,
        reserve_price_per_mwh=np.zeros(len(prices))
        if reserve is None
        else np.array(reserve, dtype=np.float64),
        reserve_sustain_s=900,
        wear_cost_per_mwh=wear,
        position=position,
    )


def owed(energy_wh: Sequence[float], reserve_w: Sequence[float], price: float = 50.0) -> Position:
    steps = len(energy_wh)
    return Position(
        energy_wh=np.array(energy_wh, dtype=np.float64),
        reserve_w=np.array(reserve_w, dtype=np.float64),
        shortage_cost_per_mwh=np.full(steps, price),
        surplus_cost_per_mwh=np.zeros(steps),
        reserve_shortage_cost_per_mwh=1_000.0,
    )


def revenue(asked: PlanProblem, plan: PlanSolution) -> float:
    """USD: sales and reserve less wear."""
    discharged = plan.setpoint_w.clip(min=0.0).sum()
    sales = (plan.setpoint_w * asked.energy_price_per_mwh).sum()
    held = (plan.reserve_w * asked.reserve_price_per_mwh).sum()
    return float(sales + held - asked.wear_cost_per_mwh * discharged) / 1e6


def test_storage_buys_in_the_cheapest_hour_and_sells_in_the_dearest(unit: Units) -> None:
    plan = solve(problem([unit()], [12.0, 10.0, 20.0, 90.0]))
    assert plan.setpoint_w.tolist() == [[0.0, -5_000.0, 0.0, 5_000.0]]
    assert plan.energy_wh.tolist() == [[5_000.0, 10_000.0, 10_000.0, 5_000.0]]


def test_what_is_stored_may_be_sold_first_and_bought_back_later(unit: Units) -> None:
    plan = solve(problem([unit()], [90.0, 10.0]))
    assert plan.setpoint_w.tolist() == [[5_000.0, -5_000.0]]


@pytest.mark.parametrize(
    ("wear", "moves"),
    [
        pytest.param(29.0, "moves", id="a spread of 30 pays for wear of 29"),
        pytest.param(31.0, "rests", id="a spread of 30 does not pay for wear of 31"),
    ],
)
def test_storage_rests_when_the_spread_does_not_pay(unit: Units, wear: float, moves: str) -> None:
    plan = solve(problem([unit()], [50.0, 80.0], wear=wear))
    assert bool(plan.setpoint_w.any()) is (moves == "moves")


def test_losses_are_bought_too(unit: Units) -> None:
    plan = solve(problem([unit(charge_efficiency=0.8, discharge_efficiency=0.5)], [1.0, 1.0, 90.0]))
    discharged_wh = plan.setpoint_w[0, 2]
    assert discharged_wh == pytest.approx(2_500.0)
    assert -plan.setpoint_w[0, :2].sum() == pytest.approx(discharged_wh / 0.5 / 0.8)


def test_reserve_is_held_with_the_power_and_the_energy_of_the_device(unit: Units) -> None:
    idle = solve(problem([unit()], [50.0], [10.0]))
    nearly_empty = solve(problem([unit(energy_start_wh=500.0)], [50.0], [10.0]))
    assert idle.reserve_w.tolist() == [[5_000.0]]
    assert nearly_empty.reserve_w.tolist() == [[2_000.0]]


def test_one_batterys_energy_does_not_stand_behind_anothers_power(unit: Units) -> None:
    full_but_weak = unit("a", injection_w_max=100.0, absorption_w_max=100.0, energy_start_wh=10_000.0)
    strong_but_empty = unit("b", energy_start_wh=0.0)
    plan = solve(problem([full_but_weak, strong_but_empty], [50.0], [10.0]))
    assert plan.reserve_w.sum() == pytest.approx(100.0)


def test_energy_and_reserve_share_the_power_of_an_hour(unit: Units) -> None:
    plan = solve(problem([unit(energy_start_wh=9_000.0)], [0.0, 90.0, 0.0], [5.0, 5.0, 5.0]))
    assert plan.setpoint_w[0, 1] == pytest.approx(5_000.0)
    assert plan.reserve_w[0, 1] == pytest.approx(0.0)


@pytest.mark.parametrize(
    "prices",
    [
        pytest.param((30.0, 10.0, 90.0), id="one cycle"),
        pytest.param((90.0, 10.0, 60.0), id="sell first"),
        pytest.param((10.0, 80.0, 11.0), id="buy back"),
        pytest.param((-40.0, -10.0, 20.0), id="negative prices"),
        pytest.param((20.0, 20.0, 20.0), id="flat"),
    ],
)
@pytest.mark.parametrize("reserve", [0.0, 15.0], ids=["energy alone", "with reserve"])
def test_no_plan_on_a_grid_earns_more(unit: Units, prices: tuple[float, ...], reserve: float) -> None:
    battery = unit()
    asked = problem([battery], prices, [reserve] * 3, wear=5.0)
    best = max(
        _grid_revenue(battery, prices, reserve, setpoints)
        for setpoints in itertools.product(range(-5_000, 5_001, 1_250), repeat=3)
    )
    assert revenue(asked, solve(asked)) == pytest.approx(best, abs=1e-6)


def _grid_revenue(
    battery: StorageUnit, prices: Sequence[float], reserve: float, setpoints: Sequence[int]
) -> float:
    """USD earned by a schedule of a battery without losses, or minus infinity where it is impossible."""
    stored, total = battery.energy_start_wh, 0.0
    for price, setpoint in zip(prices, setpoints, strict=True):
        after = stored - setpoint
        if not 0.0 <= after <= battery.energy_wh_max:
            return -np.inf
        held = min(battery.injection_w_max - setpoint, 4.0 * min(stored, after))
        total += price * setpoint - 5.0 * max(setpoint, 0) + reserve * held
        stored = after
    return total / 1e6 if stored >= battery.energy_start_wh else -np.inf


def test_charging_and_discharging_at_once_is_no_plan(unit: Units) -> None:
    lossy = unit(charge_efficiency=0.7, discharge_efficiency=0.7, energy_start_wh=10_000.0)
    plan = solve(problem([lossy], [-200.0, -100.0, -300.0], wear=1.0))
    change_wh = np.diff(np.concatenate([[10_000.0], plan.energy_wh[0]]))
    one_way = np.where(plan.setpoint_w[0] < 0, -0.7 * plan.setpoint_w[0], -plan.setpoint_w[0] / 0.7)
    np.testing.assert_allclose(change_wh, one_way, atol=0.01)
    assert plan.setpoint_w[0, 2] < 0.0


def test_a_start_below_the_owners_reserve_is_named_and_mended(unit: Units) -> None:
    plan = solve(
        problem([unit("bat-7", energy_start_wh=1_000.0, energy_wh_min=3_000.0)], [90.0] * 3, [20.0] * 3)
    )
    assert plan.relaxed == ("bat-7 starts outside its owner's range and returns at half power",)
    assert plan.energy_wh[0, 0] >= 3_000.0 - 1e-6
    assert plan.reserve_w[0, 0] == 0.0


def test_below_the_owners_reserve_nothing_is_discharged(unit: Units) -> None:
    low = unit(energy_start_wh=100.0, energy_wh_min=9_000.0)
    plan = solve(problem([low], [10.0, 90.0, 90.0, 90.0]))
    below = np.concatenate([[100.0], plan.energy_wh[0]])[:-1] < 9_000.0
    assert (plan.setpoint_w[0][below] <= 0.0).all()


def test_a_start_above_the_owners_ceiling_comes_down(unit: Units) -> None:
    plan = solve(problem([unit(energy_start_wh=10_000.0, energy_wh_max=8_000.0)], [10.0, 90.0, 10.0]))
    assert len(plan.relaxed) == 1
    assert plan.energy_wh[0, -1] <= 8_000.0 + 1e-6


def test_an_end_out_of_reach_is_named(unit: Units) -> None:
    stuck = unit("bat-3", energy_start_wh=8_000.0, energy_wh_max=8_000.0, absorption_w_max=0.0)
    forced = problem([stuck], [10.0], position=owed([5_000.0], [0.0], price=99_000.0))
    plan = solve(forced)
    assert plan.relaxed == ("bat-3 ends the day 5000 Wh short",)


def test_a_position_is_kept_where_it_can_be(unit: Units) -> None:
    asked = problem(
        [unit("a"), unit("b")], [50.0] * 3, position=owed([-4_000.0, 6_000.0, -2_000.0], [2_000.0] * 3)
    )
    plan = solve(asked)
    np.testing.assert_allclose(plan.setpoint_w.sum(axis=0), [-4_000.0, 6_000.0, -2_000.0], atol=1e-3)
    np.testing.assert_allclose(plan.reserve_w.sum(axis=0), [2_000.0] * 3, atol=1e-3)
    assert plan.relaxed == ()


def test_a_position_beyond_the_fleet_is_missed_at_its_price_and_named(unit: Units) -> None:
    plan = solve(problem([unit()], [50.0, 50.0], position=owed([9_000.0, -9_000.0], [0.0, 0.0])))
    assert plan.setpoint_w.tolist() == [[5_000.0, -5_000.0]]
    assert plan.relaxed == (
        "energy above the position in step 1: 4000 Wh",
        "energy below the position in step 0: 4000 Wh",
    )


def test_reserve_sold_outranks_energy_sold(unit: Units) -> None:
    plan = solve(problem([unit()], [50.0, 50.0], position=owed([5_000.0, -5_000.0], [3_000.0, 0.0])))
    assert plan.reserve_w[0, 0] == pytest.approx(3_000.0)
    assert plan.setpoint_w[0, 0] == pytest.approx(2_000.0)


def test_sunshine_counts_towards_the_position(unit: Units) -> None:
    asked = problem([unit()], [50.0], position=owed([3_000.0], [0.0]))
    sunny = PlanProblem(
        step_s=3_600,
        units=asked.units,
        pv_w=np.array([3_000.0]),
        energy_price_per_mwh=asked.energy_price_per_mwh,
        reserve_price_per_mwh=asked.reserve_price_per_mwh,
        reserve_sustain_s=900,
        wear_cost_per_mwh=0.0,
        position=asked.position,
    )
    assert solve(sunny).setpoint_w.tolist() == [[0.0]]


def test_the_costliest_limit_is_named_first(unit: Units) -> None:
    plan = solve(problem([unit("bat-1", energy_wh_max=6_000.0)], [10.0, 90.0]))
    assert plan.binding[:2] == (
        "stored energy of bat-1 at the end of the day",
        "owner's ceiling of stored energy of bat-1",
    )


def test_a_fleet_without_batteries_has_an_empty_plan() -> None:
    plan = solve(problem([], [10.0, 20.0]))
    assert plan.setpoint_w.shape == (0, 2)
    assert plan.binding == ()


def test_ratings_that_contradict_each_other_are_a_fault(unit: Units) -> None:
    with pytest.raises(PlanFault, match="No plan was found"):
        solve(
            problem([unit(energy_wh_min=9_000.0, energy_wh_max=1_000.0, energy_start_wh=9_000.0)], [10.0] * 6)
        )


@pytest.mark.parametrize("price", [np.nan, np.inf])
def test_a_price_that_is_no_number_is_refused(unit: Units, price: float) -> None:
    with pytest.raises(ValueError, match="finite"):
        problem([unit()], [10.0, price])


def test_series_of_different_length_are_refused(unit: Units) -> None:
    with pytest.raises(ValueError, match="equal length"):
        problem([unit()], [10.0, 20.0], [1.0])
