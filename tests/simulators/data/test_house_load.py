"""The synthetic house: a fixed function of time with the shape of a home in a Texan summer."""

from datetime import UTC, datetime, timedelta
from statistics import fmean

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulators.data import house_load
from simulators.data.house_load import FLOOR_W, LOCAL, HouseLoad

MONDAY = datetime(2021, 8, 9, tzinfo=LOCAL)
INSTANTS_S = st.floats(1_626_000_000.0, 1_632_000_000.0)


def mean_w(load: HouseLoad, hour: int, days: range = range(7), first: datetime = MONDAY) -> float:
    """Mean power in one local hour of several days."""
    starts_s = [(first + timedelta(days=day, hours=hour)).timestamp() for day in days]
    return fmean(load.energy_wh(start_s, start_s + 3_600.0) for start_s in starts_s)


def test_its_module_calls_it_synthetic() -> None:
    assert str(house_load.__doc__).startswith("SYNTHETIC")


@given(INSTANTS_S, st.integers(0, 5))
def test_the_same_seed_gives_the_same_house_whatever_was_asked_before(at_s: float, seed: int) -> None:
    asked = HouseLoad(seed)
    asked.power_w(at_s - 500_000.0)
    assert asked.power_w(at_s) == HouseLoad(seed).power_w(at_s)


@given(INSTANTS_S, st.integers(0, 5))
def test_power_is_bounded_and_without_jumps(at_s: float, seed: int) -> None:
    load = HouseLoad(seed)
    assert FLOOR_W <= load.power_w(at_s) < 15_000.0
    assert load.power_w(at_s + 0.01) == pytest.approx(load.power_w(at_s), abs=1.0)


@given(INSTANTS_S, st.floats(1.0, 20_000.0), st.floats(1.0, 20_000.0))
def test_energy_adds_up_over_adjoining_intervals(at_s: float, first_s: float, second_s: float) -> None:
    load = HouseLoad(1)
    middle_s, end_s = at_s + first_s, at_s + first_s + second_s
    parts_wh = load.energy_wh(at_s, middle_s) + load.energy_wh(middle_s, end_s)
    assert load.energy_wh(at_s, end_s) == pytest.approx(parts_wh, rel=1e-9)


def test_energy_is_the_integral_of_power() -> None:
    load, start_s = HouseLoad(2), MONDAY.timestamp() + 61.0
    sum_wh = sum(load.power_w(start_s + second + 0.5) for second in range(3_600)) / 3_600.0
    assert load.energy_wh(start_s, start_s + 3_600.0) == pytest.approx(sum_wh, rel=1e-4)


def test_other_seeds_are_other_houses() -> None:
    at_s = MONDAY.timestamp()
    assert len({HouseLoad(seed).power_w(at_s) for seed in range(12)}) == 12


def test_evenings_are_the_peak_and_nights_the_valley() -> None:
    houses = [HouseLoad(seed) for seed in range(8)]
    by_hour_w = {hour: fmean(mean_w(house, hour) for house in houses) for hour in (3, 7, 13, 18)}
    assert by_hour_w[3] < by_hour_w[7] < by_hour_w[18]
    assert by_hour_w[13] < by_hour_w[18]


def test_a_weekend_noon_is_busier_than_a_weekday_noon() -> None:
    houses = [HouseLoad(seed) for seed in range(8)]
    weekday_w = fmean(mean_w(house, 12, range(5)) for house in houses)
    weekend_w = fmean(mean_w(house, 12, range(5, 7)) for house in houses)
    assert weekend_w > weekday_w + 50.0


def test_a_winter_day_needs_no_air_conditioning() -> None:
    winter = datetime(2021, 1, 11, tzinfo=LOCAL)
    assert mean_w(HouseLoad(1), 16, first=winter) < mean_w(HouseLoad(1), 16) / 2


def test_a_summer_day_takes_about_38_kwh() -> None:
    start_s = datetime(2021, 8, 1, tzinfo=UTC).timestamp()
    day_wh = fmean(HouseLoad(seed).energy_wh(start_s, start_s + 14 * 86_400.0) for seed in range(6)) / 14
    assert 33_000.0 < day_wh < 45_000.0
