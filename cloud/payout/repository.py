"""Tables of the books: accounts, entries and their postings. Rows are added, never changed."""

from datetime import date, datetime

from sqlalchemy import BigInteger, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from cloud.storage.base import Base

_DIGEST_CHARACTERS = 64


class AccountRow(Base):
    """One account of one book in one currency, such as ``market/owner_payable/own-002``."""

    __tablename__ = "ledger_account"

    id: Mapped[str] = mapped_column(primary_key=True)
    book: Mapped[str]
    kind: Mapped[str]
    currency: Mapped[str] = mapped_column(String(3))


class EntryRow(Base):
    """One entry: postings that sum to zero, once for each idempotency key."""

    __tablename__ = "ledger_entry"

    position: Mapped[int] = mapped_column(primary_key=True)
    """Counts from 1 without gaps."""
    key: Mapped[str] = mapped_column(unique=True)
    at: Mapped[datetime]
    day: Mapped[date]
    """The delivery day that the money belongs to."""
    text: Mapped[str]
    record_ids: Mapped[str]
    """Ids of the records of the chain that the entry follows from, separated by blanks."""
    previous_digest: Mapped[str] = mapped_column(String(_DIGEST_CHARACTERS))
    digest: Mapped[str] = mapped_column(String(_DIGEST_CHARACTERS))
    """SHA-256 over the entry, its postings and the previous digest."""


class PostingRow(Base):
    """One amount on one account, in whole cents: debit positive, credit negative."""

    __tablename__ = "ledger_posting"

    entry_position: Mapped[int] = mapped_column(ForeignKey("ledger_entry.position"), primary_key=True)
    line: Mapped[int] = mapped_column(primary_key=True)
    account_id: Mapped[str] = mapped_column(ForeignKey("ledger_account.id"), index=True)
    amount_cents: Mapped[int] = mapped_column(BigInteger)
