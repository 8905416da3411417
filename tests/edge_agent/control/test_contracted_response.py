"""The contracted upward response: how much of the reserve a frequency asks for."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.control.contracted_response import activation, reserve_w
from vpp_core.ids import DerId
from vpp_core.interval import Interval
from vpp_core.messages import FrequencyResponse, ReserveStep

RESPONSE = FrequencyResponse()
NOW = datetime(2021, 8, 12, 19, tzinfo=UTC)


@pytest.mark.parametrize(
    ("frequency_hz", "share"),
    [
        pytest.param(60.0, 0.0, id="nominal-activates-nothing"),
        pytest.param(59.964, 0.0, id="the-edge-of-the-dead-band-activates-nothing"),
        pytest.param(59.732, 0.5, id="half-way-activates-half"),
        pytest.param(59.5, 1.0, id="the-full-deviation-activates-all"),
        pytest.param(58.0, 1.0, id="more-than-the-full-deviation-activates-no-more"),
        pytest.param(60.5, 0.0, id="upward-reserve-ignores-over-frequency"),
    ],
)
def test_contracted_response_is_linear_from_the_dead_band(frequency_hz: float, share: float) -> None:
    assert activation(frequency_hz, RESPONSE) == pytest.approx(share)


def test_a_response_narrower_than_a_millihertz_is_a_step() -> None:
    step = FrequencyResponse(deadband_hz=0.1, full_activation_hz=0.1004)
    assert activation(59.9, step) == 0.0
    assert activation(59.8, step) == 1.0


@given(st.floats(58.0, 62.0), st.floats(58.0, 62.0))
def test_the_response_never_falls_when_frequency_falls(one_hz: float, other_hz: float) -> None:
    low_hz, high_hz = sorted((one_hz, other_hz))
    assert 0.0 <= activation(high_hz, RESPONSE) <= activation(low_hz, RESPONSE) <= 1.0


def test_reserve_is_what_the_steps_of_now_hold_for_the_device() -> None:
    hour = Interval.of(NOW, 3_600.0)
    steps = (
        ReserveStep(interval=hour, der_id=DerId("a"), reserve_w=1_000.0),
        ReserveStep(interval=hour, der_id=DerId("b"), reserve_w=500.0),
    )
    response = FrequencyResponse(steps=steps)
    assert reserve_w(response, DerId("a"), NOW) == 1_000.0
    assert reserve_w(response, DerId("c"), NOW) == 0.0
    assert reserve_w(response, DerId("a"), NOW + timedelta(hours=1)) == 0.0
