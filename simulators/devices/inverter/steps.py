"""The grid of time on which a unit lives."""

import math

EARLY_STEPS = 1e-3
"""A step whose instant is this little ahead of now has come: Unix seconds end at a quarter microsecond."""


class Steps:
    """Step ``n`` is the instant ``begins_s + n * step_s``; no sum drifts."""

    def __init__(self, begins_s: float, step_s: float) -> None:
        self.begins_s, self.step_s = begins_s, step_s

    def latest(self, now_s: float) -> int:
        """The number of the last step that has come."""
        return math.floor((now_s - self.begins_s) / self.step_s + EARLY_STEPS)

    def instant_s(self, number: int) -> float:
        return self.begins_s + number * self.step_s

    def refresh(self, last: int, refresh_s: float) -> int:
        """The step at which instruments were refreshed latest, seen from step ``last``.

        They are refreshed every ``refresh_s`` from the beginning on, at the first step that is not earlier.
        """
        per_refresh = refresh_s / self.step_s
        number = math.floor(last / per_refresh + EARLY_STEPS)
        return min(last, math.ceil(number * per_refresh - EARLY_STEPS))
