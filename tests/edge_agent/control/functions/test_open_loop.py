"""The open-loop response: 90 % within the response time, never beyond its target, direct where it is 0."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.control.functions.open_loop import Lag, follow

POWERS = st.floats(-1.0, 1.0)


def stepped(response_s: float, dt_s: float, duration_s: float) -> float:
    """The output a duration after a step from 0 to 1."""
    lag = Lag(0.0, 0.0)
    for _ in range(round(duration_s / dt_s)):
        lag = follow(lag, 1.0, response_s, dt_s)
    return lag.output


@pytest.mark.parametrize("response_s", [0.2, 0.5, 1.0, 5.0, 10.0, 60.0, 90.0])
def test_ninety_percent_at_the_response_time(response_s: float) -> None:
    assert stepped(response_s, response_s / 500.0, response_s) == pytest.approx(0.9, abs=0.003)


@pytest.mark.parametrize(
    ("response_s", "dt_s"),
    [
        pytest.param(0.0, 0.02, id="no-response-time-is-direct"),
        pytest.param(0.0, 0.0, id="no-response-time-is-direct-even-without-time"),
        pytest.param(0.2, 0.2, id="a-response-time-below-1.15-steps-is-direct"),
    ],
)
def test_direct(response_s: float, dt_s: float) -> None:
    assert follow(Lag(0.0, 0.0), 1.0, response_s, dt_s) == Lag(1.0, 1.0)


def test_the_first_step_is_direct() -> None:
    assert follow(None, 0.7, 5.0, 0.02) == Lag(0.7, 0.7)


def test_no_time_moves_nothing() -> None:
    assert follow(Lag(0.0, 0.25), 1.0, 5.0, 0.0).output == 0.25


@given(POWERS, POWERS, POWERS, st.floats(0.0, 90.0), st.floats(0.0, 10.0))
def test_the_output_stays_between_former_output_and_targets(
    was_target: float, was_output: float, target: float, response_s: float, dt_s: float
) -> None:
    output = follow(Lag(was_target, was_output), target, response_s, dt_s).output
    hull = was_target, was_output, target
    assert min(hull) - 1e-12 <= output <= max(hull) + 1e-12


@given(POWERS, POWERS, st.floats(0.2, 90.0))
def test_a_higher_target_never_gives_a_lower_output(one: float, other: float, response_s: float) -> None:
    low, high = sorted((one, other))
    was = Lag(0.0, 0.0)
    assert follow(was, low, response_s, 0.02).output <= follow(was, high, response_s, 0.02).output
