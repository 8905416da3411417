"""The books balance, are only added to, and show when they were tampered with."""

from datetime import date

import pytest
from sqlalchemy import text

from cloud.chain.records import Book
from cloud.payout.ledger import Account, AccountKind, Entry, Ledger, Posting
from cloud.storage.database import Database
from vpp_core.clock import ManualClock
from vpp_core.faults import StorageFault
from vpp_core.ids import OwnerId, RecordId

DAY = date(2021, 8, 12)
RECEIVABLE = Account(Book.MARKET, AccountKind.RECEIVABLE)
REVENUE = Account(Book.MARKET, AccountKind.PROGRAM_REVENUE)
OWED = Account(Book.MARKET, AccountKind.OWNER_PAYABLE, OwnerId("own-1"))


@pytest.fixture
def ledger(database: Database, clock: ManualClock) -> Ledger:
    return Ledger(database, clock)


def entry(key: str, *postings: tuple[Account, int], day: date = DAY) -> Entry:
    return Entry(
        key=key,
        day=day,
        text=key,
        record_ids=(RecordId("R1"), RecordId("R2")),
        postings=tuple(Posting(account, cents) for account, cents in postings),
    )


def test_what_is_posted_balances_by_account(ledger: Ledger) -> None:
    assert ledger.post(entry("one", (RECEIVABLE, 500), (REVENUE, -500)))
    assert ledger.post(entry("two", (REVENUE, 400), (OWED, -400)))
    assert [(balance.account_id, balance.amount_cents) for balance in ledger.trial_balance()] == [
        ("market/owner_payable/own-1/USD", -400),
        ("market/program_revenue/USD", -100),
        ("market/receivable/USD", 500),
    ]
    assert ledger.verify() == 2


def test_a_key_is_posted_once(ledger: Ledger) -> None:
    first = entry("one", (RECEIVABLE, 500), (REVENUE, -500))
    assert ledger.post(first)
    assert not ledger.post(first)
    assert ledger.balance(RECEIVABLE) == 500


def test_a_key_cannot_be_posted_with_other_amounts(ledger: Ledger) -> None:
    ledger.post(entry("one", (RECEIVABLE, 500), (REVENUE, -500)))
    with pytest.raises(StorageFault, match="posted before with other amounts"):
        ledger.post(entry("one", (RECEIVABLE, 501), (REVENUE, -501)))


@pytest.mark.parametrize(
    "postings",
    [
        pytest.param((), id="no postings"),
        pytest.param(((RECEIVABLE, 1), (REVENUE, -2)), id="debits are not credits"),
        pytest.param(
            ((RECEIVABLE, 1), (Account(Book.MARKET, AccountKind.BANK, None, "EUR"), -1)), id="two currencies"
        ),
    ],
)
def test_an_entry_that_does_not_balance_is_refused(
    ledger: Ledger, postings: tuple[tuple[Account, int], ...]
) -> None:
    with pytest.raises(ValueError, match="do not sum to zero"):
        ledger.post(entry("bad", *postings))
    assert ledger.verify() == 0


def test_the_books_are_never_mixed(ledger: Ledger) -> None:
    with pytest.raises(ValueError, match="mixes"):
        ledger.post(entry("bad", (RECEIVABLE, 1), (Account(Book.REGULATED, AccountKind.BANK), -1)))


def test_a_balance_can_be_read_as_of_earlier_days(ledger: Ledger) -> None:
    ledger.post(entry("monday", (RECEIVABLE, 5), (OWED, -5), day=date(2021, 8, 9)))
    ledger.post(entry("tuesday", (RECEIVABLE, 7), (OWED, -7), day=date(2021, 8, 10)))
    assert ledger.balance(OWED, before=date(2021, 8, 10)) == -5
    assert ledger.balance(OWED) == -12
    assert ledger.turnover(date(2021, 8, 10)) == {
        "market/owner_payable/own-1/USD": -7,
        "market/receivable/USD": 7,
    }


def test_a_failed_block_posts_nothing(ledger: Ledger) -> None:
    def fail() -> None:
        with ledger.transaction():
            ledger.post(entry("one", (RECEIVABLE, 500), (REVENUE, -500)))
            raise LookupError

    with pytest.raises(LookupError):
        fail()
    assert ledger.verify() == 0
    assert ledger.trial_balance() == []


@pytest.mark.parametrize(
    "tampering",
    [
        pytest.param("UPDATE ledger_posting SET amount_cents = amount_cents * 2", id="amounts, balanced"),
        pytest.param("UPDATE ledger_posting SET amount_cents = 1 WHERE line = 1", id="one amount"),
        pytest.param("UPDATE ledger_entry SET text = 'gift' WHERE position = 1", id="a text"),
        pytest.param("UPDATE ledger_entry SET record_ids = '' WHERE position = 2", id="the proof"),
        pytest.param("UPDATE ledger_entry SET day = '2020-01-01' WHERE position = 1", id="the day"),
        pytest.param("UPDATE ledger_entry SET position = 9 WHERE position = 1", id="the order"),
        pytest.param("DELETE FROM ledger_posting WHERE entry_position = 2", id="postings deleted"),
        pytest.param("DELETE FROM ledger_entry WHERE position = 1", id="an entry deleted"),
        pytest.param(
            "INSERT INTO ledger_posting VALUES (7, 1, 'market/receivable/USD', 9)", id="a stray posting"
        ),
    ],
)
def test_tampering_is_found(ledger: Ledger, database: Database, tampering: str) -> None:
    ledger.post(entry("one", (RECEIVABLE, 500), (REVENUE, -500)))
    ledger.post(entry("two", (REVENUE, 400), (OWED, -400)))
    with database.engine.connect() as connection:
        connection.execute(text("PRAGMA foreign_keys = OFF"))
        connection.execute(text(tampering))
        connection.commit()
    with pytest.raises(StorageFault, match="restore a backup"):
        ledger.verify()
