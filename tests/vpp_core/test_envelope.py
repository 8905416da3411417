"""A later rule narrows what an earlier one allows, and never widens it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vpp_core.envelope import Envelope

POWER = st.floats(-1e6, 1e6)
ENVELOPES = st.tuples(POWER, POWER).map(lambda ends: Envelope(min(ends), max(ends)))


@given(ENVELOPES, ENVELOPES)
def test_narrowing_stays_inside_the_earlier_rule(earlier: Envelope, later: Envelope) -> None:
    result = earlier.narrow(later)
    assert earlier.low_w <= result.low_w <= result.high_w <= earlier.high_w


@given(ENVELOPES, ENVELOPES, POWER)
def test_what_both_rules_allow_stays_allowed(a: Envelope, b: Envelope, power_w: float) -> None:
    if a.contains(power_w) and b.contains(power_w):
        assert a.narrow(b).contains(power_w)


@given(ENVELOPES, POWER)
def test_a_clamped_setpoint_is_inside_and_clamping_twice_changes_nothing(e: Envelope, p: float) -> None:
    once = e.clamp(p)
    assert e.contains(once)
    assert e.clamp(once) == once


def test_where_two_rules_do_not_meet_the_earlier_one_wins() -> None:
    assert Envelope(0.0, 100.0).narrow(Envelope(200.0, 300.0)) == Envelope(100.0, 100.0)


def test_an_empty_range_is_refused() -> None:
    with pytest.raises(ValueError, match="low <= high"):
        Envelope(1.0, 0.0)
    with pytest.raises(ValueError, match="low <= high"):
        Envelope(float("nan"), 0.0)
