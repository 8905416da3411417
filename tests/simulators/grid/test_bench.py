"""A bench's source goes exactly where it is told, and forgets in bounds."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as some

from simulators.grid.bench import MOVES_MAX, BenchGrid
from simulators.grid.script import GridScript
from vpp_core.faults import ConfigurationFault

T_S = 1_628_700_000.0


def test_it_is_nominal_until_it_is_told() -> None:
    grid = BenchGrid(50.0, 230.0)
    assert (grid.frequency_hz(0.0), grid.voltage_pu(T_S), grid.voltage_v(T_S)) == (50.0, 1.0, 230.0)


def test_a_step_counts_from_its_own_instant() -> None:
    grid = BenchGrid()
    grid.apply(T_S, frequency_hz=59.5)
    assert grid.frequency_hz(T_S - 1e-3) == 60.0
    assert grid.frequency_hz(T_S) == 59.5
    assert grid.frequency_hz(T_S + 1e6) == 59.5


@pytest.mark.parametrize(
    ("after_s", "expected_pu"), [(-1.0, 1.0), (0.0, 1.0), (1.0, 0.95), (4.0, 0.8), (9.0, 0.8)]
)
def test_a_ramp_is_a_straight_line_and_then_a_hold(after_s: float, expected_pu: float) -> None:
    grid = BenchGrid()
    grid.apply(T_S, voltage_pu=0.8, ramp_s=4.0)
    assert grid.voltage_pu(T_S + after_s) == pytest.approx(expected_pu, abs=1e-6)


def test_a_ramp_that_is_interrupted_goes_on_from_where_it_was() -> None:
    grid = BenchGrid()
    grid.apply(T_S, frequency_hz=62.0, ramp_s=10.0)
    grid.apply(T_S + 5.0, frequency_hz=60.0, ramp_s=1.0)
    assert grid.frequency_hz(T_S + 2.5) == pytest.approx(60.5)
    assert grid.frequency_hz(T_S + 5.5) == pytest.approx(60.5)
    assert grid.frequency_hz(T_S + 10.0) == 60.0


def test_what_is_not_named_goes_on_as_it_was_told() -> None:
    grid = BenchGrid()
    grid.apply(T_S, frequency_hz=61.0, voltage_pu=1.1, ramp_s=2.0)
    grid.apply(T_S + 1.0, voltage_pu=0.9)
    assert grid.frequency_hz(T_S + 1.0) == pytest.approx(60.5)
    assert grid.frequency_hz(T_S + 2.0) == 61.0
    assert grid.voltage_pu(T_S + 1.0) == 0.9


def test_moves_may_be_planned_and_a_sooner_one_drops_the_later_ones() -> None:
    grid = BenchGrid()
    grid.apply(T_S + 10.0, frequency_hz=59.0)
    grid.apply(T_S + 20.0, frequency_hz=58.0)
    assert [grid.frequency_hz(T_S + after_s) for after_s in (0.0, 10.0, 20.0)] == [60.0, 59.0, 58.0]
    grid.apply(T_S + 15.0, frequency_hz=60.5)
    assert [grid.frequency_hz(T_S + after_s) for after_s in (10.0, 15.0, 20.0)] == [59.0, 60.5, 60.5]


def test_a_step_at_the_instant_of_another_takes_its_place() -> None:
    grid = BenchGrid()
    grid.apply(T_S, frequency_hz=59.0)
    grid.apply(T_S, frequency_hz=61.0)
    assert (grid.frequency_hz(T_S - 1e-3), grid.frequency_hz(T_S)) == (60.0, 61.0)


def test_it_forgets_the_oldest_moves_and_reads_on() -> None:
    grid = BenchGrid()
    for number in range(2 * MOVES_MAX):
        grid.apply(T_S + number, frequency_hz=59.0 + (number % 7) / 10.0)
    assert len(grid._frequency_hz._moves) <= MOVES_MAX + 1
    for number in range(MOVES_MAX + 1, 2 * MOVES_MAX):
        assert grid.frequency_hz(T_S + number + 0.5) == 59.0 + (number % 7) / 10.0
    assert 59.0 <= grid.frequency_hz(T_S) <= 60.0


@pytest.mark.parametrize(
    "wrong",
    [
        {"frequency_hz": math.nan},
        {"frequency_hz": -60.0},
        {"frequency_hz": 600.0},
        {"voltage_pu": math.inf},
        {"voltage_pu": -0.1},
        {"voltage_pu": 240.0},
        {"frequency_hz": 59.0, "voltage_pu": math.nan},
        {"frequency_hz": 59.0, "ramp_s": -1.0},
        {"frequency_hz": 59.0, "ramp_s": math.nan},
        {"frequency_hz": 59.0, "at_s": math.nan},
    ],
    ids=str,
)
def test_what_no_grid_could_have_is_refused_and_nothing_changes(wrong: dict[str, float]) -> None:
    grid = BenchGrid()
    with pytest.raises(ConfigurationFault, match=" is not a number from "):
        grid.apply(**{"at_s": T_S, **wrong})
    assert (grid.frequency_hz(T_S), grid.voltage_pu(T_S)) == (60.0, 1.0)


@pytest.mark.parametrize("nominal", [(math.nan, 240.0), (0.0, 240.0), (60.0, 0.0), (60.0, math.nan)], ids=str)
def test_nominal_values_that_no_bench_has_are_refused(nominal: tuple[float, float]) -> None:
    with pytest.raises(ConfigurationFault, match="nominal"):
        BenchGrid(*nominal)


@given(
    moves=some.lists(some.tuples(some.floats(0.0, 100.0), some.floats(45.0, 65.0), some.floats(0.0, 20.0))),
    at_s=some.floats(0.0, 200.0),
)
def test_frequency_stays_between_what_was_told_and_reading_changes_nothing(
    moves: list[tuple[float, float, float]], at_s: float
) -> None:
    grid = BenchGrid()
    for when_s, value_hz, ramp_s in sorted(moves):
        grid.apply(when_s, frequency_hz=value_hz, ramp_s=ramp_s)
    told_hz = [60.0, *(value_hz for _, value_hz, _ in moves)]
    first_hz = grid.frequency_hz(at_s)
    assert min(told_hz) - 1e-9 <= first_hz <= max(told_hz) + 1e-9
    grid.frequency_hz(0.0)
    assert grid.frequency_hz(at_s) == first_hz


def test_the_script_gives_its_voltage_in_per_unit_too() -> None:
    grid = GridScript(3)
    assert grid.voltage_pu(T_S) == pytest.approx(grid.voltage_v(T_S) / 240.0)
