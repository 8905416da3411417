"""Double-entry books: append-only, each entry sums to zero, each key is posted once, all in a hash chain.

Amounts are whole cents, debit positive. The two books never share an account. A correction is a new
entry that posts the difference.
"""

import hashlib
from collections.abc import Sequence
from contextlib import AbstractContextManager
from datetime import date, datetime
from enum import StrEnum
from typing import NamedTuple

import msgspec
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from cloud.chain.records import Book
from cloud.payout.repository import AccountRow, EntryRow, PostingRow
from cloud.storage.database import Database
from vpp_core.clock import Clock
from vpp_core.faults import StorageFault
from vpp_core.ids import OwnerId, RecordId

GENESIS = "0" * 64


class AccountKind(StrEnum):
    RECEIVABLE = "receivable"
    """What the counterparty owes us (or, negative, we owe it)."""
    PROGRAM_REVENUE = "program_revenue"
    """What our own settlements come to."""
    CORRECTION = "correction"
    """What the counterparty's statement differs from ours."""
    OPERATOR_FEE = "operator_fee"
    OWNER_PAYABLE = "owner_payable"
    BANK = "bank"
    ROUNDING = "rounding"
    """Must stay empty."""


class Account(NamedTuple):
    book: Book
    kind: AccountKind
    owner_id: OwnerId | None = None
    currency: str = "USD"

    @property
    def id(self) -> str:
        parts = [self.book.value, self.kind.value, *([self.owner_id] if self.owner_id else [])]
        return "/".join([*parts, self.currency])


class Posting(NamedTuple):
    account: Account
    amount_cents: int
    """Debit positive, credit negative."""


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """What happened once: ``key`` names it for ever."""

    key: str
    day: date
    text: str
    record_ids: tuple[RecordId, ...]
    postings: tuple[Posting, ...]


class Balance(NamedTuple):
    account_id: str
    book: str
    kind: str
    currency: str
    amount_cents: int


