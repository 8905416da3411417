"""Volt-watt (IEEE 1547-2018, 5.4.2): a ceiling that falls with voltage."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.control.functions.curve import Curve
from edge_agent.control.functions.open_loop import Lag
from edge_agent.control.functions.volt_watt import VoltWatt, ceiling

pytestmark = pytest.mark.req("IEEE 1547-2018 5.4.2")

STORAGE = VoltWatt(curve=Curve(((1.06, 1.0), (1.10, -1.0))))


@pytest.mark.parametrize(
    ("settings", "voltage_pu", "ceiling_pu"),
    [
        pytest.param(VoltWatt(), 1.0, 1.0, id="normal-voltage-limits-nothing"),
        pytest.param(VoltWatt(), 1.06, 1.0, id="the-first-corner-limits-nothing"),
        pytest.param(VoltWatt(), 1.08, 0.5, id="half-way-leaves-half"),
        pytest.param(VoltWatt(), 1.10, 0.0, id="the-second-corner-leaves-nothing"),
        pytest.param(VoltWatt(), 1.15, 0.0, id="beyond-it-neither"),
        pytest.param(STORAGE, 1.10, -1.0, id="storage-may-have-to-charge"),
    ],
)
def test_the_curve(settings: VoltWatt, voltage_pu: float, ceiling_pu: float) -> None:
    assert ceiling(settings, None, voltage_pu, 0.1).output == pytest.approx(ceiling_pu)


@pytest.mark.parametrize("response_s", [0.5, 2.0, 10.0, 60.0])
def test_ninety_percent_within_the_response_time(response_s: float) -> None:
    settings = VoltWatt(response_s=response_s)
    lag = Lag(1.0, 1.0)
    for _ in range(200):
        lag = ceiling(settings, lag, 1.08, response_s / 200.0)
    assert (1.0 - lag.output) / 0.5 == pytest.approx(0.9, abs=0.005)


@given(
    st.floats(1.05, 1.09),
    st.floats(0.005, 0.05),
    st.floats(-1.0, 1.0),
    st.floats(0.8, 1.2),
    st.floats(0.8, 1.2),
)
def test_higher_voltage_never_allows_more(
    first_pu: float, width_pu: float, least_pu: float, one_pu: float, other_pu: float
) -> None:
    settings = VoltWatt(curve=Curve(((first_pu, 1.0), (first_pu + width_pu, least_pu))))
    low_pu, high_pu = sorted((one_pu, other_pu))
    at_high, at_low = (ceiling(settings, None, voltage_pu, 0.1).output for voltage_pu in (high_pu, low_pu))
    assert least_pu - 1e-12 <= at_high <= at_low + 1e-12
