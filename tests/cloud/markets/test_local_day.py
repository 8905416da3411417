"""A market day is a calendar day of its zone."""

from datetime import UTC, date, datetime, time

import pytest

from cloud.markets.local_day import at_local, local_date, local_day, local_hour
from vpp_core.interval import Interval

TEXAS = "America/Chicago"


def test_a_summer_day_in_texas_begins_at_five_utc() -> None:
    assert local_day(date(2021, 8, 12), TEXAS) == Interval(
        datetime(2021, 8, 12, 5, tzinfo=UTC), datetime(2021, 8, 13, 5, tzinfo=UTC)
    )


@pytest.mark.parametrize(
    ("day", "hours"),
    [
        pytest.param(date(2021, 3, 14), 23, id="spring"),
        pytest.param(date(2021, 11, 7), 25, id="autumn"),
    ],
)
def test_a_day_when_the_clocks_change_has_another_length(day: date, hours: int) -> None:
    assert local_day(day, TEXAS).duration_s == hours * 3_600.0


def test_of_a_time_that_comes_twice_the_first_is_meant() -> None:
    assert at_local(date(2021, 11, 7), time(1, 30), TEXAS) == datetime(2021, 11, 7, 6, 30, tzinfo=UTC)


def test_the_repeated_hour_shows_twice() -> None:
    first, second = datetime(2021, 11, 7, 6, tzinfo=UTC), datetime(2021, 11, 7, 7, tzinfo=UTC)
    assert local_hour(first, TEXAS) == local_hour(second, TEXAS) == 1
    assert local_date(first, TEXAS) == date(2021, 11, 7)
