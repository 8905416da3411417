"""The open-loop response of a function: 90 % of a step is reached within the response time.

IEEE 1547-2018 asks for the time only; the shape is ours: a first-order lag, in trapezoidal steps.
"""

from typing import NamedTuple

RESPONSE_TIME_CONSTANTS = 2.3
"""A first-order lag has done 90 % of a step after so many time constants (ln 10)."""

SHORTEST_S = 1e-6
"""A shorter lag is none, whatever the step."""


class Lag(NamedTuple):
    """The last target and the last output."""

    target: float
    output: float


def follow(lag: Lag | None, target: float, response_s: float, dt_s: float) -> Lag:
    """One step of ``dt_s`` towards a target.

    The output stays between the former output and the two targets. A response time too short for the
    step (below 1.15 steps, and 0) is direct; so is the first step of all.
    """
    span_s = response_s * 2.0 / RESPONSE_TIME_CONSTANTS
    if lag is None or span_s < dt_s or span_s < SHORTEST_S:
        return Lag(target, target)
    was_target, was_output = lag
    whole_s = dt_s + span_s
    return Lag(target, (dt_s * (target + was_target) + (span_s - dt_s) * was_output) / whole_s)
