"""How fast a unit answers: a dead time before commands count, then a ramp and a first-order lag."""

import math
from collections import deque
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")

NEAR_PU = 1e-7
"""So near to its target a lag has arrived."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """Speed of the firmware and the power stage.

    Raises:
        ValueError: a time is negative.
    """

    dead_time_s: float = 0.02
    """From a command to the first change of power."""
    lag_s: float = 0.02
    """Time constant of the power stage."""
    ramp_s: float = 0.05
    """From nothing to the rating at the fastest; 0 at once."""

    def __post_init__(self) -> None:
        for name in ("dead_time_s", "lag_s", "ramp_s"):
            if not (value := getattr(self, name)) >= 0.0:
                raise ValueError(f"{name} = {value:g} is negative: nothing answers before it is asked")


class DeadTime(Generic[T]):
    """Values that count only some time after they were said."""

    def __init__(self, first: T) -> None:
        self.present = first
        self._latest = first
        self._coming: deque[tuple[float, T]] = deque()

    def say(self, value: T, counts_from_s: float) -> None:
        if value != self._latest:
            self._latest = value
            self._coming.append((counts_from_s, value))

    def at(self, now_s: float) -> T:
        """The newest value whose time has come; call with ascending times."""
        while self._coming and self._coming[0][0] <= now_s:
            self.present = self._coming.popleft()[1]
        return self.present

    def next_s(self) -> float:
        """When the next value counts; infinity where none waits."""
        return self._coming[0][0] if self._coming else math.inf

    def forget(self, value: T) -> None:
        """Nothing waits any more, and this is what counts."""
        self._coming.clear()
        self.present = self._latest = value


class Follower:
    """A quantity that follows its target: at most so much a second, and behind a first-order lag."""

    def __init__(self, *, dt_s: float, lag_s: float, per_s: float, near: float) -> None:
        self.value = 0.0
        self._share = -math.expm1(-dt_s / lag_s) if lag_s > 0.0 else 1.0
        self._step_max = per_s * dt_s
        self._near = near

    def follow(self, target: float) -> float:
        way = target - self.value
        if -self._near <= way <= self._near:
            self.value = target
            return target
        move = way * self._share
        self.value += min(max(move, -self._step_max), self._step_max)
        return self.value
