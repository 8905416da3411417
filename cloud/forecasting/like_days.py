"""Seasonal forecasts from past days that were like the day in question. Pure numpy.

A *slot* is a step of the horizon; its *samples* are the values at the same local clock time on earlier
days. Mean and empirical quantiles of the samples are the forecast, the newest sample the naive reference.
No training and no tuning: whatever is learned later has to beat this.
"""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

from vpp_core.interval import Interval

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

LAG_DAYS_MAX = 28
SAMPLES_MAX = 10
QUANTILES = (0.1, 0.5, 0.9)
SATURDAY = 5

Alike = Callable[[date, date], bool]


class Samples(NamedTuple):
    """Where the samples of each slot lie: row = slot, column = days back (1 first), as step numbers."""

    at_step: IntArray
    """Steps since the start of the history; may lie outside it."""
    days: list[date]
    """The local date of each column, counted from the horizon's own."""
    day: date


class SlotForecast(NamedTuple):
    """One value for each slot, in the unit of the series."""

    q10: FloatArray
    q50: FloatArray
    q90: FloatArray
    mean: FloatArray
    persistence: FloatArray


def same_day_type(day: date, other: date) -> bool:
    """Weekdays are like weekdays, weekends like weekends."""
    return (day.weekday() >= SATURDAY) == (other.weekday() >= SATURDAY)


def any_day(_day: date, _other: date) -> bool:
    """The sun knows no weekend."""
    return True


def sample_steps(horizon: Interval, step_s: int, start: datetime, zone: str) -> Samples:
    """The step numbers of every slot's samples, by local clock time, so that a 23 h day lines up.

    Args:
        horizon: a local day in UTC.
        step_s: length of a slot and of a step of the history.
        start: start of the history.
        zone: whose clocks count.
    """
    local = ZoneInfo(zone)
    lags = range(1, LAG_DAYS_MAX + 1)
    slots = [piece.start.astimezone(local) for piece in horizon.split(step_s)]
    at_step = [[_steps_between(start, slot - timedelta(days=lag), step_s) for lag in lags] for slot in slots]
    day = slots[0].date()
    return Samples(np.array(at_step, dtype=np.int64), [day - timedelta(days=lag) for lag in lags], day)


def forecast_slots(series: FloatArray, samples: Samples, known_steps: int, alike: Alike) -> SlotForecast:
    """Mean, quantiles and persistence of each slot; 0 where a slot has no sample at all.

    Args:
        series: the history, NaN for a gap.
        samples: where each slot's samples lie.
        known_steps: only steps before this number were complete when the forecast was issued.
        alike: which earlier days count for the mean and the quantiles.
    """
    inside = (samples.at_step >= 0) & (samples.at_step < min(known_steps, len(series)))
    padded = np.append(series, np.nan)
    values = padded[np.where(inside, samples.at_step, len(series))]
    columns = [alike(samples.day, day) for day in samples.days]
    chosen = _newest(values[:, columns], SAMPLES_MAX)
    persistence = _newest(values, 1)
    q10, q50, q90 = (_quantile(chosen, q) for q in QUANTILES)
    return SlotForecast(q10, q50, q90, _mean(chosen), _mean(persistence))


def _steps_between(start: datetime, local: datetime, step_s: int) -> int:
    return round((local.astimezone(UTC) - start).total_seconds()) // step_s


def _newest(values: FloatArray, count: int) -> FloatArray:
    """Each row's newest ``count`` values; the rest becomes NaN."""
    age = np.cumsum(~np.isnan(values), axis=1)
    return np.where(age <= count, values, np.nan)


def _mean(values: FloatArray) -> FloatArray:
    known = ~np.isnan(values)
    counts = known.sum(axis=1)
    totals = np.where(known, values, 0.0).sum(axis=1)
    return np.asarray(totals / np.maximum(counts, 1), dtype=np.float64)


def _quantile(values: FloatArray, q: float) -> FloatArray:
    """Empirical quantile at the plotting positions k/(n+1), whose bands hold their promise on average."""
    ordered = np.sort(values, axis=1)
    counts = (~np.isnan(values)).sum(axis=1)
    position = np.clip(q * (counts + 1) - 1, 0, np.maximum(counts - 1, 0))
    below = np.floor(position).astype(np.int64)
    above = np.minimum(below + 1, np.maximum(counts - 1, 0))
    rows = np.arange(len(values))
    low, high = ordered[rows, below], ordered[rows, above]
    between = low + (high - low) * (position - below)
    return np.where(np.isnan(between), 0.0, between)
