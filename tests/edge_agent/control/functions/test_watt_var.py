"""Watt-var (IEEE 1547-2018, 5.3.4): reactive power against active power."""

import pytest

from edge_agent.control.functions.open_loop import Lag
from edge_agent.control.functions.watt_var import WattVar, respond

pytestmark = pytest.mark.req("IEEE 1547-2018 5.3.4")


@pytest.mark.parametrize(
    ("injection_pu", "reactive_pu"),
    [
        pytest.param(0.0, 0.0, id="no-power-asks-for-nothing"),
        pytest.param(0.5, 0.0, id="half-power-asks-for-nothing"),
        pytest.param(0.75, -0.22, id="more-injection-absorbs"),
        pytest.param(1.0, -0.44, id="full-injection-absorbs-all"),
        pytest.param(-0.75, 0.22, id="more-charging-injects"),
        pytest.param(-1.0, 0.44, id="full-charging-injects-all"),
    ],
)
def test_the_curve(injection_pu: float, reactive_pu: float) -> None:
    assert respond(WattVar(), None, injection_pu, 0.1).output == pytest.approx(reactive_pu)


def test_ninety_percent_within_the_response_time() -> None:
    lag = Lag(0.0, 0.0)
    for _ in range(200):
        lag = respond(WattVar(response_s=10.0), lag, 1.0, 0.05)
    assert lag.output / -0.44 == pytest.approx(0.9, abs=0.005)
