"""Metered days: energy by step of the local day, and which days are alike.

A step is a number: local wall-clock seconds since midnight, divided by the step's length. The repeated
hour of a 25 h day adds up in its steps; the hour that a 23 h day skips has none.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date, timedelta
from fractions import Fraction
from typing import NamedTuple
from zoneinfo import ZoneInfo

from vpp_core.ids import SiteId
from vpp_core.interval import Interval
from vpp_core.units import SECONDS_PER_DAY

StepEnergy = Mapping[int, int]
"""Energy of one site by step of the local day (Wh, injection positive); a gap has no entry."""
History = Mapping[SiteId, Mapping[date, StepEnergy]]

SATURDAY = 5


class NoBaseline(ValueError):
    """There are not enough complete days or hours to compute a baseline from, or the event fits no steps."""


class Window(NamedTuple):
    """The steps of an event within its local day, and how long a step is."""

    day: date
    steps: range
    step_s: int

    @classmethod
    def of(cls, interval: Interval, zone: ZoneInfo, step_s: int) -> "Window":
        """The window of an event.

        Raises:
            NoBaseline: the event crosses local midnight or does not start and end on a step.
        """
        start, end = interval.start.astimezone(zone), interval.end.astimezone(zone)
        first_s = start.hour * 3_600 + start.minute * 60 + start.second
        length_s = int(interval.duration_s)
        if first_s % step_s or length_s % step_s or first_s + length_s > SECONDS_PER_DAY:
            raise NoBaseline(f"an event from {start} to {end} does not fit steps of {step_s} s of one day")
        return cls(start.date(), range(first_s // step_s, (first_s + length_s) // step_s), step_s)

    def before(self, buffer_s: int, window_s: int) -> range:
        """The steps of a window that ends ``buffer_s`` before the event."""
        end = self.steps.start - buffer_s // self.step_s
        return range(end - window_s // self.step_s, end)

    def after(self, buffer_s: int, window_s: int) -> range:
        """The steps of a window that begins ``buffer_s`` after the event."""
        start = self.steps.stop + buffer_s // self.step_s
        return range(start, start + window_s // self.step_s)


def is_working_day(day: date, holidays: Collection[date]) -> bool:
    return day.weekday() < SATURDAY and day not in holidays


def like_days(
    candidates: Iterable[date],
    like: date,
    *,
    lookback_days: int,
    excluded: Collection[date],
    holidays: Collection[date],
) -> list[date]:
    """Earlier days of the same kind (working day or not) without events, newest first."""
    kind, oldest = is_working_day(like, holidays), like - timedelta(days=lookback_days)
    return sorted(
        (
            day
            for day in set(candidates)
            if oldest <= day < like and day not in excluded and is_working_day(day, holidays) is kind
        ),
        reverse=True,
    )


def complete(days: Mapping[date, StepEnergy], steps: Collection[int]) -> set[date]:
    """The days that have energy in every one of the steps."""
    return {day for day, energy_wh in days.items() if all(step in energy_wh for step in steps)}


def mean_day(days: Sequence[StepEnergy], steps: Collection[int]) -> dict[int, Fraction]:
    """The mean energy of each step over some days (Wh, exact)."""
    return {step: Fraction(sum(day[step] for day in days), len(days)) for step in steps}


def total_by_day(history: History, days: Iterable[date], steps: Collection[int]) -> dict[date, int]:
    """Energy of all sites together over some steps of each day (Wh, injection positive)."""
    return {day: sum(site[day][step] for site in history.values() for step in steps) for day in days}
