"""Settled power for any settings in the standard's ranges, at 50 and 60 Hz, against written formulas."""

from math import sqrt
from typing import NamedTuple

from hypothesis import given
from hypothesis import strategies as st

from edge_agent.control.functions.capability import Capability
from edge_agent.control.functions.curve import Curve
from edge_agent.control.functions.frequency_droop import FrequencyDroop
from edge_agent.control.functions.trips import Category, default_trips
from edge_agent.control.functions.volt_var import VoltVar
from edge_agent.control.functions.volt_watt import VoltWatt
from edge_agent.control.grid_code import GridCode, GridCodeSettings, GridState, Measured

STEPS = 160
"""Eight response times of twenty steps: what is left of a step is below 1e-6."""


class Droop(NamedTuple):
    nominal_hz: float
    over_hz: float
    under_hz: float
    over_pu: float
    under_pu: float

    def settled(self, before_pu: float, frequency_hz: float) -> float:
        above_hz = frequency_hz - self.nominal_hz
        if above_hz > self.over_hz:
            return max(before_pu - (above_hz - self.over_hz) / (self.nominal_hz * self.over_pu), -1.0)
        if -above_hz > self.under_hz:
            return min(before_pu + (-above_hz - self.under_hz) / (self.nominal_hz * self.under_pu), 1.0)
        return before_pu


DROOPS = st.builds(
    Droop,
    st.sampled_from((50.0, 60.0)),
    st.floats(0.017, 1.0),
    st.floats(0.017, 1.0),
    st.floats(0.02, 0.05),
    st.floats(0.02, 0.05),
)


@st.composite
def volt_var_corners(draw: st.DrawFn) -> tuple[tuple[float, float], ...]:
    v1, v2 = draw(st.floats(0.77, 0.9)), draw(st.floats(0.92, 0.99))
    v3, v4 = draw(st.floats(1.0, 1.03)), draw(st.floats(1.05, 1.18))
    return (v1, draw(st.floats(0.0, 0.44))), (v2, 0.0), (v3, 0.0), (v4, draw(st.floats(-0.44, 0.0)))


@st.composite
def volt_watt_corners(draw: st.DrawFn) -> tuple[tuple[float, float], ...]:
    v1 = draw(st.floats(1.05, 1.09))
    return (v1, 1.0), (draw(st.floats(v1 + 0.005, 1.1)), draw(st.floats(-1.0, 1.0)))


def line(voltage_pu: float, corners: tuple[tuple[float, float], ...]) -> float:
    """The value of the line between the corners around a voltage."""
    if voltage_pu <= corners[0][0]:
        return corners[0][1]
    if voltage_pu >= corners[-1][0]:
        return corners[-1][1]
    number = next(i for i, (x, _) in enumerate(corners) if x > voltage_pu)
    (x0, y0), (x1, y1) = corners[number - 1], corners[number]
    return y0 + (y1 - y0) * (voltage_pu - x0) / (x1 - x0)


@given(
    DROOPS,
    volt_var_corners(),
    volt_watt_corners(),
    st.tuples(st.floats(0.89, 1.09), st.floats(-0.02, 0.02), st.floats(-1.0, 1.0)),
    st.floats(0.2, 10.0),
)
def test_settled_power(
    droop: Droop,
    volt_var: tuple[tuple[float, float], ...],
    volt_watt: tuple[tuple[float, float], ...],
    grid: tuple[float, float, float],
    response_s: float,
) -> None:
    voltage_pu, deviation, wanted_pu = grid
    frequency_hz = droop.nominal_hz * (1.0 + deviation)
    code = GridCode(
        GridCodeSettings(
            nominal_hz=droop.nominal_hz,
            trips=default_trips(Category.III, droop.nominal_hz),
            capability=Capability(injection_min_pu=-1.0),
            frequency_droop=FrequencyDroop(
                nominal_hz=droop.nominal_hz,
                deadband_over_hz=droop.over_hz,
                deadband_under_hz=droop.under_hz,
                droop_over_pu=droop.over_pu,
                droop_under_pu=droop.under_pu,
                response_s=response_s,
            ),
            volt_var=VoltVar(curve=Curve(volt_var), response_s=response_s),
            volt_watt=VoltWatt(curve=Curve(volt_watt), response_s=response_s),
        )
    )
    dt_s = response_s / 20.0
    state, decision = code.decide(GridState(), Measured(1.0, droop.nominal_hz, 1.0, wanted_pu), dt_s)
    before_pu = state.injection_pu
    assert before_pu is not None
    for _ in range(STEPS):
        state, decision = code.decide(state, Measured(voltage_pu, frequency_hz, 1.0, wanted_pu), dt_s)
    reactive_pu = line(voltage_pu, volt_var)
    injection_pu = min(droop.settled(before_pu, frequency_hz), line(voltage_pu, volt_watt))
    most_pu = sqrt(1.0 - reactive_pu * reactive_pu)
    assert abs(decision.reactive_pu - reactive_pu) < 1e-5
    assert abs(decision.injection_pu - min(max(injection_pu, -most_pu), most_pu)) < 1e-5
