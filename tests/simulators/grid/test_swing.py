"""The swing equation against what theory and scipy say about it.

Source: P. Kundur, Power System Stability and Control (1994), 11.1.1: steady state -dP / (D + 1 / R); the
definition of H: initial rate of change of frequency dP f0 / (2 H).
"""

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from numpy.typing import NDArray
from scipy.integrate import solve_ivp

from simulators.grid.swing import DEVIATION_PU_MAX, HISTORY_STEPS, STEP_S, STEPS_MAX, Area, SwingGrid
from vpp_core.faults import ConfigurationFault

T_S = 1_628_700_000.0
MW = 1e6
STIFF = Area(headroom_pu=1.0)

AREAS = [
    pytest.param(STIFF, id="thermal-without-reheat"),
    pytest.param(Area(reheat_s=7.0, headroom_pu=1.0), id="thermal-with-reheat"),
    pytest.param(Area(inertia_s=2.0, damping_pu=2.0, droop_pu=0.04, headroom_pu=1.0), id="light"),
    pytest.param(Area(nominal_hz=50.0, base_mw=25_000.0, inertia_s=6.0, headroom_pu=1.0), id="50-hz"),
]


def trajectory_hz(grid: SwingGrid, duration_s: float, every_s: float = 0.05) -> list[float]:
    count = round(duration_s / every_s)
    return [grid.frequency_hz(T_S + number * every_s) for number in range(count + 1)]


def nadir_hz(area: Area, lost_mw: float, support: Callable[[float], float]) -> float:
    """The lowest frequency of 20 s after a loss, with a fleet whose power (W) follows frequency."""
    grid = SwingGrid(area, T_S)
    grid.disturb(T_S, lost_mw)
    lowest_hz = area.nominal_hz
    for number in range(1, 401):
        grid.advance(T_S + number * 0.05, support(grid.frequency_hz(grid.now_s)))
        lowest_hz = min(lowest_hz, grid.frequency_hz(grid.now_s))
    return lowest_hz


@pytest.mark.parametrize("area", AREAS)
def test_an_area_in_balance_stays_at_nominal_frequency(area: Area) -> None:
    grid = SwingGrid(area, T_S)
    grid.advance(T_S + 30.0)
    assert set(trajectory_hz(grid, 30.0)) == {area.nominal_hz}


@pytest.mark.parametrize("lost_pu", [0.05, 0.01, -0.03], ids=["loss", "small-loss", "load-that-goes"])
@pytest.mark.parametrize("area", AREAS)
def test_frequency_settles_where_damping_and_droop_carry_the_loss(area: Area, lost_pu: float) -> None:
    grid = SwingGrid(area, T_S)
    grid.disturb(T_S + 1.0, lost_pu * area.base_mw)
    for minute in range(1, 6):
        grid.advance(T_S + 60.0 * minute)
    expected_hz = area.nominal_hz * (1.0 - lost_pu / (area.damping_pu + 1.0 / area.droop_pu))
    assert grid.frequency_hz(grid.now_s) == pytest.approx(expected_hz, abs=1e-6)


@pytest.mark.parametrize("inertia_s", [2.0, 4.0, 8.0])
def test_frequency_first_falls_as_inertia_alone_lets_it(inertia_s: float) -> None:
    grid = SwingGrid(Area(inertia_s=inertia_s), T_S)
    grid.disturb(T_S + 1.0, 50.0)
    grid.advance(T_S + 1.0 + 2 * STEP_S)
    first_hz_per_s = (grid.frequency_hz(T_S + 1.0 + STEP_S) - 60.0) / STEP_S
    assert first_hz_per_s == pytest.approx(-0.05 * 60.0 / (2.0 * inertia_s), rel=0.01)
    assert grid.rocof_hz_per_s(STEP_S) == pytest.approx(first_hz_per_s, rel=0.02)


@pytest.mark.parametrize("area", AREAS)
def test_the_trajectory_is_that_of_scipy(area: Area) -> None:
    """Oracle: ``scipy.integrate.solve_ivp`` (DOP853, rtol 1e-10) of the same equations, written out again."""
    lost_pu, share = 0.05, area.high_pressure_share

    def slopes(_: float, state: NDArray[np.float64]) -> list[float]:
        speed, governor, chest, reheater = state
        mechanical = share * chest + (1 - share) * reheater if area.reheat_s else chest
        return [
            (mechanical - lost_pu - area.damping_pu * speed) / (2 * area.inertia_s),
            (-speed / area.droop_pu - governor) / area.governor_s,
            (governor - chest) / area.turbine_s,
            (chest - reheater) / area.reheat_s if area.reheat_s else 0.0,
        ]

    at_s = np.arange(0.0, 40.0, 0.05)
    truth = solve_ivp(slopes, (0.0, 40.0), [0.0] * 4, "DOP853", at_s, rtol=1e-10, atol=1e-12)
    grid = SwingGrid(area, T_S)
    grid.disturb(T_S, lost_pu * area.base_mw)
    grid.advance(T_S + 40.0)
    ours_hz = np.array([grid.frequency_hz(T_S + each_s) for each_s in at_s])
    assert np.abs(ours_hz - area.nominal_hz * (1 + truth.y[0])).max() < 1e-5


