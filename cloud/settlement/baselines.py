"""Baselines: what the meters would have shown without us, settled on the aggregate.

Household meters are noise; their sum is not (``docs/reference`` and the reference study: error 71 % a
site, 12 % in sum). So days are chosen and the same-day adjustment is computed on the sum of the sites,
and the result is shared out to the sites, in whole Wh that add up to the sum.

All arithmetic is exact (integers and fractions). Energy is injection positive, so consumption is
negative; "highest consumption" means lowest injection.

**Sites that export.** A ratio of two net loads means something only while both are consumption. Behind
a meter with PV the net load may be near zero or negative, where a factor explodes or points the wrong
way. The multiplicative adjustment is therefore used only if the aggregate baseline is consumption in
the adjustment window and in every step of the event, above ``SAFE_W_PER_SITE``; else the rule's
fallback: an additive adjustment capped at the same share of the event's baseline, or none. The result
says which, and why.
"""

from collections.abc import Collection, Mapping
from datetime import date
from fractions import Fraction
from typing import NamedTuple

from cloud.settlement.days import (
    History,
    NoBaseline,
    StepEnergy,
    Window,
    complete,
    like_days,
    mean_day,
    total_by_day,
)
from cloud.settlement.rules import Adjust, BaselineRule, Select
from vpp_core.ids import SiteId

SAFE_W_PER_SITE = 100
"""Mean consumption a site below which a ratio of net loads is not trusted."""
SECONDS_PER_HOUR = 3_600

SiteSteps = dict[SiteId, dict[int, Fraction]]


class Adjustment(NamedTuple):
    """What the same-day adjustment did to the aggregate; the two never act together."""

    factor: Fraction
    addition_wh: Fraction
    """Added to each step of the aggregate."""
    reason: str


class BaselineResult(NamedTuple):
    sites: dict[SiteId, dict[int, int]]
    """Baseline of each site and step of the event (whole Wh, injection positive)."""
    exact: dict[int, Fraction]
    """The aggregate before rounding (Wh)."""
    adjustment: Adjustment
    days: tuple[date, ...]
    """The days that entered, newest first."""
    left_out: tuple[SiteId, ...]
    """Sites with too little history: they have no baseline and cannot be paid by one."""


class Calendar(NamedTuple):
    """Days that must not enter a baseline, and days that count as weekends."""

    event_days: frozenset[date] = frozenset()
    holidays: frozenset[date] = frozenset()


def compute(
    rule: BaselineRule,
    history: History,
    actual: Mapping[SiteId, StepEnergy],
    window: Window,
    calendar: Calendar,
) -> BaselineResult:
    """The baseline of one event.

    Args:
        rule: the rule in force.
        history: metered days before the event, by site.
        actual: the day of the event as metered, good steps only; its steps outside the event are used.
        window: the event's steps.
        calendar: days of other events, and holidays.

    Raises:
        NoBaseline: not enough complete like days, or for a same-day rule not one complete site.
    """
    if rule.select is Select.SAME_DAY:
        return _same_day(rule, actual, window)
    pre = window.before(rule.buffer_s, rule.window_s) if rule.adjustment is not Adjust.NONE else range(0)
    needed = [*window.steps, *pre]
    days, enough, left_out = _choose(rule, history, needed, window, calendar)
    raw = {site: mean_day([enough[site][day] for day in days], needed) for site in sorted(enough)}
    adjustment = _adjust(rule, raw, actual, window, pre)
    adjusted, exact = _apply(rule, raw, adjustment, window)
    return BaselineResult(_whole(adjusted, window), exact, adjustment, tuple(days), left_out)


