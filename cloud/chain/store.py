"""The chain of record: append-only, idempotent, and readable from either end.

A record is stored as canonical JSON with its SHA-256; a changed body is found when it is read. A record's
predecessors must be there before it, so that the chain cannot have a circle.
"""

import hashlib
from collections import OrderedDict
from collections.abc import Iterable
from datetime import datetime
from typing import TypeVar

import msgspec
from sqlalchemy import ForeignKey, Index, LargeBinary, Row, Select, String, func, literal, select
from sqlalchemy.orm import InstrumentedAttribute, Mapped, Session, mapped_column

from cloud.chain.records import AnyRecord, Record
from cloud.chain.trace import Trace
from cloud.storage.base import Base
from cloud.storage.database import Database
from vpp_core.clock import Clock
from vpp_core.faults import StorageFault
from vpp_core.ids import IdFactory, RecordId
from vpp_core.interval import Interval

R = TypeVar("R", bound=Record)

CACHED_RECORDS_MAX = 20_000
_ID_CHARACTERS = 26
_INDEXED = ("site_id", "product_id", "program_id")

_encoder = msgspec.json.Encoder(order="deterministic")
_decoder: msgspec.json.Decoder[AnyRecord] = msgspec.json.Decoder(AnyRecord)


class UnknownRecord(LookupError):
    """No record has this id."""


class ConflictingRecord(ValueError):
    """A record with this id is already there and says something else; a correction is a new record."""


class ChainRecordRow(Base):
    __tablename__ = "chain_record"

    position: Mapped[int] = mapped_column(primary_key=True)
    """Order of arrival; a predecessor always comes before its successors."""
    id: Mapped[str] = mapped_column(String(_ID_CHARACTERS), unique=True)
    kind: Mapped[str]
    at: Mapped[datetime]
    interval_start: Mapped[datetime | None]
    interval_end: Mapped[datetime | None]
    site_id: Mapped[str | None]
    product_id: Mapped[str | None]
    program_id: Mapped[str | None]
    body: Mapped[bytes] = mapped_column(LargeBinary)
    digest: Mapped[str] = mapped_column(String(64))

    __table_args__ = (Index(None, "kind", "at", "position"),)


class ChainLinkRow(Base):
    __tablename__ = "chain_link"

    record_id: Mapped[str] = mapped_column(
        String(_ID_CHARACTERS), ForeignKey("chain_record.id"), primary_key=True
    )
    predecessor_id: Mapped[str] = mapped_column(
        String(_ID_CHARACTERS), ForeignKey("chain_record.id"), primary_key=True, index=True
    )


