"""The open-loop response: 90 % at the response time, never more than the target, for any step width."""

import math
from itertools import pairwise

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from simulators.devices.functions.response import OpenLoopResponse

RESPONSES_S = st.floats(0.2, 90.0)
STEPS_S = st.floats(0.005, 1.0)
VALUES = st.floats(-1.0, 1.0)


@pytest.mark.parametrize("dt_s", [0.005, 0.02, 0.1])
@pytest.mark.parametrize("response_s", [0.2, 1.0, 5.0, 10.0, 60.0])
def test_ninety_percent_of_a_step_at_the_response_time(response_s: float, dt_s: float) -> None:
    response = OpenLoopResponse(response_s, settled_at=0.0)
    outputs = [response.follow(1.0, dt_s) for _ in range(round(response_s / dt_s))]
    # The jump counts as a straight line over the step that brings it: half a step late, which at 90 % of the
    # way is worth half of ln 10 tenths of dt / response.
    assert outputs[-1] == pytest.approx(0.9, abs=0.25 * dt_s / response_s + 1e-9)
    assert 0.0 < outputs[0] < 0.6


def test_the_middle_of_the_way_is_that_of_a_first_order_lag() -> None:
    response = OpenLoopResponse(5.0, settled_at=0.0)
    outputs = [response.follow(1.0, 0.01) for _ in range(500)]
    lag_s = 5.0 / math.log(10.0)
    for at_s in (1.0, 2.0, 3.0, 4.0):
        expected = 1.0 - math.exp(-(at_s - 0.005) / lag_s)
        assert outputs[round(at_s / 0.01) - 1] == pytest.approx(expected, abs=1e-4)


def test_without_a_beginning_the_first_target_settles_it() -> None:
    assert OpenLoopResponse(5.0).follow(0.7, 0.02) == 0.7


@pytest.mark.parametrize("response_s", [0.0, 0.01, 0.02])
def test_a_response_shorter_than_the_step_is_none(response_s: float) -> None:
    response = OpenLoopResponse(response_s, settled_at=0.0)
    assert response.follow(1.0, 0.02) == 1.0


@given(RESPONSES_S, STEPS_S, VALUES, VALUES)
def test_a_step_is_approached_from_one_side_without_ever_going_back(
    response_s: float, dt_s: float, before: float, after: float
) -> None:
    response = OpenLoopResponse(response_s, settled_at=before)
    outputs = [before, *(response.follow(after, dt_s) for _ in range(50))]
    distances = [abs(output - after) for output in outputs]
    assert all(b <= a + 1e-12 for a, b in pairwise(distances))
    assert all(min(before, after) - 1e-12 <= output <= max(before, after) + 1e-12 for output in outputs)


@given(RESPONSES_S, st.lists(st.tuples(STEPS_S, VALUES), min_size=1, max_size=40))
def test_the_output_stays_among_the_targets_whatever_the_steps(
    response_s: float, moves: list[tuple[float, float]]
) -> None:
    response = OpenLoopResponse(response_s, settled_at=0.0)
    seen = [0.0]
    for dt_s, target in moves:
        seen.append(target)
        output = response.follow(target, dt_s)
        assert min(seen) - 1e-12 <= output <= max(seen) + 1e-12


@given(RESPONSES_S, st.floats(0.005, 0.05))
def test_two_half_steps_do_nearly_what_one_step_does(response_s: float, dt_s: float) -> None:
    assume(response_s > 10.0 * dt_s)
    whole, halves = OpenLoopResponse(response_s, settled_at=0.0), OpenLoopResponse(response_s, settled_at=0.0)
    for number in range(1, 20):
        halves.follow((number - 0.5) / 20, dt_s / 2)
        assert halves.follow(number / 20, dt_s / 2) == pytest.approx(
            whole.follow(number / 20, dt_s), abs=1e-3
        )


def test_a_new_response_time_goes_on_from_where_it_is() -> None:
    response = OpenLoopResponse(10.0, settled_at=0.0)
    reached = [response.follow(1.0, 0.02) for _ in range(100)][-1]
    response.respond_in(0.2)
    after = response.follow(1.0, 0.02)
    assert reached < after < 1.0
