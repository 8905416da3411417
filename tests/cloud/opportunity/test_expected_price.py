"""The expected price is the mean of the last seven days at the same local hour."""

from datetime import UTC, date, datetime, timedelta

import pytest

from cloud.markets.adapter import PublishedPrice
from cloud.markets.local_day import local_day, local_hour
from cloud.opportunity.expected_price import expected_prices
from vpp_core.interval import Interval
from vpp_core.money import Price

TEXAS = "America/Chicago"


def published(start: datetime, hours: int) -> list[PublishedPrice]:
    """Each hour costs its local clock hour, plus 1 for each day of the month."""
    pieces = Interval(start, start + timedelta(hours=hours)).split(3_600)
    return [
        PublishedPrice(
            interval=piece, price=Price.from_decimal(local_hour(piece.start, TEXAS) + piece.start.day)
        )
        for piece in pieces
    ]


def expect(day: date, past: list[PublishedPrice]) -> list[Price | None]:
    return expected_prices(list(local_day(day, TEXAS).split(3_600)), past, day, TEXAS)


def test_the_mean_of_seven_days_by_hour() -> None:
    past = published(datetime(2021, 8, 5, 5, tzinfo=UTC), 7 * 24)
    prices = expect(date(2021, 8, 12), past)
    assert prices[0] == Price.from_decimal(8)  # days 5 to 11
    assert prices[18] == Price.from_decimal(18 + 8)


def test_older_days_and_the_day_itself_do_not_count() -> None:
    week = published(datetime(2021, 8, 5, 5, tzinfo=UTC), 7 * 24)
    all_days = published(datetime(2021, 8, 1, 5, tzinfo=UTC), 14 * 24)
    assert expect(date(2021, 8, 12), all_days) == expect(date(2021, 8, 12), week)


@pytest.mark.parametrize(
    ("day", "hours"),
    [
        pytest.param(date(2021, 11, 7), 25, id="the repeated hour is expected alike twice"),
        pytest.param(date(2021, 3, 14), 23, id="the skipped hour is not expected"),
    ],
)
def test_hours_line_up_by_the_clock_when_it_changes(day: date, hours: int) -> None:
    start = local_day(day - timedelta(days=7), TEXAS).start
    flat = [
        PublishedPrice(interval=piece, price=Price.from_decimal(local_hour(piece.start, TEXAS)))
        for piece in Interval(start, start + timedelta(days=7)).split(3_600)
    ]
    prices = expect(day, flat)
    assert len(prices) == hours
    shown = [local_hour(piece.start, TEXAS) for piece in local_day(day, TEXAS).split(3_600)]
    assert prices == [Price.from_decimal(hour) for hour in shown]


def test_an_hour_that_was_never_published_has_no_expectation() -> None:
    only_midnight = published(datetime(2021, 8, 11, 5, tzinfo=UTC), 1)
    prices = expect(date(2021, 8, 12), only_midnight)
    assert prices[0] is not None
    assert prices[1:] == [None] * 23


def test_a_third_of_a_micro_unit_is_rounded() -> None:
    hours = [datetime(2021, 8, day, 5, tzinfo=UTC) for day in (9, 10, 11)]
    past = [
        PublishedPrice(interval=Interval.of(hour, 3_600), price=Price(micros))
        for hour, micros in zip(hours, (1, 0, 0), strict=True)
    ]
    assert expect(date(2021, 8, 12), past)[0] == Price(0)
