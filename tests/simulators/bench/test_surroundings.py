"""Grid, sun and load on the bench: a trace until somebody tells them else."""

import pytest

from simulators.bench.surroundings import Surroundings
from simulators.grid.bench import BenchGrid
from simulators.grid.trace import After, Shape, Trace, TraceGrid
from vpp_core.faults import ConfigurationFault

BEGINS_S = 1_000.0


def traced() -> Surroundings:
    trace = Trace(
        name="t",
        at_s=[0.0, 10.0, 20.0],
        columns={
            "frequency_hz": [60.0, 59.0, 59.0],
            "available_pu": [0.0, 1.0, 1.0],
            "load_w": [5.0, 5.0, 5.0],
        },
        step_s=10.0,
    )
    grid = TraceGrid(trace, BEGINS_S, shape=Shape.STRAIGHT, after=After.HOLD)
    return Surroundings(BenchGrid(), grid, sun_pu=0.3, load_w=7.0)


def test_a_trace_goes_before_the_settings_in_what_it_has() -> None:
    around = traced()
    assert around.frequency_hz(BEGINS_S + 5.0) == pytest.approx(59.5)
    assert around.power_pu(BEGINS_S + 5.0) == pytest.approx(0.5)
    assert around.load_w(BEGINS_S) == 5.0
    assert around.voltage_pu(BEGINS_S) == 1.0


def test_a_command_takes_over_from_the_trace_without_a_jump() -> None:
    around = traced()
    around.set_grid(BEGINS_S + 5.0, voltage_pu=0.9)
    assert around.frequency_hz(BEGINS_S + 9.0) == pytest.approx(59.5)
    assert around.voltage_pu(BEGINS_S + 9.0) == 0.9
    around.set_sun(BEGINS_S + 5.0, 1.0, ramp_s=10.0)
    assert around.power_pu(BEGINS_S + 10.0) == pytest.approx(0.75)


def test_what_no_grid_has_changes_nothing_and_keeps_the_trace() -> None:
    around = traced()
    for refused in (float("nan"), -1.0, 1e6):
        with pytest.raises(ConfigurationFault):
            around.set_grid(BEGINS_S + 5.0, frequency_hz=refused)
        with pytest.raises(ConfigurationFault):
            around.set_sun(BEGINS_S + 5.0, refused)
    with pytest.raises(ConfigurationFault):
        around.set_load(BEGINS_S, float("inf"))
    assert around.frequency_hz(BEGINS_S + 10.0) == pytest.approx(59.0)


def test_without_a_trace_the_settings_count() -> None:
    around = Surroundings(BenchGrid(50.0), sun_pu=0.3, load_w=7.0)
    assert (around.frequency_hz(0.0), around.power_pu(0.0), around.load_w(0.0)) == (50.0, 0.3, 7.0)
