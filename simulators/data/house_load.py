"""SYNTHETIC house load: invented by a seeded rule, measured nowhere. Whatever shows it must say so.

A house draws a base load, a morning and an evening peak that differ between weekdays and weekends, air
conditioning that follows a summer afternoon and cycles, and appliances that start by chance. The load is
a fixed function of time, so that the history of past weeks and the live value agree exactly.
"""

import math
import random
from datetime import UTC, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

from vpp_core.units import SECONDS_PER_HOUR

LOCAL = ZoneInfo("America/Chicago")
KNOT_S = 300.0
KNOTS_PER_DAY = 288
DAY_S = 86_400.0
FLOOR_W = 120.0

_CYCLE_KNOTS = 4
"""Air conditioning runs in cycles of 20 minutes."""


class HouseLoad:
    """Consumption of one house in W (a magnitude), straight lines between knots five minutes apart.

    Args:
        seed: the same seed gives the same house.
        scale: size of the house; 1 is about 38 kWh on a summer day.
    """

    def __init__(self, seed: int, scale: float = 1.0) -> None:
        self._seed = seed
        self._scale = scale
        self._day = lru_cache(maxsize=64)(self._make_day)

    def power_w(self, at_s: float) -> float:
        """Consumption at Unix second ``at_s``."""
        knot = math.floor(at_s / KNOT_S)
        share = at_s / KNOT_S - knot
        before_w, after_w = self._knot_w(knot), self._knot_w(knot + 1)
        return before_w + (after_w - before_w) * share

    def next_knot_s(self, at_s: float) -> float:
        """The first knot after ``at_s``: until then the load is a straight line."""
        return (math.floor(at_s / KNOT_S) + 1) * KNOT_S

    def energy_wh(self, start_s: float, end_s: float) -> float:
        """The exact integral from ``start_s`` to ``end_s``."""
        total_ws, at_s = 0.0, start_s
        while at_s < end_s:
            until_s = min(self.next_knot_s(at_s), end_s)
            total_ws += (until_s - at_s) * (self.power_w(at_s) + self.power_w(until_s)) / 2
            at_s = until_s
        return total_ws / SECONDS_PER_HOUR

    def _knot_w(self, knot: int) -> float:
        day, index = divmod(knot, KNOTS_PER_DAY)
        return self._day(day)[index]

    def _make_day(self, day: int) -> tuple[float, ...]:
        """The knots of one UTC day."""
        start_s = day * DAY_S
        local = datetime.fromtimestamp(start_s, UTC).astimezone(LOCAL)
        first_hour = local.hour + local.minute / 60
        chance = random.Random(f"house {self._seed} day {day}")  # noqa: S311
        heat = _heat_of(day) * chance.uniform(0.9, 1.1)
        appliances_w = _appliances_w(chance)
        phase = chance.randrange(_CYCLE_KNOTS)
        weekday = local.weekday()
        knots_w = []
        for index in range(KNOTS_PER_DAY):
            hours = first_hour + index * 24 / KNOTS_PER_DAY
            hour = hours % 24
            weekend = (weekday + int(hours // 24)) % 7 >= 5  # noqa: PLR2004
            steady_w = _occupants_w(hour, weekend=weekend)
            cooling_w = _cooling_w(hour, heat) * (
                1.5 if (index + phase) % _CYCLE_KNOTS < _CYCLE_KNOTS // 2 else 0.5
            )
            noise_w = chance.uniform(-40.0, 40.0)
            knots_w.append(max(FLOOR_W, self._scale * (steady_w + cooling_w + appliances_w[index] + noise_w)))
        return tuple(knots_w)


def _heat_of(day: int) -> float:
    """How hot a day is, 0.6 .. 1.2 of a usual August day; the same for all houses. Winter days are cool."""
    season = 0.5 - 0.5 * math.cos(2 * math.pi * (day % 365.25 - 25) / 365.25)
    weather = random.Random(f"weather {day}").uniform(0.75, 1.2)  # noqa: S311
    return max(0.0, season * 1.6 - 0.6) * weather


def _occupants_w(hour: float, *, weekend: bool) -> float:
    morning_w = _bump(hour, centre=8.5 if weekend else 7.0, width=1.2) * 450.0
    noon_w = _bump(hour, centre=13.0, width=2.5) * (350.0 if weekend else 120.0)
    evening_w = _bump(hour, centre=19.5, width=2.2) * 1_150.0
    return 330.0 + morning_w + noon_w + evening_w


def _cooling_w(hour: float, heat: float) -> float:
    return heat * (350.0 + 1_500.0 * _bump(hour, centre=16.5, width=3.6))


def _bump(hour: float, *, centre: float, width: float) -> float:
    away = abs(hour - centre)
    away = min(away, 24.0 - away)
    return math.exp(-0.5 * (away / width) ** 2)


def _appliances_w(chance: random.Random) -> list[float]:
    """Kettles, ovens, laundry: a few rectangles of power somewhere in the day."""
    knots_w = [0.0] * KNOTS_PER_DAY
    for _ in range(chance.randint(4, 8)):
        start, length = chance.randrange(KNOTS_PER_DAY), chance.randint(1, 9)
        draw_w = chance.uniform(400.0, 1_900.0)
        for index in range(start, min(start + length, KNOTS_PER_DAY)):
            knots_w[index] += draw_w
    return knots_w