class Chain:
    """All records of one operator.

    A service writes ``chain.append(Offer(id=chain.new_id(), at=clock.now(), predecessors=(...), ...))``.
    Inside a ``database.session()`` block the chain joins that transaction.
    """

    def __init__(self, database: Database, ids: IdFactory, clock: Clock) -> None:
        self._database = database
        self._ids = ids
        self._clock = clock
        self._cache: OrderedDict[str, AnyRecord] = OrderedDict()
        self._cache_rollbacks = database.rollbacks

    def new_id(self) -> RecordId:
        return RecordId(self._ids.new())

    def now(self) -> datetime:
        """The clock's present, for the ``at`` of a record that is made here and now."""
        return self._clock.now()

    def append(self, record: R) -> R:
        """Add one record; returns it. The same record again changes nothing.

        Raises:
            UnknownRecord: a predecessor is not there.
            ConflictingRecord: another record has this id.
            ValueError: the record would not read back as it is (NaN, a naive time).
        """
        self.append_all((record,))
        return record

    def append_all(self, records: Iterable[Record]) -> None:
        """Add records in order, all or none; a later one may follow from an earlier one."""
        with self._database.session() as session:
            for record in records:
                self._append(session, record)

    def get(self, record_id: RecordId) -> AnyRecord:
        """The record with this id.

        Raises:
            UnknownRecord: there is none.
        """
        if (cached := self._cached(record_id)) is not None:
            return cached
        with self._database.session() as session:
            row = session.execute(_columns().where(ChainRecordRow.id == record_id)).one_or_none()
        if row is None:
            raise UnknownRecord(f"no record has the id {record_id}")
        return self._read(row)

    def of_kind(
        self,
        kind: type[R],
        *,
        at: Interval | None = None,
        during: Interval | None = None,
        **equal: object,
    ) -> list[R]:
        """The records of one kind in order of time (``at``, then arrival).

        Args:
            kind: the record class.
            at: only records made in this interval.
            during: only records whose own ``interval`` (a forecast's or plan's ``horizon``) overlaps.
            equal: only records whose field has this value; ``site_id``, ``product_id`` and
                ``program_id`` are looked up in the database, others in the records.

        Raises:
            TypeError: the record class has no such field.
        """
        if unknown := sorted(set(equal) - set(kind.__struct_fields__)):
            raise TypeError(f"{kind.__name__} has no field {', '.join(unknown)}")
        query = _columns().where(ChainRecordRow.kind == kind.__struct_config__.tag)
        if at is not None:
            query = query.where(ChainRecordRow.at >= at.start, ChainRecordRow.at < at.end)
        if during is not None:
            query = query.where(
                ChainRecordRow.interval_start < during.end, ChainRecordRow.interval_end > during.start
            )
        for name in _INDEXED:
            if name in equal:
                query = query.where(getattr(ChainRecordRow, name) == equal.pop(name))
        found: list[R] = []
        for record in self._all(query.order_by(ChainRecordRow.at, ChainRecordRow.position)):
            same = all(getattr(record, name) == value for name, value in equal.items())
            if same and isinstance(record, kind):
                found.append(record)
        return found

    def latest(
        self,
        kind: type[R],
        *,
        at: Interval | None = None,
        during: Interval | None = None,
        **equal: object,
    ) -> R | None:
        """The last record that :meth:`of_kind` finds, or nothing."""
        found = self.of_kind(kind, at=at, during=during, **equal)
        return found[-1] if found else None

    def counts(self) -> dict[str, int]:
        """How many records there are of each kind, by kind."""
        query = select(ChainRecordRow.kind, func.count().label("total")).group_by(ChainRecordRow.kind)
        with self._database.session() as session:
            return {row.kind: row.total for row in session.execute(query.order_by(ChainRecordRow.kind))}

    def ancestors(self, record_id: RecordId) -> list[AnyRecord]:
        """Everything that the record follows from, origins first.

        Raises:
            UnknownRecord: there is no such record.
        """
        return self._reach(record_id, ChainLinkRow.record_id, ChainLinkRow.predecessor_id)

    def descendants(self, record_id: RecordId) -> list[AnyRecord]:
        """Everything that follows from the record, in order of arrival.

        Raises:
            UnknownRecord: there is no such record.
        """
        return self._reach(record_id, ChainLinkRow.predecessor_id, ChainLinkRow.record_id)

    def trace(self, record_id: RecordId) -> Trace:
        """The record with all that it follows from and all that follows from it.

        Raises:
            UnknownRecord: there is no such record.
        """
        return Trace(
            self.get(record_id), tuple(self.ancestors(record_id)), tuple(self.descendants(record_id))
        )

    def _append(self, session: Session, record: Record) -> None:
        body = _encoder.encode(record)
        digest = hashlib.sha256(body).hexdigest()
        known = session.scalar(select(ChainRecordRow.digest).where(ChainRecordRow.id == record.id))
        if known == digest:
            return
        if known is not None:
            raise ConflictingRecord(f"record {record.id} is already there and says something else")
        _require_readable(record, body)
        self._require_predecessors(session, record)
        interval = getattr(record, "interval", None) or getattr(record, "horizon", None)
        session.add(
            ChainRecordRow(
                id=record.id,
                kind=str(record.__struct_config__.tag),
                at=record.at,
                interval_start=interval.start if interval else None,
                interval_end=interval.end if interval else None,
                body=body,
                digest=digest,
                **{name: getattr(record, name, None) for name in _INDEXED},
            )
        )
        session.flush()
        session.add_all(
            ChainLinkRow(record_id=record.id, predecessor_id=predecessor)
            for predecessor in dict.fromkeys(record.predecessors)
        )
        session.flush()

    def _require_predecessors(self, session: Session, record: Record) -> None:
        for predecessor in record.predecessors:
            if self._cached(predecessor) is None and not session.scalar(
                select(literal(1)).where(ChainRecordRow.id == predecessor)
            ):
                kind = record.__struct_config__.tag
                raise UnknownRecord(f"{kind} {record.id} names the predecessor {predecessor}: there is none")

    def _reach(
        self, record_id: RecordId, here: InstrumentedAttribute[str], there: InstrumentedAttribute[str]
    ) -> list[AnyRecord]:
        self.get(record_id)
        start = select(literal(record_id).label("id")).cte("reached", recursive=True)
        reached = start.union(select(there).join(start, here == start.c.id))
        query = (
            _columns()
            .where(ChainRecordRow.id.in_(select(reached.c.id)), ChainRecordRow.id != record_id)
            .order_by(ChainRecordRow.position)
        )
        return self._all(query)

    def _all(self, query: Select[str, bytes, str]) -> list[AnyRecord]:
        with self._database.session() as session:
            rows = session.execute(query).all()
        return [self._read(row) for row in rows]

    def _read(self, row: Row[str, bytes, str]) -> AnyRecord:
        record_id, body, digest = row
        record = self._cached(record_id)
        if record is None:
            if hashlib.sha256(body).hexdigest() != digest:
                raise StorageFault(f"record {record_id} was altered after it was written; restore a backup")
            record = _decoder.decode(body)
            self._cache[record_id] = record
            if len(self._cache) > CACHED_RECORDS_MAX:
                self._cache.popitem(last=False)
        return record

    def _cached(self, record_id: str) -> AnyRecord | None:
        if self._cache_rollbacks != self._database.rollbacks:
            self._cache.clear()
            self._cache_rollbacks = self._database.rollbacks
        record = self._cache.get(record_id)
        if record is not None:
            self._cache.move_to_end(record_id)
        return record


def _columns() -> Select[str, bytes, str]:
    return select(ChainRecordRow.id, ChainRecordRow.body, ChainRecordRow.digest)


def _require_readable(record: Record, body: bytes) -> None:
    try:
        same = _decoder.decode(body) == record
    except msgspec.MsgspecError as error:
        raise ValueError(f"{record.__struct_config__.tag} {record.id} cannot be stored: {error}") from error
    if not same:
        raise ValueError(f"{record.__struct_config__.tag} {record.id} would not read back as it is")