class Ledger:
    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def transaction(self) -> AbstractContextManager[Session]:
        """A block whose entries, and records of the chain, are kept all together or not at all."""
        return self._database.session()

    def post(self, entry: Entry) -> bool:
        """Add an entry; False if its key was posted before with the same content.

        Raises:
            ValueError: the postings do not sum to zero in each currency, mix books, or are none.
            StorageFault: the key was posted before with other content.
        """
        _require_balance(entry)
        with self._database.session() as session:
            known = session.scalar(select(EntryRow).where(EntryRow.key == entry.key))
            if known is not None:
                self._require_same(session, known, entry)
                return False
            self._insert(session, entry)
        return True

    def balance(self, account: Account, *, before: date | None = None) -> int:
        """The balance of an account (cents, debit positive), over all or over earlier delivery days."""
        query = (
            select(func.coalesce(func.sum(PostingRow.amount_cents), 0))
            .join(EntryRow, EntryRow.position == PostingRow.entry_position)
            .where(PostingRow.account_id == account.id)
        )
        if before is not None:
            query = query.where(EntryRow.day < before)
        with self._database.session() as session:
            return int(session.scalar(query) or 0)

    def turnover(self, day: date) -> dict[str, int]:
        """What the entries of one delivery day moved on each account (cents, debit positive)."""
        query = (
            select(PostingRow.account_id, func.sum(PostingRow.amount_cents))
            .join(EntryRow, EntryRow.position == PostingRow.entry_position)
            .where(EntryRow.day == day)
            .group_by(PostingRow.account_id)
            .order_by(PostingRow.account_id)
        )
        with self._database.session() as session:
            return {account_id: int(amount) for account_id, amount in session.execute(query)}

    def trial_balance(self) -> list[Balance]:
        """Every account with its balance; the sum is zero in each currency."""
        total = func.coalesce(func.sum(PostingRow.amount_cents), 0)
        query = (
            select(AccountRow, total)
            .outerjoin(PostingRow, PostingRow.account_id == AccountRow.id)
            .group_by(AccountRow.id)
            .order_by(AccountRow.id)
        )
        with self._database.session() as session:
            return [
                Balance(row.id, row.book, row.kind, row.currency, int(amount))
                for row, amount in session.execute(query)
            ]

    def verify(self) -> int:
        """Check every entry against the hash chain and for balance; returns how many there are.

        Raises:
            StorageFault: an entry was altered, removed from among the others, or does not balance. That
                the newest ones were cut off shows only against the payments in the chain of record.
        """
        previous, position = GENESIS, 0
        with self._database.session() as session:
            postings = _postings(session)
            for row in session.scalars(select(EntryRow).order_by(EntryRow.position)):
                position += 1
                rows = postings.pop(row.position, [])
                intact = row.position == position and row.previous_digest == previous
                if not intact or row.digest != _digest(row, rows) or _total_cents(rows):
                    raise StorageFault(
                        f"entry {row.position} ({row.key}) of the ledger was altered; restore a backup"
                    )
                previous = row.digest
        if postings:
            raise StorageFault("the ledger has postings without an entry; restore a backup")
        return position

    def _insert(self, session: Session, entry: Entry) -> None:
        last = session.scalar(select(EntryRow).order_by(EntryRow.position.desc()).limit(1))
        for account in dict.fromkeys(posting.account for posting in entry.postings):
            if session.get(AccountRow, account.id) is None:
                session.add(
                    AccountRow(
                        id=account.id,
                        book=account.book.value,
                        kind=account.kind.value,
                        currency=account.currency,
                    )
                )
        row = EntryRow(
            position=1 if last is None else last.position + 1,
            key=entry.key,
            at=self._clock.now(),
            day=entry.day,
            text=entry.text,
            record_ids=" ".join(entry.record_ids),
            previous_digest=GENESIS if last is None else last.digest,
            digest="",
        )
        postings = [
            PostingRow(
                entry_position=row.position,
                line=line,
                account_id=posting.account.id,
                amount_cents=posting.amount_cents,
            )
            for line, posting in enumerate(entry.postings, start=1)
        ]
        row.digest = _digest(row, postings)
        session.add(row)
        session.flush()
        session.add_all(postings)
        session.flush()

    def _require_same(self, session: Session, known: EntryRow, entry: Entry) -> None:
        rows = session.scalars(
            select(PostingRow).where(PostingRow.entry_position == known.position).order_by(PostingRow.line)
        )
        then = [(row.account_id, row.amount_cents) for row in rows]
        if then != [(posting.account.id, posting.amount_cents) for posting in entry.postings]:
            raise StorageFault(
                f"{entry.key} was posted before with other amounts; post the difference under a new key"
            )


def _require_balance(entry: Entry) -> None:
    sums: dict[str, int] = {}
    for posting in entry.postings:
        currency = posting.account.currency
        sums[currency] = sums.get(currency, 0) + posting.amount_cents
    if not sums or any(sums.values()):
        raise ValueError(f"the postings of {entry.key} do not sum to zero: {sums}")
    if len({posting.account.book for posting in entry.postings}) > 1:
        raise ValueError(f"{entry.key} mixes the regulated book and the market book")


def _total_cents(rows: Sequence[PostingRow]) -> int:
    return sum(row.amount_cents for row in rows)


def _postings(session: Session) -> dict[int, list[PostingRow]]:
    found: dict[int, list[PostingRow]] = {}
    for row in session.scalars(select(PostingRow).order_by(PostingRow.entry_position, PostingRow.line)):
        found.setdefault(row.entry_position, []).append(row)
    return found


def _digest(row: EntryRow, postings: Sequence[PostingRow]) -> str:
    content = (
        row.position,
        row.key,
        _stamp(row.at),
        row.day.isoformat(),
        row.text,
        row.record_ids,
        [(posting.line, posting.account_id, posting.amount_cents) for posting in postings],
        row.previous_digest,
    )
    return hashlib.sha256(msgspec.json.encode(content)).hexdigest()


def _stamp(instant: datetime) -> str:
    return instant.isoformat()
