"""Volt-var (IEEE 1547-2018, 5.3.3): curve, open-loop response, and a reference that may follow voltage."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.control.functions.curve import Curve
from edge_agent.control.functions.volt_var import (
    CATEGORY_A,
    CATEGORY_B,
    VoltVar,
    VoltVarState,
    at_rest,
    respond,
)

pytestmark = pytest.mark.req("IEEE 1547-2018 5.3.3")

DT_S = 0.1


def settled(settings: VoltVar, voltage_pu: float) -> float:
    return respond(settings, None, voltage_pu, DT_S).output_pu


@pytest.mark.parametrize(
    ("curve", "voltage_pu", "reactive_pu"),
    [
        pytest.param(CATEGORY_B, 0.90, 0.44, id="low-voltage-injects-all"),
        pytest.param(CATEGORY_B, 0.95, 0.22, id="half-way-down-injects-half"),
        pytest.param(CATEGORY_B, 1.0, 0.0, id="the-dead-band-asks-for-nothing"),
        pytest.param(CATEGORY_B, 1.05, -0.22, id="half-way-up-absorbs-half"),
        pytest.param(CATEGORY_B, 1.10, -0.44, id="high-voltage-absorbs-all"),
        pytest.param(CATEGORY_A, 0.95, 0.125, id="category-a-has-no-dead-band"),
    ],
)
def test_the_curve(curve: Curve, voltage_pu: float, reactive_pu: float) -> None:
    assert settled(VoltVar(curve=curve), voltage_pu) == pytest.approx(reactive_pu)


@pytest.mark.parametrize("response_s", [1.0, 5.0, 10.0, 90.0])
def test_ninety_percent_within_the_response_time(response_s: float) -> None:
    settings = VoltVar(response_s=response_s)
    dt_s = response_s / 200.0
    state = respond(settings, None, 1.0, dt_s)
    for _ in range(200):
        state = respond(settings, state, 1.06, dt_s)
    assert 0.9 <= state.output_pu / settled(settings, 1.06) + 0.005 <= 0.92


@pytest.mark.parametrize("reference_pu", [0.95, 1.05])
def test_the_curve_shifts_with_its_reference(reference_pu: float) -> None:
    moved = VoltVar(reference_pu=reference_pu)
    assert settled(moved, reference_pu) == 0.0
    assert settled(moved, reference_pu + 0.05) == pytest.approx(settled(VoltVar(), 1.05))


@pytest.mark.parametrize("tracking_s", [300.0, 5_000.0])
def test_a_tracking_reference_follows_voltage_in_its_time_constant(tracking_s: float) -> None:
    settings = VoltVar(tracking_s=tracking_s)
    state: VoltVarState | None = None
    dt_s = tracking_s / 100.0
    for _ in range(100):
        state = respond(settings, state, 1.04, dt_s)
    assert state is not None
    assert state.reference_pu == pytest.approx(1.0 + 0.04 * 0.632, abs=0.001)
    for _ in range(1_000):
        state = respond(settings, state, 1.04, dt_s)
    assert state.output_pu == pytest.approx(0.0, abs=1e-6), "what lasts is nothing to answer"


@pytest.mark.parametrize(("voltage_pu", "reference_pu"), [(1.2, 1.05), (0.8, 0.95)])
def test_a_tracking_reference_stays_in_its_range(voltage_pu: float, reference_pu: float) -> None:
    state: VoltVarState | None = None
    for _ in range(1_000):
        state = respond(VoltVar(tracking_s=300.0), state, voltage_pu, 10.0)
    assert state is not None
    assert state.reference_pu == reference_pu


def test_a_ceased_device_starts_again_from_nothing_and_keeps_its_reference() -> None:
    state = respond(VoltVar(tracking_s=300.0), None, 1.06, 100.0)
    rested = at_rest(state)
    assert rested is not None
    assert (rested.output_pu, rested.reference_pu) == (0.0, state.reference_pu)
    assert at_rest(None) is None
    assert VoltVarState(1.0, None).output_pu == 0.0


@given(st.floats(0.8, 1.2), st.floats(0.8, 1.2), st.floats(0.95, 1.05))
def test_higher_voltage_never_injects_more(one_pu: float, other_pu: float, reference_pu: float) -> None:
    low_pu, high_pu = sorted((one_pu, other_pu))
    settings = VoltVar(reference_pu=reference_pu)
    assert -0.44 <= settled(settings, high_pu) <= settled(settings, low_pu) <= 0.44
