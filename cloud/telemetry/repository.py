"""What ingest keeps in the SQL database: how far each gateway's messages are stored, and fast events."""

from datetime import datetime

import msgspec
from sqlalchemy import BigInteger, LargeBinary, delete, insert, select
from sqlalchemy.orm import Mapped, mapped_column

from cloud.storage.base import Base
from cloud.storage.database import Database
from vpp_core.ids import SiteId
from vpp_core.interval import Interval
from vpp_core.messages import EventRecord


class UplinkProgressRow(Base):
    __tablename__ = "uplink_progress"

    site_id: Mapped[str] = mapped_column(primary_key=True)
    session: Mapped[str]
    stored_seq: Mapped[int] = mapped_column(BigInteger)


class EventRecordRow(Base):
    __tablename__ = "event_record"

    site_id: Mapped[str] = mapped_column(primary_key=True)
    event_id: Mapped[str] = mapped_column(primary_key=True)
    triggered_at: Mapped[datetime] = mapped_column(index=True)
    body: Mapped[bytes] = mapped_column(LargeBinary)


class Progress(msgspec.Struct, frozen=True):
    """Everything of a gateway up to ``stored_seq`` is stored; ``session`` is its agent's last start."""

    session: str
    stored_seq: int


class ProgressRepository:
    def __init__(self, database: Database) -> None:
        self._database = database

    def load(self) -> dict[SiteId, Progress]:
        with self._database.session() as session:
            rows = session.scalars(select(UplinkProgressRow).order_by(UplinkProgressRow.site_id)).all()
        return {SiteId(row.site_id): Progress(row.session, row.stored_seq) for row in rows}

    def save(self, progress: dict[SiteId, Progress]) -> None:
        rows = [
            {"site_id": site_id, "session": reached.session, "stored_seq": reached.stored_seq}
            for site_id, reached in progress.items()
        ]
        with self._database.session() as session:
            session.execute(delete(UplinkProgressRow).where(UplinkProgressRow.site_id.in_(progress)))
            session.execute(insert(UplinkProgressRow), rows)


class EventRepository:
    """The fast events that gateways recorded, each once."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, event: EventRecord) -> bool:
        """Keep an event; false if it was there already."""
        with self._database.session() as session:
            if session.get(EventRecordRow, (event.site_id, event.event_id)) is not None:
                return False
            session.add(
                EventRecordRow(
                    site_id=event.site_id,
                    event_id=event.event_id,
                    triggered_at=event.triggered_at,
                    body=msgspec.json.encode(event),
                )
            )
        return True

    def triggered_in(self, interval: Interval) -> list[EventRecord]:
        """The events that began in an interval, in order of time, then of site."""
        query = (
            select(EventRecordRow.body)
            .where(EventRecordRow.triggered_at >= interval.start, EventRecordRow.triggered_at < interval.end)
            .order_by(EventRecordRow.triggered_at, EventRecordRow.site_id, EventRecordRow.event_id)
        )
        with self._database.session() as session:
            return [msgspec.json.decode(body, type=EventRecord) for body in session.scalars(query)]
