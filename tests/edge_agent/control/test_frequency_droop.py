"""IEEE 1547-2018 frequency-droop (6.5.2.7) and the contracted upward response."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.control.frequency_droop import FrequencyDroop, activation, reserve_w
from vpp_core.ids import DerId
from vpp_core.interval import Interval
from vpp_core.messages import FrequencyResponse, ReserveStep

DROOP = FrequencyDroop()
DROOP_50 = FrequencyDroop(nominal_hz=50.0)
RATING_W = 100_000.0
RESPONSE = FrequencyResponse()
NOW = datetime(2021, 8, 12, 19, tzinfo=UTC)


@pytest.mark.parametrize(
    ("droop", "frequency_hz", "change_w"),
    [
        pytest.param(DROOP, 60.0, 0.0, id="nominal-changes-nothing"),
        pytest.param(DROOP, 59.964, 0.0, id="lower-edge-of-the-dead-band-changes-nothing"),
        pytest.param(DROOP, 60.036, 0.0, id="upper-edge-of-the-dead-band-changes-nothing"),
        pytest.param(DROOP_50, 49.964, 0.0, id="binary-fractions-do-not-move-the-edge-at-50-hz"),
        pytest.param(DROOP, 59.963, RATING_W * 0.001 / 3.0, id="one-mhz-beyond-the-edge-begins-at-zero"),
        pytest.param(DROOP, 59.5, RATING_W * 0.464 / 3.0, id="under-frequency-raises-injection"),
        pytest.param(DROOP, 60.5, -RATING_W * 0.464 / 3.0, id="over-frequency-lowers-injection"),
        pytest.param(DROOP_50, 49.9, RATING_W * 0.064 / 2.5, id="droop-is-per-unit-of-nominal"),
        pytest.param(DROOP, 56.964, RATING_W, id="k-of-nominal-beyond-the-edge-is-the-rating"),
    ],
)
def test_droop_changes_power_from_its_value_before(
    droop: FrequencyDroop, frequency_hz: float, change_w: float
) -> None:
    assert droop.change_w(frequency_hz, RATING_W) == pytest.approx(change_w, abs=1e-6)


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
def test_responses_never_fall_when_frequency_falls(one_hz: float, other_hz: float) -> None:
    low_hz, high_hz = sorted((one_hz, other_hz))
    assert DROOP.change_w(low_hz, RATING_W) >= DROOP.change_w(high_hz, RATING_W)
    assert 0.0 <= activation(high_hz, RESPONSE) <= activation(low_hz, RESPONSE) <= 1.0


@given(st.floats(58.0, 62.0))
def test_a_millihertz_never_makes_a_jump(frequency_hz: float) -> None:
    jump_w = DROOP.change_w(frequency_hz, RATING_W) - DROOP.change_w(frequency_hz + 0.001, RATING_W)
    assert abs(jump_w) <= 2.001 * RATING_W * 0.001 / 3.0


@given(st.floats(0.0, 2.0))
def test_droop_is_the_same_on_both_sides(deviation_hz: float) -> None:
    low_w = DROOP.change_w(60.0 - deviation_hz, RATING_W)
    assert DROOP.change_w(60.0 + deviation_hz, RATING_W) == pytest.approx(-low_w, abs=RATING_W / 3_000.0)


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
