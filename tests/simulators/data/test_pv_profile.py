"""A measured profile as a continuous function: bounded by its samples, and its integral exact."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulators.data.pv_profile import PvProfile

POWERS_PU = st.lists(st.floats(-0.1, 1.0), min_size=2, max_size=8)


def profile_of(powers_pu: list[float]) -> PvProfile:
    return PvProfile([900.0 * index for index in range(len(powers_pu))], powers_pu)


@given(POWERS_PU, st.floats(-1_000.0, 9_000.0))
def test_power_stays_between_zero_and_the_largest_sample(powers_pu: list[float], at_s: float) -> None:
    assert 0.0 <= profile_of(powers_pu).power_pu(at_s) <= max(0.0, *powers_pu) + 1e-12


@given(POWERS_PU, st.floats(-500.0, 8_000.0), st.floats(-500.0, 8_000.0), st.floats(-500.0, 8_000.0))
def test_energy_adds_up_over_adjoining_intervals(
    powers_pu: list[float], a: float, b: float, c: float
) -> None:
    profile = profile_of(powers_pu)
    whole = profile.energy_pu_h(a, c)
    assert whole == pytest.approx(profile.energy_pu_h(a, b) + profile.energy_pu_h(b, c), abs=1e-9)


def test_between_samples_power_is_a_straight_line_and_energy_a_trapezium() -> None:
    profile = PvProfile([0.0, 3_600.0], [0.2, 0.6])
    assert profile.power_pu(1_800.0) == pytest.approx(0.4)
    assert profile.energy_pu_h(0.0, 1_800.0) == pytest.approx(0.15)
    assert profile.energy_pu_h(-7_200.0, 7_200.0) == pytest.approx(0.4)


def test_the_next_sample_is_strictly_later_and_there_is_none_after_the_last() -> None:
    profile = profile_of([0.0, 0.5, 0.0])
    assert profile.next_sample_s(-1.0) == 0.0
    assert profile.next_sample_s(0.0) == 900.0
    assert profile.next_sample_s(1_800.0) == float("inf")


def test_what_the_inverter_draws_at_night_counts_as_zero() -> None:
    assert profile_of([-0.05, -0.05]).power_pu(450.0) == 0.0


def test_a_sample_keeps_its_month_day_and_clock() -> None:
    stamps = [datetime.fromisoformat(f"2016-08-12 {hour}:00:00-07:00") for hour in ("09", "10")]
    profile = PvProfile.replay(stamps, [0.1, 0.9])
    assert datetime.fromtimestamp(profile.end_s, UTC) == datetime(2021, 8, 12, 16, tzinfo=UTC)