def test_what_the_fleet_does_counts_as_much_as_what_the_area_lost() -> None:
    lost, absorbed = SwingGrid(STIFF, T_S), SwingGrid(STIFF, T_S, scheduled_w=1.0 * MW)
    lost.disturb(T_S, 30.0)
    lost.advance(T_S + 20.0)
    absorbed.advance(T_S + 20.0, -29.0 * MW)
    assert trajectory_hz(absorbed, 20.0) == pytest.approx(trajectory_hz(lost, 20.0), abs=1e-9)


def test_a_fleet_stands_for_many() -> None:
    one, many = SwingGrid(STIFF, T_S), SwingGrid(Area(headroom_pu=1.0, fleet_scale=1_000.0), T_S)
    one.advance(T_S + 5.0, 10.0 * MW)
    many.advance(T_S + 5.0, 0.01 * MW)
    assert trajectory_hz(many, 5.0) == pytest.approx(trajectory_hz(one, 5.0), abs=1e-12)


def test_a_fleet_on_schedule_moves_nothing() -> None:
    grid = SwingGrid(STIFF, T_S, scheduled_w=3.0 * MW)
    grid.advance(T_S + 10.0, 3.0 * MW)
    assert grid.frequency_hz(grid.now_s) == 60.0


def test_redispatch_takes_a_lasting_deviation_into_the_schedule() -> None:
    grid = SwingGrid(Area(redispatch_s=60.0), T_S)
    for minute in range(1, 21):
        grid.advance(T_S + 60.0 * minute, 40.0 * MW)
    assert grid.scheduled_w == pytest.approx(40.0 * MW, rel=1e-6)
    assert grid.frequency_hz(grid.now_s) == pytest.approx(60.0, abs=1e-5)


def test_a_disturbance_ends_and_several_add_up() -> None:
    grid = SwingGrid(STIFF, T_S)
    grid.disturb(T_S + 10.0, 20.0, for_s=5.0)
    grid.disturb(T_S + 12.0, 7.0)
    assert [grid.lost_mw(T_S + at_s) for at_s in (9.9, 10.0, 12.0, 14.9, 15.0)] == [
        0.0,
        20.0,
        27.0,
        27.0,
        7.0,
    ]
    for minute in range(1, 4):
        grid.advance(T_S + 60.0 * minute)
    assert grid.frequency_hz(grid.now_s) == pytest.approx(60.0 * (1 - 0.007 / 21.0), abs=1e-6)


def test_without_headroom_only_the_load_carries_the_loss() -> None:
    grid = SwingGrid(Area(headroom_pu=0.0, damping_pu=2.0), T_S)
    grid.disturb(T_S, 10.0)
    for minute in range(1, 3):
        grid.advance(T_S + 60.0 * minute)
    assert grid.frequency_hz(grid.now_s) == pytest.approx(60.0 * (1 - 0.01 / 2.0), abs=1e-6)


def test_a_loss_beyond_all_measure_ends_at_a_bound() -> None:
    grid = SwingGrid(Area(headroom_pu=0.0, damping_pu=0.0), T_S)
    grid.disturb(T_S, 1_000.0)
    grid.advance(T_S + 60.0, -1e18)
    assert grid.frequency_hz(grid.now_s) == 60.0 * (1 - DEVIATION_PU_MAX)


def test_how_often_it_is_advanced_changes_nothing() -> None:
    grids = [SwingGrid(STIFF, T_S) for _ in range(2)]
    for grid in grids:
        grid.disturb(T_S + 0.5, 40.0)
    grids[0].advance(T_S + 6.0)
    for number in range(1, 501):
        grids[1].advance(T_S + 0.012 * number)
    assert trajectory_hz(grids[0], 6.0) == trajectory_hz(grids[1], 6.0)


def test_a_call_that_comes_too_late_is_bounded_and_counted() -> None:
    grid = SwingGrid(STIFF, T_S)
    grid.disturb(T_S + 3_000.0, 50.0)
    grid.advance(T_S + 3_600.0)
    assert grid.skipped_s == pytest.approx(3_600.0 - STEPS_MAX * STEP_S)
    assert grid.now_s == pytest.approx(T_S + 3_600.0)
    assert grid.frequency_hz(T_S + 3_600.0) == pytest.approx(60.0 * (1 - 0.05 / 21.0), abs=1e-4)
    assert grid.frequency_hz(T_S) == 60.0


def test_an_instant_that_is_past_changes_nothing() -> None:
    grid = SwingGrid(STIFF, T_S)
    grid.disturb(T_S, 50.0)
    grid.advance(T_S + 2.0)
    before_hz = trajectory_hz(grid, 2.0)
    grid.advance(T_S + 1.0, 1e9)
    assert trajectory_hz(grid, 2.0) == before_hz


