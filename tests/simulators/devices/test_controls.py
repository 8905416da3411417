"""Model 704: which value is in force, and how a timer takes it back (source: SunSpec model 704)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulators.devices.controls import WRITABLE, Controls, Ratings, ValueRefused

BATTERY = Ratings(5_000.0, 4_000.0)


def armed(timer_s: float = 60.0, *, works: bool = True) -> Controls:
    controls = Controls(BATTERY, reversion_works=works)
    controls.write({"WSet": 2_000.0, "WSetRvrtTms": timer_s, "WSetEna": 1.0}, 1_000.0)
    return controls


def test_nothing_is_in_force_at_first() -> None:
    controls = Controls(BATTERY)
    assert controls.setpoint_w() is None
    assert controls.limit_fraction() == 1.0
    assert controls.next_expiry_s() == float("inf")


def test_a_setpoint_counts_once_it_is_enabled() -> None:
    controls = Controls(BATTERY)
    controls.write({"WSet": -1_500.0}, 0.0)
    assert controls.setpoint_w() is None
    controls.write({"WSetEna": 1.0}, 0.0)
    assert controls.setpoint_w() == -1_500.0


def test_in_percent_mode_the_percentage_of_the_rating_counts() -> None:
    controls = Controls(BATTERY)
    controls.write({"WSetMod": 0.0, "WSetPct": 40.0, "WSetEna": 1.0}, 0.0)
    assert controls.setpoint_w() == pytest.approx(2_000.0)


def test_a_limit_counts_once_it_is_enabled() -> None:
    controls = Controls(BATTERY)
    controls.write({"WMaxLimPct": 30.0}, 0.0)
    assert controls.limit_fraction() == 1.0
    controls.write({"WMaxLimPctEna": 1.0}, 0.0)
    assert controls.limit_fraction() == pytest.approx(0.3)


def test_for_a_pure_load_percentages_are_of_its_absorption() -> None:
    controls = Controls(Ratings(0.0, 7_200.0))
    controls.check({"WSetPct": -100.0, "WSet": -7_200.0})
    controls.write({"WSetMod": 0.0, "WSetPct": -50.0, "WSetEna": 1.0}, 0.0)
    assert controls.setpoint_w() == pytest.approx(-3_600.0)


def test_without_a_timer_a_setpoint_stays() -> None:
    controls = armed(timer_s=0.0)
    assert controls.next_expiry_s() == float("inf")
    controls.expire(1e9)
    assert controls.setpoint_w() == 2_000.0


def test_the_timer_takes_the_setpoint_back_at_its_time() -> None:
    controls = armed()
    assert controls.next_expiry_s() == 1_060.0
    controls.expire(1_059.9)
    assert controls.setpoint_w() == 2_000.0
    controls.expire(1_060.0)
    assert controls.setpoint_w() is None
    assert controls.next_expiry_s() == float("inf")


def test_the_remaining_time_counts_down_to_zero() -> None:
    controls = armed()
    assert [controls.read(at_s)["WSetRvrtRem"] for at_s in (1_000.0, 1_015.0, 1_060.0)] == [60.0, 45.0, 0.0]


@pytest.mark.parametrize("point", ["WSet", "WSetRvrtTms", "WSetEna"])
def test_each_write_to_the_function_starts_the_timer_again(point: str) -> None:
    controls = armed()
    controls.write({point: controls.read(1_030.0)[point]}, 1_030.0)
    assert controls.next_expiry_s() == 1_090.0


def test_a_write_to_the_other_function_does_not() -> None:
    controls = armed()
    controls.write({"WMaxLimPct": 50.0}, 1_030.0)
    assert controls.next_expiry_s() == 1_060.0


def test_disabling_stops_the_timer() -> None:
    controls = armed()
    controls.write({"WSetEna": 0.0}, 1_030.0)
    assert controls.next_expiry_s() == float("inf")


def test_reversion_may_leave_another_setpoint_in_force() -> None:
    """WSetEnaRvrt is the enable state after reversion, WSetRvrt the setpoint."""
    controls = Controls(BATTERY)
    controls.write({"WSetRvrt": -500.0, "WSetEnaRvrt": 1.0, "WSetRvrtTms": 10.0, "WSetEna": 1.0}, 0.0)
    controls.expire(10.0)
    assert controls.setpoint_w() == -500.0
    assert controls.next_expiry_s() == float("inf")


def test_a_limit_reverts_like_a_setpoint() -> None:
    controls = Controls(BATTERY)
    controls.write({"WMaxLimPct": 20.0, "WMaxLimPctRvrtTms": 5.0, "WMaxLimPctEna": 1.0}, 0.0)
    controls.expire(5.0)
    assert controls.limit_fraction() == 1.0
    assert controls.read(5.0)["WMaxLimPct"] == 100.0


def test_a_cosmetic_timer_counts_down_and_does_nothing() -> None:
    """Field evidence: a vendor whose WSetRvrtTms never reverts (reference/edge.md, section 5)."""
    controls = armed(works=False)
    controls.expire(2_000.0)
    assert controls.setpoint_w() == 2_000.0
    assert controls.read(2_000.0)["WSetRvrtRem"] == 0.0


@pytest.mark.parametrize(
    ("point", "value"),
    [
        ("WSet", 5_001.0),
        ("WSet", -4_001.0),
        ("WSetPct", 101.0),
        ("WSetPct", -81.0),
        ("WMaxLimPct", 100.5),
        ("WSetEna", 2.0),
        ("WSetMod", 2.0),
        ("WSetRvrtTms", None),
        ("WMaxLimPct", None),
    ],
)
def test_values_out_of_range_are_refused(point: str, value: float | None) -> None:
    with pytest.raises(ValueRefused, match=point):
        Controls(BATTERY).check({point: value})


@given(st.dictionaries(st.sampled_from(sorted(WRITABLE)), st.floats(0.0, 1.0)), st.floats(0.0, 100.0))
def test_whatever_is_allowed_keeps_setpoint_and_limit_within_the_ratings(
    changes: dict[str, float], now_s: float
) -> None:
    controls = Controls(BATTERY)
    controls.check(changes)
    controls.write(changes, 0.0)
    controls.expire(now_s)
    assert -4_000.0 <= (controls.setpoint_w() or 0.0) <= 5_000.0
    assert 0.0 <= controls.limit_fraction() <= 1.0
