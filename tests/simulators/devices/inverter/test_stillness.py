"""Steps that are passed by leave the same state as steps that are taken."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulators.devices.functions.autonomous import AutonomousFunctions
from simulators.devices.functions.decision import Decided, Sensed
from simulators.devices.functions.settings import (
    FrequencyDroop,
    FunctionSettings,
    VoltVar,
    VoltWatt,
)
from simulators.devices.inverter.response import Response
from simulators.devices.inverter.snapshot import Snapshot
from simulators.devices.inverter.stillness import Stillness
from tests.simulators.devices.inverter.rig import Rig, config, rig

ALL = FunctionSettings(
    frequency_droop=FrequencyDroop(enabled=True),
    volt_var=VoltVar(enabled=True, tracks_voltage=True),
    volt_watt=VoltWatt(enabled=True),
)


def figures(snapshot: Snapshot) -> list[float]:
    counters = snapshot.counters
    return [
        snapshot.power_w,
        snapshot.reactive_var,
        snapshot.pv_w,
        snapshot.battery_w,
        snapshot.energy_wh,
        snapshot.temperature_c,
        snapshot.enter_service_remaining_s,
        counters.injected_wh,
        counters.absorbed_wh,
        counters.battery_out_wh,
        counters.pv_wh,
    ]


@pytest.mark.parametrize("kind", ["pv", "battery", "hybrid"])
@settings(max_examples=15, deadline=None)
@given(data=st.data())
def test_looked_at_or_stepped_it_is_the_same(kind: str, data: st.DataObject) -> None:
    charged = data.draw(st.sampled_from([0.0, 0.001, 0.5, 0.999, 1.0]))
    unit = config(kind, functions=ALL, state_of_charge=charged, response=Response())
    looked, stepped = Rig(unit), Rig(unit)
    stepped.unit._stillness = Restless()
    for _ in range(3):
        event = data.draw(st.sampled_from(["sun", "setpoint", "grid", "timer"]))
        value = data.draw(st.floats(-1.0, 1.0))
        for here in (looked, stepped):
            if event == "sun":
                here.world.sun_pu = abs(value)
            elif event == "grid":
                here.world.hz, here.world.pu = 60.0 + value, 1.0 + 0.15 * value
            else:
                here.setpoint(10_000.0 * value, timer_s=7.0 if event == "timer" else 0.0)
        until_s = looked.at_s + data.draw(st.sampled_from([1.0, 20.0]))
        assert figures(looked.to(until_s)) == pytest.approx(figures(stepped.to(until_s)), rel=1e-9, abs=1e-9)
        assert looked.unit.truth().state is stepped.unit.truth().state


class Restless(Stillness):
    """Never sees anything at rest."""

    def after(self, functions: object, flows: object) -> bool:
        del functions, flows
        return False


@pytest.mark.parametrize(
    ("kind", "sun_pu", "setpoint_w"),
    [
        pytest.param("pv", 0.5, None, id="pv-in-a-constant-sun"),
        pytest.param("pv", 0.0, None, id="pv-at-night"),
        pytest.param("battery", 0.0, 1_000.0, id="a-battery-that-discharges"),
        pytest.param("hybrid", 0.5, -200.0, id="a-hybrid-that-charges"),
    ],
)
def test_an_hour_at_rest_takes_few_steps(
    kind: str, sun_pu: float, setpoint_w: float | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = rig(kind, sun_pu=sun_pu, response=Response())
    if setpoint_w is not None:
        here.setpoint(setpoint_w)
    taken = count_steps(monkeypatch)
    here.to(3_600.0)
    assert 0 < len(taken) < 2_000


def test_a_timer_that_runs_is_no_rest() -> None:
    here = rig("battery")
    here.world.hz = 62.5
    here.to(1.0)
    here.world.hz = 60.0
    assert here.to(299.0).enter_service_remaining_s == pytest.approx(2.0, abs=0.03)
    assert here.to(302.0).enter_service_remaining_s == 0.0


def count_steps(monkeypatch: pytest.MonkeyPatch) -> list[Sensed]:
    """The steps that the functions of any unit take from now on."""
    taken: list[Sensed] = []
    step = AutonomousFunctions.step

    def counting(self: AutonomousFunctions, sensed: Sensed) -> Decided:
        taken.append(sensed)
        return step(self, sensed)

    monkeypatch.setattr(AutonomousFunctions, "step", counting)
    return taken