def test_what_is_remembered_is_bounded() -> None:
    grid = SwingGrid(STIFF, T_S)
    grid.disturb(T_S, 50.0)
    for number in range(1, 9):
        grid.advance(T_S + 50.0 * number)
        assert len(grid._history_hz) <= 2 * HISTORY_STEPS + STEPS_MAX
    assert grid.frequency_hz(T_S + 399.0) == pytest.approx(60.0 * (1 - 0.05 / 21.0), abs=1e-6)
    assert math.isfinite(grid.frequency_hz(0.0))


@given(readings=some.lists(some.floats(T_S - 10.0, T_S + 30.0), max_size=20))
def test_reading_never_changes_it(readings: list[float]) -> None:
    grid = SwingGrid(STIFF, T_S)
    grid.disturb(T_S + 0.1, 40.0)
    grid.advance(T_S + 1.0)
    first_hz = [grid.frequency_hz(at_s) for at_s in readings]
    assert [grid.frequency_hz(at_s) for at_s in readings] == first_hz
    unread = SwingGrid(STIFF, T_S)
    unread.disturb(T_S + 0.1, 40.0)
    unread.advance(T_S + 1.0)
    for each in (grid, unread):
        each.advance(T_S + 1.5)
    assert trajectory_hz(grid, 1.5) == trajectory_hz(unread, 1.5)


@settings(max_examples=40, deadline=None)
@given(inertia_s=some.floats(1.0, 10.0), more=some.floats(1.05, 3.0), lost_mw=some.floats(5.0, 100.0))
def test_more_inertia_makes_frequency_fall_more_slowly(inertia_s: float, more: float, lost_mw: float) -> None:
    fall_hz = []
    for each_s in (inertia_s, inertia_s * more):
        grid = SwingGrid(Area(inertia_s=each_s), T_S)
        grid.disturb(T_S, lost_mw)
        grid.advance(T_S + 0.1)
        fall_hz.append(60.0 - grid.frequency_hz(grid.now_s))
    assert 0.0 < fall_hz[1] < fall_hz[0]


@settings(max_examples=20, deadline=None)
@given(
    w_per_hz=some.floats(0.0, 30.0 * MW),
    more_w_per_hz=some.floats(5.0 * MW, 60.0 * MW),
    lost_mw=some.floats(20.0, 100.0),
)
def test_more_support_from_the_fleet_makes_the_nadir_higher(
    w_per_hz: float, more_w_per_hz: float, lost_mw: float
) -> None:
    """A fleet with droop that follows every 50 ms."""
    little_hz = nadir_hz(Area(reheat_s=7.0), lost_mw, lambda hz: w_per_hz * (60.0 - hz))
    much_hz = nadir_hz(Area(reheat_s=7.0), lost_mw, lambda hz: (w_per_hz + more_w_per_hz) * (60.0 - hz))
    assert much_hz > little_hz


@pytest.mark.parametrize(
    "wrong",
    [
        {"inertia_s": 0.0},
        {"inertia_s": math.nan},
        {"droop_pu": 0.0},
        {"governor_s": 0.001},
        {"reheat_s": -1.0},
        {"base_mw": 0.0},
        {"nominal_hz": math.inf},
        {"fleet_scale": -1.0},
        {"redispatch_s": 0.0},
        {"redispatch_s": math.nan},
        {"high_pressure_share": 1.5},
    ],
    ids=str,
)
def test_an_area_that_cannot_be_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ConfigurationFault, match=next(iter(wrong))):
        Area(**wrong)


@pytest.mark.parametrize(
    ("at_s", "lost_mw", "for_s"),
    [(math.nan, 1.0, 1.0), (T_S, math.nan, 1.0), (T_S, 2_000.0, 1.0), (T_S, 1.0, 0.0), (T_S, 1.0, math.nan)],
)
def test_a_disturbance_that_cannot_be_is_refused(at_s: float, lost_mw: float, for_s: float) -> None:
    grid = SwingGrid(STIFF, T_S)
    with pytest.raises(ConfigurationFault):
        grid.disturb(at_s, lost_mw, for_s)
    assert grid.disturbances == ()


def test_past_disturbances_make_room_for_new_ones() -> None:
    grid = SwingGrid(STIFF, T_S)
    for number in range(1_000):
        grid.disturb(T_S + 0.001 * number, 0.001, for_s=0.01)
    with pytest.raises(ConfigurationFault, match="at once"):
        grid.disturb(T_S + 2.0, 1.0)
    grid.advance(T_S + 2.0)
    grid.disturb(T_S + 3.0, 1.0)
    assert len(grid.disturbances) == 1


def test_power_that_is_no_number_is_an_error_of_the_caller() -> None:
    with pytest.raises(ValueError, match="fleet_power_w"):
        SwingGrid(STIFF, T_S).advance(T_S + 1.0, math.nan)


def test_voltage_is_what_it_was_told() -> None:
    grid = SwingGrid(STIFF, T_S, voltage_pu=1.02)
    assert grid.voltage_pu(T_S) == 1.02
    assert grid.voltage_v(T_S) == pytest.approx(244.8)
