"""The heat sink: one mass that losses warm and ambient air cools."""

import math
from dataclasses import dataclass

ABSOLUTE_ZERO_C = -273.15


@dataclass(frozen=True, slots=True, kw_only=True)
class Cooling:
    """How warm a unit becomes, and what it does about it.

    Raises:
        ValueError: temperatures that contradict each other, or a time constant that is not above zero.
    """

    ambient_c: float = 25.0
    rise_c: float = 35.0
    """Of the heat sink over ambient, in the end, at the losses of rated injection."""
    time_constant_s: float = 600.0
    derating_from_c: float = 75.0
    """From here on less power, in a straight line ..."""
    derating_to_c: float = 95.0
    """... down to none."""
    alarm_c: float = 85.0

    def __post_init__(self) -> None:
        if self.ambient_c <= ABSOLUTE_ZERO_C:
            raise ValueError(f"ambient_c = {self.ambient_c:g} is colder than anything can be")
        if self.rise_c < 0.0:
            raise ValueError(f"rise_c = {self.rise_c:g} is negative: losses do not cool")
        if self.time_constant_s <= 0.0:
            raise ValueError(f"time_constant_s = {self.time_constant_s:g} is not above zero")
        if self.derating_to_c <= self.derating_from_c:
            raise ValueError(
                f"derating_to_c = {self.derating_to_c:g} is not above derating_from_c"
                f" = {self.derating_from_c:g}"
            )


class HeatSink:
    """Temperature as the exact answer of a first-order mass to a loss that is constant over a step."""

    def __init__(self, cooling: Cooling, rated_loss_w: float) -> None:
        self.cooling = cooling
        self.temperature_c = cooling.ambient_c
        self._c_per_w = cooling.rise_c / rated_loss_w if rated_loss_w > 0.0 else 0.0
        self._dt_s = self._share = 0.0

    def warm(self, loss_w: float, dt_s: float) -> None:
        if dt_s != self._dt_s:
            self._dt_s, self._share = dt_s, -math.expm1(-dt_s / self.cooling.time_constant_s)
        self.temperature_c += (self.settles_at_c(loss_w) - self.temperature_c) * self._share

    def settles_at_c(self, loss_w: float) -> float:
        """Where a constant loss would lead in the end."""
        return self.cooling.ambient_c + self._c_per_w * loss_w

    def stays_cool(self, loss_w: float) -> bool:
        """Whether a constant loss never leads to derating or alarm, nor is either there now."""
        warmest_c = max(self.temperature_c, self.settles_at_c(loss_w))
        return warmest_c < min(self.cooling.derating_from_c, self.cooling.alarm_c)

    @property
    def derating(self) -> float:
        """Share of the rating that the temperature leaves: 1 .. 0."""
        excess_c = self.temperature_c - self.cooling.derating_from_c
        if excess_c <= 0.0:
            return 1.0
        return max(0.0, 1.0 - excess_c / (self.cooling.derating_to_c - self.cooling.derating_from_c))

    @property
    def too_hot(self) -> bool:
        return self.temperature_c >= self.cooling.alarm_c
