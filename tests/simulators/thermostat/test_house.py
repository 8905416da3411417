"""The heat of a house against its analytic solution and its balance."""

from math import exp

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulators.thermostat.house import House, ImpossibleHouse, Weather

HOUSE = House(resistance_k_per_w=0.005, capacity_wh_per_k=2_000.0)
HOUR_S = 3_600.0


def test_it_settles_at_the_outside_plus_what_the_heat_holds_up() -> None:
    assert HOUSE.after(20.0, 30.0, 0.0, 1e9) == pytest.approx(30.0)
    assert HOUSE.after(20.0, 30.0, 1_000.0, 1e9) == pytest.approx(35.0)


def test_after_one_time_constant_37_percent_of_the_difference_is_left() -> None:
    assert HOUSE.time_constant_s == 10.0 * HOUR_S
    assert HOUSE.after(20.0, 30.0, 0.0, HOUSE.time_constant_s) == pytest.approx(30.0 - 10.0 * exp(-1.0))


temperatures = st.floats(-30.0, 50.0)
durations = st.floats(0.0, 1e5)


@settings(deadline=None)
@given(temperatures, temperatures, st.floats(-2e4, 2e4), durations, durations)
def test_two_steps_are_as_good_as_one(
    inside_c: float, outside_c: float, heat_w: float, first_s: float, second_s: float
) -> None:
    halfway_c = HOUSE.after(inside_c, outside_c, heat_w, first_s)
    twice_c = HOUSE.after(halfway_c, outside_c, heat_w, second_s)
    assert twice_c == pytest.approx(HOUSE.after(inside_c, outside_c, heat_w, first_s + second_s), abs=1e-6)


@settings(deadline=None)
@given(temperatures, temperatures, st.floats(-2e4, 2e4))
def test_what_comes_in_is_stored_or_lost_through_the_walls(
    inside_c: float, outside_c: float, heat_w: float
) -> None:
    """A second way to the same result: sum the loss of short steps, as a heat meter would."""
    at_c, lost_wh, dt_s = inside_c, 0.0, 10.0
    for _ in range(360):
        after_c = HOUSE.after(at_c, outside_c, heat_w, dt_s)
        lost_wh += (0.5 * (at_c + after_c) - outside_c) / HOUSE.resistance_k_per_w * dt_s / HOUR_S
        at_c = after_c
    assert heat_w == pytest.approx(HOUSE.stored_wh(inside_c, at_c) + lost_wh, abs=0.01)


def test_a_day_has_its_hottest_hour_and_a_night_without_sun() -> None:
    weather = Weather(mean_c=25.0, swing_c=6.0, hottest_s=15.0 * HOUR_S, sun_w_max=1_000.0, people_w=300.0)
    assert weather.outside_c(15.0 * HOUR_S) == pytest.approx(31.0)
    assert weather.outside_c(3.0 * HOUR_S) == pytest.approx(19.0)
    assert weather.gains_w(13.0 * HOUR_S) == pytest.approx(1_300.0)
    assert weather.gains_w(1.0 * HOUR_S) == 300.0
    assert weather.outside_c(100 * 86_400.0 + 15.0 * HOUR_S) == pytest.approx(31.0)


def test_an_impossible_house_says_why() -> None:
    with pytest.raises(ImpossibleHouse, match="above zero"):
        House(capacity_wh_per_k=0.0)
