"""When to try to connect again."""

import random

PAUSE_S_MIN = 0.1
_SHORTEST = 0.5


class Reconnect:
    """Pauses that double up to a cap, each shortened at random, so that no two links knock in step.

    Args:
        pause_s_max: the cap.
        chance: of the shortening.
    """

    def __init__(self, pause_s_max: float, chance: random.Random) -> None:
        self._pause_s_max = pause_s_max
        self._chance = chance
        self._pause_s = 0.0
        self._retry_at_s = 0.0

    def wait_s(self, now_s: float) -> float:
        """What is left of the pause; zero or less when it is over."""
        return self._retry_at_s - now_s

    def failed(self, now_s: float) -> None:
        self._pause_s = min(max(2.0 * self._pause_s, PAUSE_S_MIN), self._pause_s_max)
        self._retry_at_s = now_s + self._pause_s * self._chance.uniform(_SHORTEST, 1.0)

    def succeeded(self) -> None:
        self._pause_s = 0.0
