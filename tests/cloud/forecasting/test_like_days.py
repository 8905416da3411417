"""Forecasts from days that were alike: only what was known, by local clock time."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cloud.forecasting.like_days import (
    LAG_DAYS_MAX,
    SAMPLES_MAX,
    any_day,
    forecast_slots,
    same_day_type,
    sample_steps,
)
from cloud.markets.local_day import local_day

TEXAS = "America/Chicago"
THURSDAY = date(2021, 8, 12)
HOUR_S = 3_600
HISTORY_START = datetime(2021, 7, 10, 0, tzinfo=UTC)


def hours_known(now: datetime) -> int:
    return int((now - HISTORY_START).total_seconds()) // HOUR_S


def by_local_day(
    value_of: dict[date, float], default: float = 0.0
) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """An hourly history whose value depends on the local day only."""
    texas = timedelta(hours=5)
    hours = [HISTORY_START + timedelta(hours=hour) for hour in range(40 * 24)]
    return np.array([value_of.get((hour - texas).date(), default) for hour in hours])


def test_like_weekdays_are_averaged_and_weekends_left_out() -> None:
    weekend = {date(2021, 8, 7): 900.0, date(2021, 8, 8): 900.0}
    series = by_local_day(weekend | {date(2021, 8, 10): 20.0}, default=10.0)
    horizon = local_day(THURSDAY, TEXAS)
    samples = sample_steps(horizon, HOUR_S, HISTORY_START, TEXAS)
    slots = forecast_slots(series, samples, hours_known(datetime(2021, 8, 11, 5, tzinfo=UTC)), same_day_type)
    np.testing.assert_allclose(slots.mean, 10.0 + 10.0 / SAMPLES_MAX)
    np.testing.assert_allclose(slots.q50, 10.0)
    np.testing.assert_allclose(slots.persistence, 20.0)


def test_what_was_not_known_at_issue_is_not_used() -> None:
    """At 09:00 the day before, yesterday's persistence ends; later slots fall back to the day before it."""
    series = by_local_day({date(2021, 8, 11): 50.0, date(2021, 8, 10): 20.0}, default=10.0)
    horizon = local_day(THURSDAY, TEXAS)
    samples = sample_steps(horizon, HOUR_S, HISTORY_START, TEXAS)
    slots = forecast_slots(series, samples, hours_known(datetime(2021, 8, 11, 14, tzinfo=UTC)), any_day)
    assert slots.persistence.tolist() == [50.0] * 9 + [20.0] * 15


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 23), st.floats(-1e6, 1e6))
def test_no_future_value_changes_the_forecast(issued_hour: int, future: float) -> None:
    horizon = local_day(THURSDAY, TEXAS)
    samples = sample_steps(horizon, HOUR_S, HISTORY_START, TEXAS)
    known = hours_known(datetime(2021, 8, 11, issued_hour, tzinfo=UTC))
    series = np.sin(np.arange(40 * 24.0))
    changed = series.copy()
    changed[known:] = future
    for one, two in zip(
        forecast_slots(series, samples, known, any_day),
        forecast_slots(changed, samples, known, any_day),
        strict=True,
    ):
        np.testing.assert_array_equal(one, two)


@pytest.mark.parametrize(
    ("day", "slots"),
    [
        pytest.param(date(2021, 3, 14), 23, id="23 slots when the clocks go forward"),
        pytest.param(date(2021, 11, 7), 25, id="25 slots when they go back"),
        pytest.param(date(2021, 11, 8), 24, id="24 the day after"),
    ],
)
def test_slots_line_up_by_the_clock_when_it_changes(day: date, slots: int) -> None:
    start = datetime(2021, 2, 1, tzinfo=UTC) if day.month == 3 else datetime(2021, 10, 1, tzinfo=UTC)
    hours = [start + timedelta(hours=hour) for hour in range(60 * 24)]
    texas = ZoneInfo(TEXAS)
    clock_hour = np.array([float(hour.astimezone(texas).hour) for hour in hours])
    horizon = local_day(day, TEXAS)
    samples = sample_steps(horizon, HOUR_S, start, TEXAS)
    found = forecast_slots(clock_hour, samples, len(hours), any_day)
    expected = [float(piece.start.astimezone(texas).hour) for piece in horizon.split(HOUR_S)]
    assert len(found.mean) == slots
    assert found.q50.tolist() == expected


@settings(max_examples=12, deadline=None)
@given(
    st.lists(
        st.one_of(st.none(), st.floats(-1e5, 1e5)), min_size=LAG_DAYS_MAX * 24, max_size=LAG_DAYS_MAX * 24
    )
)
def test_bands_are_ordered_and_gaps_are_left_out(values: list[float | None]) -> None:
    series = np.array([np.nan if value is None else value for value in values])
    start = local_day(THURSDAY, TEXAS).start - timedelta(days=LAG_DAYS_MAX)
    samples = sample_steps(local_day(THURSDAY, TEXAS), HOUR_S, start, TEXAS)
    slots = forecast_slots(series, samples, len(series), any_day)
    assert all(np.isfinite(part).all() for part in slots)
    assert (slots.q10 <= slots.q50 + 1e-9).all()
    assert (slots.q50 <= slots.q90 + 1e-9).all()


def test_the_band_of_ten_samples_covers_what_it_promises() -> None:
    """80 % of new values fall inside the band, on average, whatever the distribution."""
    chance = np.random.default_rng(1)
    start = local_day(THURSDAY, TEXAS).start - timedelta(days=LAG_DAYS_MAX)
    samples = sample_steps(local_day(THURSDAY, TEXAS), 900, start, TEXAS)
    inside = []
    for _ in range(40):
        series = chance.exponential(size=LAG_DAYS_MAX * 96)
        slots = forecast_slots(series, samples, len(series), any_day)
        actual = chance.exponential(size=96)
        inside.append(((slots.q10 <= actual) & (actual <= slots.q90)).mean())
    assert np.mean(inside) == pytest.approx(0.8, abs=0.02)


def test_without_history_the_forecast_is_zero() -> None:
    samples = sample_steps(local_day(THURSDAY, TEXAS), HOUR_S, HISTORY_START, TEXAS)
    slots = forecast_slots(np.array([]), samples, 0, any_day)
    assert all((part == 0.0).all() for part in slots)


@pytest.mark.parametrize(
    ("day", "other", "alike"),
    [
        pytest.param(date(2021, 8, 12), date(2021, 8, 11), True, id="two weekdays"),
        pytest.param(date(2021, 8, 14), date(2021, 8, 15), True, id="Saturday and Sunday"),
        pytest.param(date(2021, 8, 13), date(2021, 8, 14), False, id="Friday and Saturday"),
    ],
)
def test_day_types(day: date, other: date, *, alike: bool) -> None:
    assert same_day_type(day, other) is alike
