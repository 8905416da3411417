"""How good a baseline is: the rule applied to days without an event, where the truth is known."""

import math
from collections.abc import Mapping
from datetime import date
from typing import NamedTuple

from cloud.settlement.baselines import Calendar, compute
from cloud.settlement.days import History, NoBaseline, Window, is_working_day
from cloud.settlement.rules import BaselineRule
from vpp_core.ids import SiteId
from vpp_core.units import PERCENT

DAYS_MAX = 10


class Placebo(NamedTuple):
    """Errors of a baseline on days without an event, on the aggregate of the sites."""

    days: int
    bias_pct: float
    """Positive: the baseline claims more consumption than there was, and would pay for noise."""
    cvrmse_pct: float
    """Root mean square error of a step over the mean size of a step."""


def placebo(rule: BaselineRule, history: History, window: Window, calendar: Calendar) -> Placebo | None:
    """Play the event's hours on up to ten earlier like days; nothing if no day has enough history."""
    errors_wh: list[float] = []
    sizes_wh: list[float] = []
    days = 0
    for day in _candidates(history, window.day, calendar):
        if days == DAYS_MAX:
            break
        actual = {site: energy[day] for site, energy in sorted(history.items()) if day in energy}
        earlier = {site: _before(energy, day) for site, energy in history.items()}
        there = Window(day, window.steps, window.step_s)
        try:
            result = compute(rule, earlier, actual, there, calendar)
        except NoBaseline:
            continue
        sites = [site for site in result.sites if _has(actual, site, window)]
        if not sites:
            continue
        days += 1
        for step in window.steps:
            truth_wh = sum(actual[site][step] for site in sites)
            errors_wh.append(float(truth_wh - sum(result.sites[site][step] for site in sites)))
            sizes_wh.append(float(abs(truth_wh)))
    size_wh = sum(sizes_wh)
    if not size_wh:
        return None
    mean_square = sum(error_wh**2 for error_wh in errors_wh) / len(errors_wh)
    return Placebo(
        days=days,
        bias_pct=PERCENT * sum(errors_wh) / size_wh,
        cvrmse_pct=PERCENT * math.sqrt(mean_square) / (size_wh / len(sizes_wh)),
    )


def _candidates(history: History, event_day: date, calendar: Calendar) -> list[date]:
    kind = is_working_day(event_day, calendar.holidays)
    days = {day for energy in history.values() for day in energy}
    return sorted(
        (
            day
            for day in days
            if day < event_day
            and day not in calendar.event_days
            and is_working_day(day, calendar.holidays) is kind
        ),
        reverse=True,
    )


def _before(days: Mapping[date, Mapping[int, int]], day: date) -> dict[date, Mapping[int, int]]:
    return {earlier: steps for earlier, steps in days.items() if earlier < day}


def _has(actual: Mapping[SiteId, Mapping[int, int]], site: SiteId, window: Window) -> bool:
    return site in actual and all(step in actual[site] for step in window.steps)
