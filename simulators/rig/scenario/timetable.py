"""When things happen on the demo's market day, in the market's zone, and how fast time runs between."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import cached_property
from zoneinfo import ZoneInfo

from vpp_core.interval import Interval

ZONE = ZoneInfo("America/Chicago")
SPEED = 6_000.0
"""Simulated seconds a real one in ordinary hours: a day in less than fifteen seconds."""
IDLE_FACTOR = 10.0
"""How much faster the hours before the market day pass, in which nothing is delivered."""
EVENT_DIVISOR = 4.0
"""How much slower the hours of the utility's event pass: its intervals are minutes, not hours."""
REAL = 1.0


@dataclass(frozen=True)
class Timetable:
    """The instants of one run (aware, market's zone)."""

    day: date

    @cached_property
    def opens(self) -> datetime:
        """Owners apply, the day before."""
        return self._on(self.day - timedelta(days=1), 8)

    @cached_property
    def forecasts(self) -> datetime:
        """Forecast, opportunities, plan and offers; the gate closes at ten."""
        return self._on(self.day - timedelta(days=1), 9)

    @cached_property
    def results(self) -> datetime:
        """The market has published its results."""
        return self._on(self.day - timedelta(days=1), 13, 35)

    @cached_property
    def eve(self) -> datetime:
        """The last quarter of an hour before delivery begins."""
        return self._on(self.day - timedelta(days=1), 23, 45)

    @cached_property
    def dip(self) -> datetime:
        """The grid loses a generator."""
        return self._on(self.day, 14)

    @cached_property
    def notice(self) -> datetime:
        """The utility announces its event."""
        return self._on(self.day, 15)

    @cached_property
    def event(self) -> Interval:
        return Interval(self._on(self.day, 17), self._on(self.day, 19))

    @cached_property
    def loss(self) -> datetime:
        """A gateway is killed."""
        return self._on(self.day, 17, 40)

    @cached_property
    def repair(self) -> datetime:
        """The gateway is started again."""
        return self._on(self.day, 18, 40)

    @cached_property
    def closes(self) -> datetime:
        """Delivery is over, and the last meter values are in."""
        return self._on(self.day + timedelta(days=1), 0, 40)

    def _on(self, day: date, hour: int, minute: int = 0) -> datetime:
        return datetime.combine(day, time(hour, minute), ZONE)
