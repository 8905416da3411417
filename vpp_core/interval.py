"""Half-open time intervals ``[start, end)`` in UTC."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Self

import msgspec


class Interval(msgspec.Struct, frozen=True, order=True):
    """A half-open stretch of time; both ends aware UTC, the end after the start.

    Raises:
        ValueError: an end is naive, or the end does not lie after the start.
    """

    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        if self.start.tzinfo is None or self.end.tzinfo is None:
            raise ValueError("an interval needs aware datetimes (UTC)")
        if self.end <= self.start:
            raise ValueError(f"an interval must end after it starts: {self.start} .. {self.end}")

    @classmethod
    def of(cls, start: datetime, duration_s: float) -> Self:
        return cls(start, start + timedelta(seconds=duration_s))

    @property
    def duration_s(self) -> float:
        return (self.end - self.start).total_seconds()

    def contains(self, instant: datetime) -> bool:
        return self.start <= instant < self.end

    def overlaps(self, other: "Interval") -> bool:
        return self.start < other.end and other.start < self.end

    def intersection(self, other: "Interval") -> "Interval | None":
        start, end = max(self.start, other.start), min(self.end, other.end)
        return Interval(start, end) if start < end else None

    def split(self, step_s: float) -> Iterator["Interval"]:
        """Consecutive pieces of ``step_s`` seconds; the last one is shorter if they do not fit.

        Raises:
            ValueError: the step is not positive.
        """
        if step_s <= 0.0:
            raise ValueError(f"an interval is split by a positive step, not {step_s} s")
        start, step = self.start, timedelta(seconds=step_s)
        while start < self.end:
            end = min(start + step, self.end)
            yield Interval(start, end)
            start = end


def floor_to(instant: datetime, step_s: int) -> datetime:
    """The latest multiple of ``step_s`` since the epoch that is not after ``instant``, in UTC."""
    seconds = int(instant.timestamp()) // step_s * step_s
    return datetime.fromtimestamp(seconds, UTC)
