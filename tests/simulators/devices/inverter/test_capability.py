"""What a unit gives stays within its plate, its ceilings and what it has."""

import math
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulators.devices.functions.settings import Priority
from simulators.devices.inverter.response import Response
from tests.simulators.devices.inverter.rig import PLATES, Rig, config, rig

KINDS = ["pv", "battery", "hybrid"]


@pytest.mark.parametrize("asked_w", [12_000.0, 1e9, -12_000.0, -1e9])
def test_a_setpoint_beyond_the_rating_is_clamped(asked_w: float) -> None:
    here = rig("battery")
    here.setpoint(asked_w)
    assert here.to(1.0).power_w == pytest.approx(math.copysign(10_000.0, asked_w))


def test_reactive_power_stops_at_its_rating() -> None:
    here = rig("battery")
    here.command(here.unit.commands.reactive_pu, -1.0)
    assert here.to(1.0).reactive_var == pytest.approx(-4_400.0)


@pytest.mark.parametrize(
    ("priority", "power_w", "reactive_var"),
    [
        pytest.param(Priority.REACTIVE, math.sqrt(1e8 - 4_400.0**2), 4_400.0, id="reactive-first"),
        pytest.param(Priority.ACTIVE, 10_000.0, 0.0, id="active-first"),
    ],
)
def test_at_full_power_the_priority_decides(priority: Priority, power_w: float, reactive_var: float) -> None:
    here = rig("battery")
    here.setpoint(10_000.0)
    here.unit.commands.priority = priority
    here.command(here.unit.commands.reactive_pu, 0.44)
    truth = here.to(1.0)
    assert truth.power_w == pytest.approx(power_w)
    assert truth.reactive_var == pytest.approx(reactive_var, abs=1e-3)


@pytest.mark.parametrize(
    ("sun_pu", "reactive_var"),
    [
        pytest.param(0.0, 0.0, id="nothing-asleep"),
        pytest.param(0.03, 0.0, id="nothing-at-little-power"),
        pytest.param(0.5, 4_400.0, id="all-of-it-in-the-sun"),
    ],
)
def test_pv_gives_reactive_power_only_while_it_runs(sun_pu: float, reactive_var: float) -> None:
    here = rig("pv", sun_pu=sun_pu)
    here.command(here.unit.commands.reactive_pu, 0.44)
    assert here.to(1.0).reactive_var == pytest.approx(reactive_var)


def test_current_is_limited_where_the_voltage_is_low() -> None:
    here = rig("battery")
    here.setpoint(10_000.0)
    here.world.pu = 0.66
    assert here.to(1.0).power_w == pytest.approx(7_500.0)


def test_ceilings_of_the_owner_bind() -> None:
    here = rig("battery")
    commands = here.unit.commands
    here.setpoint(10_000.0)
    here.command(commands.reactive_pu, 0.44)
    commands.injection_max_pu, commands.absorption_max_pu = 0.7, 0.3
    commands.apparent_max_pu, commands.reactive_injecting_max_pu = 0.6, 0.5
    truth = here.to(1.0)
    assert truth.reactive_var == pytest.approx(2_200.0)
    assert truth.apparent_va == pytest.approx(6_000.0)
    here.setpoint(-10_000.0)
    assert here.to(2.0).power_w == pytest.approx(-3_000.0)


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_no_sequence_of_events_leaves_the_plate(kind: str, data: st.DataObject) -> None:
    plate = replace(PLATES[kind], apparent_va_max=11_000.0)
    charged = data.draw(st.sampled_from([0.0, 0.0001, 0.5, 0.9999, 1.0]))
    low_power = data.draw(st.sampled_from([None, True, False]))
    unit = config(kind, state_of_charge=charged, response=Response(), reactive_at_low_power=low_power)
    here = Rig(replace(unit, nameplate=plate), sun_pu=data.draw(st.floats(0.0, 1.2)))
    for _ in range(data.draw(st.integers(1, 5))):
        disturb(here, data)
        for truth in here.each_step(here.at_s + data.draw(st.sampled_from([0.02, 0.3]))):
            assert math.hypot(truth.power_w, truth.reactive_var) <= 11_000.0 * (1.0 + 1e-9)
            assert abs(truth.reactive_var) <= 4_400.0 * (1.0 + 1e-9)
            assert -11_000.0 * (1.0 + 1e-9) <= truth.power_w <= 10_000.0 * (1.0 + 1e-9)
            assert -1e-9 <= truth.pv_w <= here.world.sun_pu * plate.pv_w_max + 1e-6
            assert truth.pv_w + truth.battery_w - truth.power_w >= -1e-6
            assert truth.state_of_charge is None or 0.0 <= truth.state_of_charge <= 1.0
            if kind == "pv":
                assert truth.power_w >= 0.0


def disturb(here: Rig, data: st.DataObject) -> None:
    """Something happens: the sun, the grid, a command."""
    commands = here.unit.commands
    match data.draw(st.sampled_from(["sun", "grid", "setpoint", "reactive", "factor", "storage", "reserve"])):
        case "sun":
            here.world.sun_pu = data.draw(st.floats(0.0, 1.2))
        case "grid":
            here.world.hz, here.world.pu = data.draw(st.floats(59.0, 61.0)), data.draw(st.floats(0.4, 1.2))
        case "setpoint":
            here.setpoint(data.draw(st.floats(-2e4, 2e4)))
        case "reactive":
            here.command(commands.reactive_pu, data.draw(st.floats(-1.0, 1.0)))
        case "factor":
            here.command(commands.power_factor_injecting, data.draw(st.floats(-1.0, 1.0)))
        case "storage":
            commands.setpoint_w.enabled = False
            here.command(commands.charge_limit, data.draw(st.floats(-1.0, 1.0)))
            here.command(commands.discharge_limit, data.draw(st.floats(-1.0, 1.0)))
        case _:
            commands.reserve_pu = data.draw(st.floats(0.0, 1.0))
            commands.charges_from_grid = data.draw(st.booleans())
