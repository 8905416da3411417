"""The grid by script: calm within 20 mHz, dips where they were placed, the same for the same seed."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulators.grid.script import Dip, GridScript

TWO_O_CLOCK = datetime(2021, 8, 12, 19, tzinfo=UTC)
AT_S = TWO_O_CLOCK.timestamp()
INSTANTS_S = st.floats(AT_S - 1e6, AT_S + 1e6)


@given(INSTANTS_S, st.integers(0, 50))
def test_without_a_dip_frequency_stays_within_20_mhz_of_nominal(at_s: float, seed: int) -> None:
    assert abs(GridScript(seed).frequency_hz(at_s) - 60.0) < 0.020


@given(INSTANTS_S, st.integers(0, 50))
def test_voltage_stays_around_240_v(at_s: float, seed: int) -> None:
    assert GridScript(seed).voltage_v(at_s) == pytest.approx(240.0, abs=1.6)


@given(INSTANTS_S)
def test_it_is_a_pure_function_of_seed_and_time(at_s: float) -> None:
    assert GridScript(7).frequency_hz(at_s) == GridScript(7).frequency_hz(at_s)
    assert GridScript(7).voltage_v(at_s) == GridScript(7).voltage_v(at_s)


@pytest.mark.parametrize(
    ("after_s", "expected_hz", "tolerance_hz"),
    [
        pytest.param(0.0, 60.0, 0.020, id="untouched-when-it-begins"),
        pytest.param(0.5, 59.75, 0.010, id="half-way-down-after-half-a-second"),
        pytest.param(1.0, 59.5, 1e-9, id="at-the-nadir-after-a-second"),
        pytest.param(3.9, 59.5, 1e-9, id="held-at-the-nadir"),
        pytest.param(6.5, 59.75, 0.010, id="half-way-back"),
        pytest.param(9.0, 60.0, 0.020, id="over"),
    ],
)
def test_a_dip_falls_holds_and_recovers(after_s: float, expected_hz: float, tolerance_hz: float) -> None:
    grid = GridScript(1)
    grid.add_dip(Dip(at=TWO_O_CLOCK))
    assert grid.frequency_hz(AT_S + after_s) == pytest.approx(expected_hz, abs=tolerance_hz)


def test_of_overlapping_dips_the_deepest_counts() -> None:
    grid = GridScript(1)
    grid.add_dip(Dip(at=TWO_O_CLOCK, nadir_hz=59.8, hold_s=60.0))
    grid.add_dip(Dip(at=TWO_O_CLOCK + timedelta(seconds=10), nadir_hz=59.4, fall_s=0.0, recovery_s=0.0))
    assert grid.frequency_hz(AT_S + 5.0) == pytest.approx(59.8)
    assert grid.frequency_hz(AT_S + 11.0) == pytest.approx(59.4)
    assert grid.frequency_hz(AT_S + 14.0) == pytest.approx(59.8)
    assert len(grid.dips) == 2


def test_a_dip_may_be_a_rise() -> None:
    grid = GridScript(1)
    grid.add_dip(Dip(at=TWO_O_CLOCK, nadir_hz=60.4))
    assert grid.frequency_hz(AT_S + 2.0) == pytest.approx(60.4)
