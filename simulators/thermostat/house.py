"""The heat of a house: one resistance to the outside, one capacity inside (1R1C), and the weather."""

from dataclasses import dataclass
from math import exp, pi, sin

from vpp_core.units import SECONDS_PER_DAY, SECONDS_PER_HOUR


class ImpossibleHouse(ValueError):
    """A house or a machine that cannot be; says which figure, and why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """Walls and what they enclose.

    Raises:
        ImpossibleHouse: a figure is not above zero.
    """

    resistance_k_per_w: float = 0.005
    """5 K for each kW that gets in or out."""
    capacity_wh_per_k: float = 2_000.0

    def __post_init__(self) -> None:
        if min(self.resistance_k_per_w, self.capacity_wh_per_k) <= 0.0:
            raise ImpossibleHouse("resistance_k_per_w and capacity_wh_per_k are above zero.")

    @property
    def time_constant_s(self) -> float:
        return self.resistance_k_per_w * self.capacity_wh_per_k * SECONDS_PER_HOUR

    def after(self, inside_c: float, outside_c: float, heat_w: float, duration_s: float) -> float:
        """The temperature inside after a time with constant weather and heat: the exact solution.

        Args:
            inside_c: at the beginning.
            outside_c: outside.
            heat_w: what sun, people and machines bring in; cooling is negative.
            duration_s: how long.
        """
        settles_c = outside_c + heat_w * self.resistance_k_per_w
        return settles_c + (inside_c - settles_c) * exp(-duration_s / self.time_constant_s)

    def stored_wh(self, from_c: float, to_c: float) -> float:
        """Heat that the house has taken up between two temperatures."""
        return self.capacity_wh_per_k * (to_c - from_c)


@dataclass(frozen=True, slots=True, kw_only=True)
class Weather:
    """A day that repeats itself: temperature and sun, and what people bring in."""

    mean_c: float = 29.0
    swing_c: float = 5.0
    """From the mean to the hottest hour."""
    hottest_s: float = 20.0 * SECONDS_PER_HOUR
    """Second of the UTC day; 20 h is mid-afternoon in Texas."""
    sun_w_max: float = 1_500.0
    """Through windows and roof, two hours before the hottest one."""
    people_w: float = 400.0

    def outside_c(self, at_s: float) -> float:
        return self.mean_c + self.swing_c * self._wave(at_s, self.hottest_s)

    def gains_w(self, at_s: float) -> float:
        """Sun and people."""
        sun = max(0.0, self._wave(at_s, self.hottest_s - 2.0 * SECONDS_PER_HOUR))
        return self.people_w + self.sun_w_max * sun

    def _wave(self, at_s: float, crest_s: float) -> float:
        return sin(2.0 * pi * ((at_s - crest_s) / SECONDS_PER_DAY + 0.25))
