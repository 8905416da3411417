"""Who gives what behind one bridge: modules first, the battery the rest, the grid where it may."""

import pytest

from simulators.devices.inverter.snapshot import State
from tests.simulators.devices.inverter.rig import rig

LOSSES = 0.06


def test_without_a_command_a_hybrid_passes_the_sun_on() -> None:
    truth = rig("hybrid", sun_pu=0.5).to(2.0)
    assert truth.battery_w == pytest.approx(0.0, abs=1e-6)
    assert truth.power_w == pytest.approx(6_000.0, rel=LOSSES)
    assert truth.pv_w == pytest.approx(6_000.0)


def test_sun_beyond_the_bridge_goes_into_the_battery() -> None:
    truth = rig("hybrid", sun_pu=1.0).to(2.0)
    assert truth.power_w == pytest.approx(10_000.0)
    assert truth.battery_w < -1_000.0
    assert truth.throttled_pct == 0.0


def test_the_battery_adds_what_the_sun_lacks() -> None:
    here = rig("hybrid", sun_pu=0.25)
    here.setpoint(8_000.0)
    truth = here.to(2.0)
    assert truth.power_w == pytest.approx(8_000.0)
    assert truth.pv_w == pytest.approx(3_000.0)
    assert truth.battery_w == pytest.approx(5_000.0, rel=2 * LOSSES)


def test_a_low_setpoint_leaves_the_surplus_to_the_battery() -> None:
    here = rig("hybrid", sun_pu=0.5)
    here.setpoint(1_000.0)
    truth = here.to(2.0)
    assert truth.power_w == pytest.approx(1_000.0)
    assert truth.battery_w == pytest.approx(-5_000.0, rel=2 * LOSSES)
    assert truth.state is State.RUNNING


def test_a_full_battery_has_the_sun_curtailed() -> None:
    here = rig("hybrid", sun_pu=0.5, state_of_charge=1.0)
    here.setpoint(1_000.0)
    truth = here.to(2.0)
    assert truth.power_w == pytest.approx(1_000.0)
    assert truth.battery_w == 0.0
    assert truth.pv_w == pytest.approx(1_100.0, rel=LOSSES)
    assert truth.throttled_pct == pytest.approx(100.0 * (1.0 - truth.pv_w / 6_000.0))
    assert truth.state is State.THROTTLED
    assert truth.pv_voltage_v > here.unit.config.pv_voltage_v


@pytest.mark.parametrize(
    ("from_grid", "sun_pu", "power_w", "battery_w"),
    [
        pytest.param(True, 0.0, -10_000.0, -9_400.0, id="from-the-grid"),
        pytest.param(False, 0.0, 0.0, 0.0, id="not-from-the-grid"),
        pytest.param(False, 0.5, 0.0, -5_900.0, id="from-the-sun-alone"),
    ],
)
def test_charging_from_the_grid_needs_leave(
    *, from_grid: bool, sun_pu: float, power_w: float, battery_w: float
) -> None:
    here = rig("hybrid", sun_pu=sun_pu)
    here.unit.commands.charges_from_grid = from_grid
    here.setpoint(-10_000.0)
    truth = here.to(2.0)
    assert truth.power_w == pytest.approx(power_w, abs=1e-6)
    assert truth.battery_w == pytest.approx(battery_w, rel=LOSSES)


@pytest.mark.parametrize(
    ("charge_pu", "discharge_pu", "power_w"),
    [
        pytest.param(-0.5, None, 5_000.0, id="negative-charge-limit-forces-discharging"),
        pytest.param(None, -0.3, -3_000.0, id="negative-discharge-limit-forces-charging"),
        pytest.param(-0.5, 0.2, 2_000.0, id="no-more-than-the-other-limit-allows"),
        pytest.param(-0.5, -0.5, 0.0, id="forced-both-ways-it-rests"),
        pytest.param(0.5, 0.5, 0.0, id="limits-alone-ask-for-nothing"),
    ],
)
def test_storage_limits_of_model_124(
    charge_pu: float | None, discharge_pu: float | None, power_w: float
) -> None:
    here = rig("battery")
    if charge_pu is not None:
        here.command(here.unit.commands.charge_limit, charge_pu)
    if discharge_pu is not None:
        here.command(here.unit.commands.discharge_limit, discharge_pu)
    assert here.to(1.0).power_w == pytest.approx(power_w)


@pytest.mark.parametrize(("setpoint_w", "power_w"), [(10_000.0, 4_000.0), (-10_000.0, -2_000.0)])
def test_storage_limits_bound_a_setpoint(setpoint_w: float, power_w: float) -> None:
    here = rig("battery")
    here.command(here.unit.commands.discharge_limit, 0.4)
    here.command(here.unit.commands.charge_limit, 0.2)
    here.setpoint(setpoint_w)
    assert here.to(1.0).power_w == pytest.approx(power_w)


@pytest.mark.parametrize(("charge_pu", "battery_w"), [(-0.3, 3_000.0), (0.1, -1_000.0)])
def test_in_a_hybrid_they_concern_the_battery(charge_pu: float, battery_w: float) -> None:
    here = rig("hybrid", sun_pu=0.3)
    here.command(here.unit.commands.charge_limit, charge_pu)
    if battery_w < 0.0:
        here.setpoint(0.0)
    assert here.to(1.0).battery_w == pytest.approx(battery_w, rel=LOSSES)


def test_the_reserve_stops_discharging() -> None:
    here = rig("battery", state_of_charge=0.301)
    here.unit.commands.reserve_pu = 0.3
    here.setpoint(10_000.0)
    truth = here.to(20.0)
    assert truth.power_w == 0.0
    assert truth.state_of_charge == pytest.approx(0.3, abs=1e-9)
    assert truth.available_w == 0.0


def test_an_unlit_pv_unit_sleeps_and_wakes() -> None:
    here = rig("pv")
    asleep = here.to(5.0)
    assert asleep.state is State.SLEEPING
    assert (asleep.power_w, asleep.pv_w, asleep.pv_voltage_v) == (0.0, 0.0, 0.0)
    here.world.sun_pu = 0.4
    assert here.to(6.0).state is State.RUNNING


def test_an_empty_battery_takes_the_losses_of_reactive_power_from_the_grid() -> None:
    here = rig("battery", state_of_charge=0.0)
    here.command(here.unit.commands.reactive_pu, 0.44)
    truth = here.to(60.0)
    assert truth.reactive_var == pytest.approx(4_400.0)
    assert -200.0 < truth.power_w < 0.0
    assert truth.battery_w == pytest.approx(0.0, abs=1e-6)
    assert truth.state_of_charge == 0.0