def round_together(exact: Mapping[SiteId, Fraction]) -> dict[SiteId, int]:
    """Whole numbers next to the exact ones, whose sum is the rounded sum (largest remainder)."""
    parts = {key: value.numerator // value.denominator for key, value in exact.items()}
    missing = round(sum(exact.values(), Fraction(0))) - sum(parts.values())
    for key in sorted(exact, key=lambda key: (parts[key] - exact[key], key))[:missing]:
        parts[key] += 1
    return parts


def _choose(
    rule: BaselineRule, history: History, needed: Collection[int], window: Window, calendar: Calendar
) -> tuple[list[date], dict[SiteId, Mapping[date, StepEnergy]], tuple[SiteId, ...]]:
    whole_days = {site: complete(days, needed) for site, days in history.items()}
    usable = {
        site: like_days(
            days,
            window.day,
            lookback_days=rule.lookback_days,
            excluded=calendar.event_days,
            holidays=calendar.holidays,
        )
        for site, days in whole_days.items()
    }
    enough = {site: history[site] for site, days in usable.items() if len(days) >= rule.days_min}
    common = set.intersection(*(set(usable[site]) for site in enough)) if enough else set()
    considered = sorted(common, reverse=True)[: rule.days]
    if len(considered) < rule.days_min:
        raise NoBaseline(
            f"{rule.label} needs {rule.days_min} complete days like {window.day}, there are {len(considered)}"
        )
    left_out = tuple(sorted(set(history) - set(enough)))
    return _select(rule, enough, considered, window), enough, left_out


def _select(rule: BaselineRule, history: History, considered: list[date], window: Window) -> list[date]:
    """Some of the considered days (newest first); ties keep the newer day."""
    if rule.select is Select.HIGHEST:
        injection_wh = total_by_day(history, considered, window.steps)
        return sorted(sorted(considered, key=lambda day: injection_wh[day])[: rule.keep], reverse=True)
    if rule.select is Select.MIDDLE:
        whole_wh = {day: sum(sum(site[day].values()) for site in history.values()) for day in considered}
        return sorted(sorted(considered, key=lambda day: whole_wh[day])[1:-1], reverse=True)
    return considered[: rule.keep]


def _same_day(rule: BaselineRule, actual: Mapping[SiteId, StepEnergy], window: Window) -> BaselineResult:
    hours = [
        *window.before(rule.buffer_s, rule.window_s),
        *window.after(rule.after_buffer_s, rule.after_window_s),
    ]
    sites = {site for site, steps in actual.items() if all(step in steps for step in hours)}
    if not sites:
        raise NoBaseline(f"{rule.label}: no site has all {len(hours)} steps around the event")
    raw: SiteSteps = {}
    for site in sorted(sites):
        level_wh = Fraction(sum(actual[site][step] for step in hours), len(hours))
        raw[site] = dict.fromkeys(window.steps, level_wh)
    none = _unadjusted("the rule has no adjustment")
    adjusted, exact = _apply(rule, raw, none, window)
    left_out = tuple(sorted(set(actual) - sites))
    return BaselineResult(_whole(adjusted, window), exact, none, (window.day,), left_out)


def _adjust(
    rule: BaselineRule,
    raw: SiteSteps,
    actual: Mapping[SiteId, StepEnergy],
    window: Window,
    pre: range,
) -> Adjustment:
    if rule.adjustment is Adjust.NONE:
        return _unadjusted("the rule has no adjustment")
    sites = [site for site in raw if all(step in actual.get(site, {}) for step in pre)]
    if not sites:
        return _unadjusted("not adjusted: no site has good data in the whole adjustment window")
    actual_wh = Fraction(sum(actual[site][step] for site in sites for step in pre))
    base_wh = sum((raw[site][step] for site in sites for step in pre), Fraction(0))
    scale = Fraction(len(raw), len(sites))
    if rule.adjustment is Adjust.ADDITIVE:
        addition_wh = scale * (actual_wh - base_wh) / len(pre)
        return Adjustment(Fraction(1), addition_wh, _words(addition_wh, "additive"))
    unsafe = _unsafe(raw, base_wh, len(sites), window, pre)
    if not unsafe:
        low, high = rule.factors
        factor = min(max(actual_wh / base_wh, low), high)
        capped = ", at its cap" if factor in {low, high} else ""
        return Adjustment(factor, Fraction(0), f"multiplicative x {float(factor):.4f}{capped}")
    if rule.fallback is not Adjust.ADDITIVE:
        return _unadjusted(f"not adjusted: {unsafe}")
    cap_wh = (rule.factors[1] - 1) * _mean_magnitude(raw, window)
    wanted_wh = scale * (actual_wh - base_wh) / len(pre)
    addition_wh = min(max(wanted_wh, -cap_wh), cap_wh)
    return Adjustment(Fraction(1), addition_wh, _words(addition_wh, f"additive, because {unsafe}"))


def _unsafe(raw: SiteSteps, base_wh: Fraction, sites: int, window: Window, pre: range) -> str:
    """Why a ratio of net loads must not be used; empty if it may."""
    safe_wh = Fraction(SAFE_W_PER_SITE * window.step_s, SECONDS_PER_HOUR)
    if -base_wh < safe_wh * sites * len(pre):
        return "the baseline of the adjustment window is not safely consumption"
    for step in window.steps:
        if -sum((steps[step] for steps in raw.values()), Fraction(0)) < safe_wh * len(raw):
            return "the baseline of the event is not safely consumption"
    return ""


def _mean_magnitude(raw: SiteSteps, window: Window) -> Fraction:
    totals = [abs(sum((steps[step] for steps in raw.values()), Fraction(0))) for step in window.steps]
    return sum(totals, Fraction(0)) / len(totals)


def _apply(
    rule: BaselineRule, raw: SiteSteps, adjustment: Adjustment, window: Window
) -> tuple[SiteSteps, dict[int, Fraction]]:
    """The adjusted baseline by site, and its sum.

    A factor applies to each site alike; an addition is shared in proportion to the size of each site's
    own baseline.
    """
    adjusted: SiteSteps = {site: {} for site in raw}
    exact: dict[int, Fraction] = {}
    for step in window.steps:
        size_wh = sum((abs(steps[step]) for steps in raw.values()), Fraction(0))
        for site, steps in raw.items():
            part = abs(steps[step]) / size_wh if size_wh else Fraction(1, len(raw))
            value_wh = steps[step] * adjustment.factor + adjustment.addition_wh * part
            adjusted[site][step] = min(value_wh, Fraction(0)) if rule.floor_at_zero else value_wh
        exact[step] = sum((adjusted[site][step] for site in raw), Fraction(0))
    return adjusted, exact


def _whole(adjusted: SiteSteps, window: Window) -> dict[SiteId, dict[int, int]]:
    whole: dict[SiteId, dict[int, int]] = {site: {} for site in adjusted}
    for step in window.steps:
        parts = round_together({site: steps[step] for site, steps in adjusted.items()})
        for site, energy_wh in parts.items():
            whole[site][step] = energy_wh
    return whole


def _unadjusted(reason: str) -> Adjustment:
    return Adjustment(Fraction(1), Fraction(0), reason)


def _words(addition_wh: Fraction, how: str) -> str:
    return f"{how}: {float(addition_wh):+.1f} Wh a step"
