"""What an hour is expected to cost: the mean of the last published days at the same local hour. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from fractions import Fraction

from cloud.markets.adapter import PublishedPrice
from cloud.markets.local_day import local_date, local_hour
from vpp_core.interval import Interval
from vpp_core.money import Price

PAST_DAYS = 7


def expected_prices(
    intervals: Sequence[Interval], published: Iterable[PublishedPrice], day: date, zone: str
) -> list[Price | None]:
    """The expected price of each interval; none where no past day shows that hour.

    Args:
        intervals: the delivery intervals of ``day``.
        published: past prices; those of ``day`` and later, or older than ``PAST_DAYS``, are not used.
        day: the local delivery day.
        zone: whose clocks count.
    """
    by_hour: dict[int, list[Price]] = defaultdict(list)
    for row in published:
        if day - timedelta(days=PAST_DAYS) <= local_date(row.interval.start, zone) < day:
            by_hour[local_hour(row.interval.start, zone)].append(row.price)
    return [_mean(by_hour[local_hour(interval.start, zone)]) for interval in intervals]


def _mean(prices: Sequence[Price]) -> Price | None:
    if not prices:
        return None
    total_micros = sum(price.micros_per_mwh for price in prices)
    return Price(round(Fraction(total_micros, len(prices))), prices[0].currency)
