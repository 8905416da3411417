"""How a unit answers a command: dead time, ramp, lag."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulators.devices.inverter.response import DeadTime, Follower, Response
from tests.simulators.devices.inverter.rig import STEP_S, rig


def test_a_lag_has_done_63_percent_after_its_time_constant() -> None:
    here = rig("battery", response=Response(dead_time_s=0.0, lag_s=0.5, ramp_s=0.0))
    here.setpoint(10_000.0)
    steps = here.each_step(5.0)
    assert steps[24].power_w == pytest.approx(10_000.0 * (1.0 - math.exp(-1.0)), rel=1e-6)
    assert steps[-1].power_w == pytest.approx(10_000.0, rel=1e-4)


def test_a_dead_time_comes_before_the_first_change() -> None:
    here = rig("battery", response=Response(dead_time_s=0.3, lag_s=0.0, ramp_s=0.0))
    here.to(1.0)
    here.setpoint(5_000.0)
    moved = [each.at_s for each in here.each_step(2.0) if each.power_w != 0.0]
    assert moved[0] - here.unit.config.step_s <= 1_700_000_001.3 + 1e-3
    assert moved[0] >= 1_700_000_001.3 - 1e-3


def test_slow_firmware_lags_commands_and_not_frequency() -> None:
    here = rig("pv", sun_pu=1.0)
    here.unit.quirks.extra_lag_s = 1.0
    here.to(1.0)
    here.setpoint(5_000.0)
    assert here.to(1.98).power_w > 9_000.0
    assert here.to(2.02).power_w == pytest.approx(5_000.0)
    here.world.hz = 63.0
    assert here.to(2.3).power_w == 0.0


@pytest.mark.parametrize("kind", ["battery", "hybrid"])
@settings(max_examples=25, deadline=None)
@given(ramp_s=st.floats(0.1, 20.0), wishes_w=st.lists(st.floats(-12_000.0, 12_000.0), max_size=4))
def test_the_fastest_ramp_is_never_exceeded(kind: str, ramp_s: float, wishes_w: list[float]) -> None:
    here = rig(kind, response=Response(dead_time_s=0.0, lag_s=0.05, ramp_s=ramp_s))
    power_w = 0.0
    for wanted_w in wishes_w:
        here.setpoint(wanted_w)
        for each in here.each_step(here.at_s + 0.4):
            assert abs(each.power_w - power_w) <= 10_000.0 / ramp_s * STEP_S + 1e-6
            power_w = each.power_w


def test_a_commanded_ramp_is_followed_up_and_down() -> None:
    here = rig("battery")
    here.setpoint(10_000.0, ramp_s=10.0)
    assert here.to(5.0).power_w == pytest.approx(5_000.0, abs=1.0)
    assert here.to(10.1).power_w == pytest.approx(10_000.0)
    here.setpoint(-10_000.0, ramp_s=10.0)
    assert here.to(15.1).power_w == pytest.approx(5_000.0, abs=1.0)


def test_a_limit_comes_down_its_ramp_from_where_the_power_is() -> None:
    here = rig("pv", sun_pu=0.5)
    before_w = here.to(1.0).power_w
    here.command(here.unit.commands.limit, 0.0, ramp_s=10.0)
    assert here.to(2.0).power_w == pytest.approx(before_w - 1_000.0, abs=25.0)


def test_trips_wait_for_no_ramp() -> None:
    here = rig("battery", response=Response(dead_time_s=0.0, lag_s=1.0, ramp_s=60.0))
    here.setpoint(10_000.0)
    assert here.to(120.0).power_w > 9_000.0
    here.unit.commands.connected.value = 0.0
    assert here.to(120.02).power_w == 0.0


def test_values_count_in_the_order_in_which_they_were_said() -> None:
    late = DeadTime("first")
    late.say("slow", 5.0)
    late.say("quick", 1.0)
    assert [late.at(now_s) for now_s in (1.0, 5.0)] == ["first", "quick"]
    assert late.next_s() == math.inf


@given(target=st.floats(-1.0, 1.0), lag_s=st.floats(0.0, 1.0), per_s=st.floats(0.01, 100.0))
def test_a_follower_arrives_and_never_overshoots(target: float, lag_s: float, per_s: float) -> None:
    follower = Follower(dt_s=STEP_S, lag_s=lag_s, per_s=per_s, near=1e-7)
    for _ in range(int(150 + 50 * (20.0 * lag_s + 1.0 / per_s))):
        follower.follow(target)
        assert abs(follower.value) <= abs(target)
    assert follower.value == target


@pytest.mark.parametrize("name", ["dead_time_s", "lag_s", "ramp_s"])
def test_a_negative_time_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match=name):
        Response(**{name: -0.1})
