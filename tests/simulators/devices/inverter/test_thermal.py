"""The heat sink against the closed formula of a first-order mass, and what a hot unit does."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulators.devices.inverter.snapshot import Alarm, State
from simulators.devices.inverter.thermal import Cooling, HeatSink
from tests.simulators.devices.inverter.rig import rig

HOT = Cooling(ambient_c=60.0, rise_c=60.0, time_constant_s=30.0)


def test_a_constant_loss_warms_it_exponentially() -> None:
    sink = HeatSink(Cooling(ambient_c=20.0, rise_c=40.0, time_constant_s=100.0), 300.0)
    for _ in range(5_000):
        sink.warm(300.0, 0.02)
    assert sink.temperature_c == pytest.approx(20.0 + 40.0 * (1.0 - math.exp(-1.0)), abs=1e-9)


@given(steps=st.integers(1, 400), loss_w=st.floats(0.0, 1_000.0))
def test_one_long_step_is_as_good_as_many_short_ones(steps: int, loss_w: float) -> None:
    short, long = HeatSink(Cooling(), 300.0), HeatSink(Cooling(), 300.0)
    for _ in range(steps):
        short.warm(loss_w, 0.02)
    long.warm(loss_w, 0.02 * steps)
    assert long.temperature_c == pytest.approx(short.temperature_c, abs=1e-9)


def test_a_hot_unit_gives_less_and_settles_where_its_losses_keep_the_temperature() -> None:
    here = rig("battery", cooling=HOT)
    here.setpoint(10_000.0)
    assert here.to(1.0).power_w == pytest.approx(10_000.0)
    settled = here.to(600.0)
    assert 0.0 < settled.power_w < 9_000.0
    assert settled.power_w == pytest.approx(here.to(601.0).power_w, abs=1.0)
    share = 1.0 - (settled.temperature_c - 75.0) / 20.0
    assert settled.power_w == pytest.approx(share * 10_000.0, rel=1e-3)
    assert settled.state is State.THROTTLED


def test_the_alarm_stays_until_it_is_reset_in_the_cool() -> None:
    here = rig("battery", cooling=Cooling(ambient_c=60.0, rise_c=60.0, time_constant_s=30.0, alarm_c=80.0))
    here.setpoint(10_000.0)
    assert here.to(300.0).alarms & Alarm.OVER_TEMPERATURE
    here.unit.reset_alarms()
    assert here.to(300.1).alarms & Alarm.OVER_TEMPERATURE
    here.setpoint(0.0)
    assert here.to(600.0).alarms & Alarm.OVER_TEMPERATURE
    here.unit.reset_alarms()
    assert not here.to(600.1).alarms & Alarm.OVER_TEMPERATURE


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        pytest.param({"time_constant_s": 0.0}, "time_constant_s", id="no-mass"),
        pytest.param({"rise_c": -1.0}, "rise_c", id="losses-that-cool"),
        pytest.param({"ambient_c": -300.0}, "ambient_c", id="colder-than-cold"),
        pytest.param({"derating_to_c": 70.0}, "derating_to_c", id="upside-down"),
    ],
)
def test_an_impossible_heat_sink_is_refused(changes: dict[str, float], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        Cooling(**changes)
