"""Powers, currents and voltages of the wires agree with the totals."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulators.devices.inverter.phases import Phases, power_factor
from tests.simulators.devices.inverter.rig import PLATES, config, rig

UNEVEN = Phases(240.0, (0.5, 0.3, 0.2), (0.02, -0.01, -0.01))


@given(
    power_w=st.floats(-1e5, 1e5),
    reactive_var=st.floats(-1e5, 1e5),
    voltage_pu=st.just(0.0) | st.floats(0.01, 1.3),
)
def test_phases_add_up_to_the_totals(power_w: float, reactive_var: float, voltage_pu: float) -> None:
    phases = UNEVEN.values(power_w, reactive_var, voltage_pu)
    assert sum(phases.power_w) == pytest.approx(power_w, abs=1e-9)
    assert sum(phases.reactive_var) == pytest.approx(reactive_var, abs=1e-9)
    assert sum(phases.voltage_v) / 3.0 == pytest.approx(240.0 * voltage_pu)
    for volts, amps, watts, vars_ in zip(*phases, strict=True):
        assert volts * amps == pytest.approx(math.hypot(watts, vars_) if volts else 0.0, abs=1e-6)


@given(power_w=st.floats(-1e5, 1e5), reactive_var=st.floats(-1e5, 1e5))
def test_the_power_factor_is_active_by_apparent_power(power_w: float, reactive_var: float) -> None:
    factor, apparent_va = power_factor(power_w, reactive_var), math.hypot(power_w, reactive_var)
    assert -1.0 <= factor <= 1.0
    assert abs(factor) * apparent_va == pytest.approx(abs(power_w), abs=1e-6)


@pytest.mark.parametrize(
    ("power_w", "reactive_var", "factor"),
    [
        pytest.param(0.0, 0.0, 1.0, id="nothing-flows"),
        pytest.param(8.0, 6.0, 0.8, id="injecting-over-excited"),
        pytest.param(8.0, -6.0, -0.8, id="injecting-under-excited"),
        pytest.param(-8.0, 6.0, 0.8, id="absorbing-over-excited"),
        pytest.param(0.0, -6.0, -0.0, id="reactive-power-alone"),
    ],
)
def test_its_sign_says_who_gives_reactive_power(power_w: float, reactive_var: float, factor: float) -> None:
    assert power_factor(power_w, reactive_var) == factor


def test_an_even_unit_divides_evenly() -> None:
    truth = rig("pv", sun_pu=0.5).to(1.0)
    assert truth.phase_power_w == pytest.approx([truth.power_w / 3.0] * 3)
    assert truth.phase_voltage_v == (240.0, 240.0, 240.0)
    assert sum(truth.phase_current_a) * 240.0 == pytest.approx(truth.apparent_va)


def test_protection_looks_at_the_worst_phase() -> None:
    deviations = (0.04, -0.02, -0.02)
    here = rig("pv", sun_pu=1.0, phase_deviations_pu=deviations)
    here.world.pu = 1.17
    assert here.to(0.5).power_w == 0.0
    assert here.to(0.5).state.name == "FAULT"


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        pytest.param({"phase_shares": (0.5, 0.6, -0.1)}, "parts of 1", id="a-negative-share"),
        pytest.param({"phase_shares": (0.5, 0.5)}, "2 figures for 3 phases", id="a-share-is-missing"),
        pytest.param({"phase_shares": (0.5, 0.4, 0.2)}, "parts of 1", id="more-than-all"),
        pytest.param({"phase_deviations_pu": (0.1, 0.1, 0.1)}, "add up to 0", id="not-deviations"),
    ],
)
def test_impossible_phases_are_refused(changes: dict[str, object], says: str) -> None:
    assert PLATES["pv"].phases == 3
    with pytest.raises(ValueError, match=says):
        config("pv", **changes)
