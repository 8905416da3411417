"""Stored interval history of each site, one row for each site and UTC day."""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

import msgspec
from sqlalchemy import LargeBinary, select
from sqlalchemy.orm import Mapped, mapped_column

from cloud.markets.utility_http import IntervalHistory
from cloud.storage.base import Base
from cloud.storage.database import Database
from vpp_core.ids import SiteId
from vpp_core.interval import Interval, floor_to
from vpp_core.units import SECONDS_PER_DAY

Values = tuple[float | None, ...]


class HistoryDayRow(Base):
    __tablename__ = "interval_history"

    site_id: Mapped[str] = mapped_column(primary_key=True)
    start: Mapped[datetime] = mapped_column(primary_key=True)
    """Start of the UTC day."""
    step_s: Mapped[int]
    body: Mapped[bytes] = mapped_column(LargeBinary)
    """The channels of the day as JSON, Wh by step; a gap is null."""


class Channels(msgspec.Struct, frozen=True):
    """One UTC day of one site; see :class:`~cloud.markets.utility_http.IntervalHistory` for the signs."""

    net_wh: Values
    pv_wh: Values
    evse_wh: Values


class HistoryRepository:
    """What utilities delivered under the owners' grants; a day that comes again replaces itself."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def save(self, history: IntervalHistory) -> None:
        """Store every UTC day of a history.

        Raises:
            ValueError: the step does not divide a day, or the history does not start with a UTC day.
        """
        if SECONDS_PER_DAY % history.step_s or history.start != floor_to(history.start, SECONDS_PER_DAY):
            raise ValueError("an interval history is stored by whole UTC days from their first step")
        with self._database.session() as session:
            for start, channels in _days(history):
                session.merge(
                    HistoryDayRow(
                        site_id=history.site_id,
                        start=start,
                        step_s=history.step_s,
                        body=msgspec.json.encode(channels),
                    )
                )

    def steps(self) -> dict[SiteId, int]:
        """How many steps of history each site has, by site id."""
        query = select(HistoryDayRow.site_id, HistoryDayRow.body).order_by(HistoryDayRow.site_id)
        counts: dict[SiteId, int] = {}
        with self._database.session() as session:
            for site_id, body in session.execute(query):
                known = sum(value is not None for value in msgspec.json.decode(body, type=Channels).net_wh)
                counts[SiteId(site_id)] = counts.get(SiteId(site_id), 0) + known
        return counts

    def load(self, site_id: SiteId, interval: Interval) -> IntervalHistory | None:
        """The stored days that begin in ``interval``, gaps filled with ``None``; nothing if there are none.

        Where the step changed, only the days that have the newest day's step are given.
        """
        query = (
            select(HistoryDayRow)
            .where(
                HistoryDayRow.site_id == site_id,
                HistoryDayRow.start >= interval.start,
                HistoryDayRow.start < interval.end,
            )
            .order_by(HistoryDayRow.start)
        )
        with self._database.session() as session:
            rows = list(session.scalars(query))
        if not rows:
            return None
        return _joined(site_id, [row for row in rows if row.step_s == rows[-1].step_s])


def _days(history: IntervalHistory) -> Iterator[tuple[datetime, Channels]]:
    per_day = SECONDS_PER_DAY // history.step_s
    for index in range(0, len(history.net_wh), per_day):
        piece = slice(index, index + per_day)
        start = history.start + timedelta(seconds=index * history.step_s)
        yield start, Channels(history.net_wh[piece], history.pv_wh[piece], history.evse_wh[piece])


def _joined(site_id: SiteId, rows: list[HistoryDayRow]) -> IntervalHistory:
    step_s, start = rows[0].step_s, rows[0].start
    days = {row.start: msgspec.json.decode(row.body, type=Channels) for row in rows}
    whole = Interval(start, rows[-1].start + timedelta(days=1))
    every_day = [piece.start for piece in whole.split(SECONDS_PER_DAY)]
    none = Channels((), (), ())

    def channel(values: Iterable[Values]) -> Values:
        per_day = SECONDS_PER_DAY // step_s
        return tuple(value for day in values for value in (*day, *[None] * (per_day - len(day))))

    found = [days.get(day, none) for day in every_day]
    return IntervalHistory(
        site_id=site_id,
        step_s=step_s,
        start=start,
        net_wh=channel(day.net_wh for day in found),
        pv_wh=channel(day.pv_wh for day in found),
        evse_wh=channel(day.evse_wh for day in found),
    )
