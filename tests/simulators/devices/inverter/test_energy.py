"""Counters are the integral of the power that was stepped, and energy comes from somewhere."""

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulators.devices.inverter.response import Response
from simulators.devices.inverter.snapshot import Snapshot
from tests.simulators.devices.inverter.rig import STEP_S, Rig, config, rig
from tests.simulators.devices.inverter.test_capability import disturb

HOUR_S = 3_600.0


def test_an_hour_at_constant_power_is_counted_exactly() -> None:
    here = rig("battery", state_of_charge=0.9)
    here.to(1.0)
    here.setpoint(6_000.0)
    here.command(here.unit.commands.reactive_pu, -0.2)
    truth = here.to(1.0 + HOUR_S)
    assert truth.counters.injected_wh == pytest.approx(6_000.0 * (HOUR_S - STEP_S) / HOUR_S, rel=1e-9)
    assert truth.counters.reactive_absorbed_varh == pytest.approx(2_000.0, rel=1e-4)
    assert truth.counters.absorbed_wh == truth.counters.reactive_injected_varh == 0.0
    assert truth.energy_wh == pytest.approx(18_000.0 - truth.counters.battery_out_wh)


@pytest.mark.parametrize("kind", ["pv", "battery", "hybrid"])
@settings(max_examples=30, deadline=None)
@given(data=st.data())
def test_counters_are_the_sum_over_the_steps(kind: str, data: st.DataObject) -> None:
    charged = data.draw(st.sampled_from([0.0, 0.00005, 0.5, 0.99995, 1.0]))
    here = Rig(
        config(kind, state_of_charge=charged, response=Response()), sun_pu=data.draw(st.floats(0.0, 1.0))
    )
    energy_wh = here.unit.truth().energy_wh
    truths = [here.unit.truth()]
    for _ in range(data.draw(st.integers(1, 4))):
        disturb(here, data)
        truths += here.each_step(here.at_s + data.draw(st.sampled_from([0.1, 1.0])))
    counters = truths[-1].counters
    assert counters.injected_wh == summed(truths, lambda each: max(0.0, each.power_w))
    assert counters.absorbed_wh == summed(truths, lambda each: max(0.0, -each.power_w))
    assert counters.reactive_injected_varh == summed(truths, lambda each: max(0.0, each.reactive_var))
    assert counters.reactive_absorbed_varh == summed(truths, lambda each: max(0.0, -each.reactive_var))
    assert counters.pv_wh == summed(truths, lambda each: each.pv_w)
    assert counters.battery_in_wh == summed(truths, lambda each: max(0.0, -each.battery_w))
    assert counters.battery_out_wh == summed(truths, lambda each: max(0.0, each.battery_w))
    stored_wh = counters.battery_in_wh - counters.battery_out_wh
    assert truths[-1].energy_wh == pytest.approx(energy_wh + stored_wh, abs=1e-5)
    lost_wh = counters.pv_wh - stored_wh + counters.absorbed_wh - counters.injected_wh
    assert lost_wh >= -1e-9


def summed(truths: list[Snapshot], power_w: Callable[[Snapshot], float]) -> object:
    """Each truth holds until the next step."""
    return pytest.approx(sum(power_w(each) for each in truths[:-1]) * STEP_S / HOUR_S, abs=1e-9)
