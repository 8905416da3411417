"""The audit trail: what was refused, when and from whom. Append-only and bounded against floods."""

from datetime import datetime, timedelta

from sqlalchemy import Text, select
from sqlalchemy.orm import Mapped, mapped_column

from cloud.storage.base import Base
from cloud.storage.database import Database
from vpp_core.clock import Clock

ROWS_PER_MINUTE_MAX = 120
TEXT_CHARACTERS_MAX = 500


class AuditRow(Base):
    __tablename__ = "audit_row"

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(index=True)
    code: Mapped[str]
    """What kind of refusal, such as ``unknown_site``."""
    subject: Mapped[str]
    """Who or what was refused: a topic, a site, an address."""
    text: Mapped[str] = mapped_column(Text)


class AuditTrail:
    """Counts every refusal and writes a row for each, up to a rate that no intruder can exceed."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._minute_start = clock.now()
        self._rows_in_minute = 0
        self.counts: dict[str, int] = {}
        """Refusals since the start, by code; complete even where rows were spared."""

    def record(self, code: str, subject: str, text: str) -> None:
        self.counts[code] = self.counts.get(code, 0) + 1
        now = self._clock.now()
        if now - self._minute_start >= timedelta(minutes=1):
            self._minute_start, self._rows_in_minute = now, 0
        self._rows_in_minute += 1
        if self._rows_in_minute > ROWS_PER_MINUTE_MAX:
            return
        with self._database.session() as session:
            session.add(
                AuditRow(at=now, code=code, subject=_printable(subject), text=_printable(text)),
            )

    def rows(self, limit: int = 1_000) -> list[AuditRow]:
        """The newest rows, newest first."""
        with self._database.session() as session:
            return list(session.scalars(select(AuditRow).order_by(AuditRow.id.desc()).limit(limit)))


def _printable(text: str) -> str:
    return text.encode("ascii", "backslashreplace").decode("ascii")[:TEXT_CHARACTERS_MAX]
