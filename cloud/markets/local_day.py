"""The delivery day of a market: a local calendar day, as an interval of UTC (23, 24 or 25 hours)."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from vpp_core.interval import Interval


def local_day(day: date, zone: str) -> Interval:
    """From local midnight to the next local midnight, in UTC."""
    return Interval(at_local(day, time(), zone), at_local(day + timedelta(days=1), time(), zone))


def at_local(day: date, clock_time: time, zone: str) -> datetime:
    """The instant at which the clocks of ``zone`` show ``clock_time`` on ``day``, in UTC.

    Of a time that comes twice the first is meant; one that is skipped lies an hour later.
    """
    return datetime.combine(day, clock_time, tzinfo=ZoneInfo(zone)).astimezone(UTC)


def local_date(instant: datetime, zone: str) -> date:
    return instant.astimezone(ZoneInfo(zone)).date()


def local_hour(instant: datetime, zone: str) -> int:
    """The hour that the clocks show; the repeated hour of the 25 h day shows twice."""
    return instant.astimezone(ZoneInfo(zone)).hour
