"""Commands of a controller: they count, they revert by their timers, and what goes before them."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulators.devices.functions.settings import FrequencyDroop, FunctionSettings, VoltVar
from simulators.devices.inverter.commands import Appointment, Reversion
from tests.simulators.devices.inverter.rig import BEGINS_S, STEP_S, Rig, config, rig


def test_a_setpoint_counts_and_reverts_when_its_timer_ends() -> None:
    here = rig("battery")
    here.to(1.0)
    here.unit.commands.setpoint_w.value_after, here.unit.commands.setpoint_w.enabled_after = -500.0, True
    here.setpoint(3_000.0, timer_s=5.0)
    powers_w = {round(each.at_s - BEGINS_S, 2): each.power_w for each in here.each_step(7.0)}
    assert powers_w[1.02] == powers_w[5.96] == pytest.approx(3_000.0)
    assert powers_w[6.02] == powers_w[7.0] == pytest.approx(-500.0)


@settings(max_examples=60, deadline=None)
@given(
    written_at_s=st.floats(0.0, 3.0),
    timer_s=st.floats(0.1, 20.0),
    stride_s=st.sampled_from([0.02, 0.5, 30.0]),
)
def test_reversion_comes_with_the_first_step_that_is_not_earlier(
    written_at_s: float, timer_s: float, stride_s: float
) -> None:
    here = rig("battery")
    here.to(written_at_s)
    here.setpoint(3_000.0, timer_s=timer_s)
    due_s = here.unit.now_s + timer_s - BEGINS_S
    before, after = math.ceil(due_s / STEP_S - 0.01) - 1, math.ceil(due_s / STEP_S + 0.01)
    while here.at_s + stride_s < before * STEP_S:
        here.to(here.at_s + stride_s)
    if before * STEP_S > written_at_s + STEP_S:
        assert here.to(before * STEP_S).power_w == pytest.approx(3_000.0)
    assert here.to(after * STEP_S).power_w == 0.0


def test_a_later_write_starts_the_timer_again() -> None:
    here = rig("battery")
    here.setpoint(3_000.0, timer_s=2.0)
    here.to(1.5)
    here.setpoint(3_000.0, timer_s=2.0)
    assert here.to(3.4).power_w == pytest.approx(3_000.0)
    assert here.to(3.6).power_w == 0.0


@pytest.mark.parametrize("by", ["configuration", "quirk"])
def test_a_cosmetic_timer_counts_down_and_nothing_happens(by: str) -> None:
    here = rig("battery", reversion=Reversion.COSMETIC if by == "configuration" else Reversion.WORKS)
    if by == "quirk":
        here.unit.quirks.reversion = Reversion.COSMETIC
    here.setpoint(3_000.0, timer_s=2.0)
    here.to(1.0)
    assert here.unit.commands.setpoint_w.remaining_s(here.unit.now_s) == pytest.approx(1.0)
    assert here.to(10.0).power_w == pytest.approx(3_000.0)


def test_an_absent_timer_never_runs() -> None:
    here = rig("battery", reversion=Reversion.ABSENT)
    here.setpoint(3_000.0, timer_s=2.0)
    here.to(0.1)
    assert here.unit.commands.setpoint_w.remaining_s(here.unit.now_s) == 0.0
    assert here.to(10.0).power_w == pytest.approx(3_000.0)


@pytest.mark.parametrize(("rate", "reverts_after_s"), [(2.0, 5.0), (0.5, 20.0), (1.0, 10.0)])
def test_timers_run_on_the_clock_of_the_device(rate: float, reverts_after_s: float) -> None:
    here = rig("battery")
    here.to(100.0)
    here.unit.quirks.clock_rate = rate
    here.setpoint(3_000.0, timer_s=10.0)
    assert here.to(100.0 + reverts_after_s - 0.1).power_w == pytest.approx(3_000.0)
    assert here.to(100.0 + reverts_after_s + 0.1).power_w == 0.0
    assert here.unit.now_s == pytest.approx(BEGINS_S + 100.0 + rate * (reverts_after_s + 0.1))


def test_an_appointment_is_kept_on_time() -> None:
    here, kept_at_s = rig("battery"), []
    here.to(1.0)
    appointment = Appointment(here.unit.now_s + 2.0, lambda: kept_at_s.append(here.at_s))
    here.unit.commands.appointments.append(appointment)
    here.each_step(4.0)
    assert kept_at_s == [pytest.approx(3.0, abs=STEP_S)]


@pytest.mark.parametrize(
    ("factor", "power_w", "reactive_sign"),
    [
        pytest.param(0.95, 6_000.0, 1.0, id="over-excited-injecting"),
        pytest.param(-0.95, 6_000.0, -1.0, id="under-excited-injecting"),
        pytest.param(0.95, -6_000.0, 1.0, id="over-excited-absorbing"),
        pytest.param(-0.95, -6_000.0, -1.0, id="under-excited-absorbing"),
    ],
)
def test_a_power_factor_is_kept(factor: float, power_w: float, reactive_sign: float) -> None:
    here = rig("battery")
    commands = here.unit.commands
    here.setpoint(power_w)
    here.command(
        commands.power_factor_injecting if power_w > 0.0 else commands.power_factor_absorbing, factor
    )
    truth = here.to(1.0)
    assert truth.power_factor == pytest.approx(factor)
    assert truth.reactive_var == pytest.approx(reactive_sign * 6_000.0 * math.tan(math.acos(0.95)))


def test_reactive_power_goes_before_a_power_factor() -> None:
    here = rig("battery")
    here.setpoint(6_000.0)
    here.command(here.unit.commands.power_factor_injecting, 0.9)
    here.command(here.unit.commands.reactive_pu, -0.1)
    assert here.to(1.0).reactive_var == pytest.approx(-1_000.0)


def test_a_limit_bounds_injection_and_not_charging() -> None:
    here = rig("battery")
    here.command(here.unit.commands.limit, 0.3)
    here.setpoint(8_000.0)
    assert here.to(1.0).power_w == pytest.approx(3_000.0)
    here.setpoint(-8_000.0)
    assert here.to(2.0).power_w == pytest.approx(-8_000.0)


def test_functions_go_before_commands() -> None:
    droop = FrequencyDroop(enabled=True, response_s=0.2)
    here = rig("battery", functions=FunctionSettings(frequency_droop=droop, volt_var=VoltVar(enabled=True)))
    here.setpoint(2_000.0)
    here.command(here.unit.commands.reactive_pu, 0.3)
    assert here.to(60.0).reactive_var == pytest.approx(0.0, abs=1.0)
    here.world.hz = 60.036 + 0.3
    assert here.to(70.0).power_w == pytest.approx(2_000.0 - 1_000.0, abs=1.0)


def test_trips_go_before_everything() -> None:
    here = rig("battery")
    here.setpoint(2_000.0)
    here.to(1.0)
    here.world.hz = 62.5
    assert here.to(1.3).power_w == 0.0


def test_local_control_refuses_and_ignores_commands() -> None:
    here = rig("battery")
    heard: list[str] = []
    here.unit.on_command.append(lambda name, _at_s: heard.append(name))
    here.setpoint(2_000.0)
    assert here.to(1.0).power_w == pytest.approx(2_000.0)
    here.unit.local = True
    assert not here.unit.remote_write("setpoint_w")
    assert here.to(2.0).power_w == 0.0
    here.unit.local = False
    assert here.unit.remote_write("setpoint_w")
    assert here.to(3.0).power_w == pytest.approx(2_000.0)
    assert heard == ["setpoint_w"]


def test_a_listener_may_override_a_command_a_minute_later() -> None:
    here = rig("battery")
    due_s: list[float] = []
    here.unit.on_command.append(lambda _name, at_s: due_s.append(at_s + 60.0))
    here.unit.remote_write("setpoint_w")
    here.setpoint(2_000.0)
    here.to(due_s[0] - BEGINS_S)
    here.setpoint(-1_000.0)
    assert here.to(61.0).power_w == pytest.approx(-1_000.0)


def test_a_dropped_command_leaves_the_others_alone() -> None:
    here = Rig(config("pv"), sun_pu=0.5)
    here.command(here.unit.commands.limit, 0.2)
    here.to(1.0)
    here.unit.commands.drop()
    assert here.to(2.0).power_w > 5_000.0
    assert here.unit.commands.connected.enabled
