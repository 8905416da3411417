"""The split of a setpoint, and the optimal plan of a day."""

from collections.abc import Callable
from datetime import UTC, datetime
from time import perf_counter
from typing import Any

import numpy as np
import pytest
from scipy.optimize import linprog

from cloud.bidding.lp import solve
from cloud.bidding.problem import PlanProblem
from cloud.dispatch.split import Array, split
from cloud.forecasting.fleet import StorageUnit
from simulators.data.extracts import day_ahead_prices
from simulators.fleet import make_fleet
from tests.benchmarks.measuring import compare, paired, timed
from tests.benchmarks.table import Table
from vpp_core.ids import DerId, SiteId

GROUP = "Planning and dispatch"
DEVICES = 100_000
MIDNIGHT = datetime(2021, 8, 12, 5, tzinfo=UTC)
HOURS = 24
RESERVE_SHARE = 0.3
"""Of the energy price: the demo's synthetic contract price of reserve."""
OWNER_FRACTION = 0.2


LIMIT_W = np.random.default_rng(1).uniform(0.0, 10_000.0, DEVICES)
WEIGHT = np.random.default_rng(2).uniform(1.0, 10.0, DEVICES)


@pytest.mark.parametrize(
    ("weight", "name"),
    [
        pytest.param(None, "in proportion to headroom", id="by headroom"),
        pytest.param(WEIGHT, "by weight, water-filling", id="by weight"),
    ],
)
def test_a_setpoint_is_split_over_a_hundred_thousand_devices(
    table: Table, weight: Array | None, name: str
) -> None:
    target_w = 0.37 * float(LIMIT_W.sum())
    assert float(split(target_w, LIMIT_W, weight).share_w.sum()) == pytest.approx(target_w, rel=1e-12)
    measured = compare(lambda: split(target_w, LIMIT_W, weight), LIMIT_W.copy, rounds=200)
    table.group(GROUP).add(
        f"split a setpoint over {DEVICES:,} devices, {name} (bar: 5 ms)", measured, "NumPy copy of the limits"
    )
    assert measured.ratio < 1_000.0


def problem(batteries: int) -> PlanProblem:
    """One day of ERCOT's day-ahead prices (2021-08-12), energy and reserve, for batteries of the fleet."""
    prices = [float(each.usd_per_mwh) for each in day_ahead_prices() if each.interval.start >= MIDNIGHT]
    energy = np.array(prices[:HOURS], dtype=np.float64)
    homes = make_fleet(batteries)
    units = tuple(
        StorageUnit(
            der_id=DerId(f"{home.site_id}.battery"),
            site_id=SiteId(home.site_id),
            injection_w_max=float(home.battery.power_w_max),
            absorption_w_max=float(home.battery.power_w_max),
            energy_wh_min=OWNER_FRACTION * home.battery.energy_capacity_wh,
            energy_wh_max=home.battery.energy_capacity_wh,
            energy_start_wh=0.5 * home.battery.energy_capacity_wh,
            charge_efficiency=home.battery.charge_efficiency,
            discharge_efficiency=home.battery.discharge_efficiency,
        )
        for home in homes
    )
    return PlanProblem(
        step_s=3_600,
        units=units,
        pv_w=np.zeros(HOURS),
        energy_price_per_mwh=energy,
        reserve_price_per_mwh=np.clip(RESERVE_SHARE * energy, 4.0, 60.0),
        reserve_sustain_s=900,
        wear_cost_per_mwh=20.0,
    )


class Stopwatch:
    """Stands in for the solver: calls it, and adds up how long it took."""

    def __init__(self, solver: Callable[..., Any]) -> None:
        self._solver = solver
        self.spent_s = 0.0

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        start_s = perf_counter()
        try:
            return self._solver(*arguments, **options)
        finally:
            self.spent_s += perf_counter() - start_s


@pytest.mark.parametrize(
    ("batteries", "rounds", "name"),
    [(1, 100, "1 battery"), (6, 50, "6 batteries"), (100, 5, "100 batteries")],
)
def test_the_optimal_plan_of_a_day(
    table: Table, monkeypatch: pytest.MonkeyPatch, batteries: int, rounds: int, name: str
) -> None:
    asked = problem(batteries)
    assert solve(asked).setpoint_w.shape == (batteries, HOURS)
    pairs = []
    for _ in range(rounds):
        highs = Stopwatch(linprog)
        monkeypatch.setattr("cloud.bidding.lp.linprog", highs)
        pairs.append((timed(lambda: solve(asked)), highs.spent_s))
    measured = paired(pairs)
    group = table.group(GROUP)
    group.add(
        f"optimal day of {name}, {HOURS} steps, energy and reserve",
        measured,
        "HiGHS inside it (`scipy.optimize.linprog`)",
    )
    if batteries == 1:
        group.note(
            f"The design's bar for the day of one battery is 1 ms. This linear programme takes "
            f"{1_000 * measured.ours.p50_s:.1f} ms; the dynamic programme for the bar is not built yet."
        )
    assert measured.ratio < 10.0
