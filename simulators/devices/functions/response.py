"""The open-loop response: what a function wants reaches the output with a first-order lag."""

import math

PER_RESPONSE_TIME = 2.0 / math.log(10.0)
"""Twice the time constant per response time: a first-order lag has done 90 % after ln 10 time constants."""


class OpenLoopResponse:
    """A first-order lag in the trapezoidal rule, for any series of steps in time.

    Between two steps the target counts as a straight line, so that a jump of the target moves the output in
    the very step that brings it. A response shorter than about one step is none.
    Every output is a weighted mean of the targets so far: it never overshoots.
    """

    __slots__ = ("_response_twice_s", "output", "target")

    def __init__(self, response_s: float, settled_at: float | None = None) -> None:
        """Start settled at a value; without one the first target settles it."""
        self.output = self.target = math.nan if settled_at is None else settled_at
        self.respond_in(response_s)

    def respond_in(self, response_s: float) -> None:
        """Replace the response time (90 % of a step), keeping the output where it is."""
        self._response_twice_s = response_s * PER_RESPONSE_TIME

    def settle(self, value: float) -> None:
        self.output = self.target = value

    def follow(self, target: float, dt_s: float) -> float:
        """Go one step of ``dt_s`` towards the target, and return the output after it."""
        output = self.output
        if self._response_twice_s <= dt_s or output != output:  # noqa: PLR0124 - NaN: nothing to start from
            output = target
        else:
            share = dt_s / (dt_s + self._response_twice_s)
            output += share * (target + self.target - output - output)
        self.target = target
        self.output = output
        return output
