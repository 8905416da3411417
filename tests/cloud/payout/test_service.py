"""Paying a day: conserved, repeatable, carried forward, and never a payment from an owner."""

from datetime import date
from typing import Any

import msgspec
import pytest

from cloud.chain.records import Book, EnrolledSite, Payment, Statement
from cloud.chain.store import Chain
from cloud.payout import service as payout
from cloud.payout.allocation import Claim, allocate
from cloud.payout.export import payments_csv
from cloud.payout.ledger import Account, AccountKind, Ledger
from cloud.payout.service import MoneyNotConserved, PayoutService
from cloud.payout.terms import PaymentTerms, load_terms, terms_on
from vpp_core.clock import ManualClock
from vpp_core.faults import ConfigurationFault, LocalFault
from vpp_core.ids import OwnerId

DAY = date(2021, 8, 12)
NEXT = date(2021, 8, 13)


def amounts(payments: list[Payment]) -> dict[str, tuple[int, int, int]]:
    return {
        payment.owner_id: (payment.gross_cents, payment.operator_fee_cents, payment.amount_cents)
        for payment in payments
    }


def test_each_book_pays_its_own_owners_and_is_conserved(
    service: PayoutService, invoiced: Any, ledger: Ledger
) -> None:
    invoiced(Book.MARKET, 101, m1=700_000, m2=310_000)
    invoiced(Book.REGULATED, 525, u1=6_000_000, u2=-750_000)
    payments = service.run(DAY)
    assert amounts(payments) == {
        "own-m1": (70, 14, 56),
        "own-m2": (31, 6, 25),
        "own-u1": (525, 105, 420),
        "own-u2": (0, 0, 0),
    }
    turnover = ledger.turnover(DAY)
    for book, net_cents in ((Book.MARKET, 101), (Book.REGULATED, 525)):
        paid = sum(payment.amount_cents for payment in payments if payment.book is book)
        assert paid - turnover[f"{book.value}/operator_fee/USD"] == net_cents
        assert turnover[f"{book.value}/receivable/USD"] == net_cents
        assert turnover[f"{book.value}/bank/USD"] == -paid
        assert turnover[f"{book.value}/program_revenue/USD"] == 0


def test_a_rerun_posts_nothing(service: PayoutService, invoiced: Any, ledger: Ledger) -> None:
    invoiced(Book.MARKET, 101, m1=700_000, m2=310_000)
    first, statements = service.run(DAY), service.statements(DAY)
    entries = ledger.verify()
    assert service.run(DAY) == first
    assert service.statements(DAY) == statements
    assert ledger.verify() == entries == 4


def test_a_difference_to_the_counterparty_is_a_line_of_its_own(
    service: PayoutService, invoiced: Any, ledger: Ledger
) -> None:
    invoiced(Book.MARKET, 90, off_cents=-10, m1=1_000_000)
    service.run(DAY)
    entries = {balance.account_id: balance.amount_cents for balance in service.trial_balance()}
    assert entries["market/correction/USD"] == 0
    assert entries["market/receivable/USD"] == 90
    assert sum(entries.values()) == 0
    assert ledger.verify() == 3


def test_an_owner_never_pays_in(service: PayoutService, invoiced: Any, ledger: Ledger) -> None:
    invoiced(Book.REGULATED, -250, u1=-1_250_000, u2=-1_250_000)
    assert amounts(service.run(DAY)) == {"own-u1": (0, 0, 0), "own-u2": (0, 0, 0)}
    assert ledger.turnover(DAY)["regulated/operator_fee/USD"] == 250
    text = " ".join(service.statement(OwnerId("own-u1"), DAY).reasons) if service.statements(DAY) else ""  # type: ignore[union-attr]
    assert "the operator bears it" in text


def test_small_balances_are_carried_to_the_next_day(
    chain: Chain, ledger: Ledger, sites: dict[str, EnrolledSite], invoiced: Any
) -> None:
    assert sites
    terms = PaymentTerms(
        version="test", effective_from=date(2021, 1, 1), payment_due_days=5, threshold_cents=100
    )
    service = PayoutService(chain=chain, ledger=ledger, zone="America/Chicago", terms=(terms,))
    invoiced(Book.MARKET, 100, m1=1_000_000)
    invoiced(Book.MARKET, 100, day=NEXT, m1=1_000_000)
    assert amounts(service.run(DAY))["own-m1"] == (100, 20, 0)
    assert amounts(service.run(NEXT))["own-m1"] == (100, 20, 160)
    assert ledger.balance(Account(Book.MARKET, AccountKind.OWNER_PAYABLE, OwnerId("own-m1"))) == 0
    service.statements(DAY)
    service.statements(NEXT)
    first, second = (service.statement(OwnerId("own-m1"), day) for day in (DAY, NEXT))
    assert first is not None
    assert second is not None
    assert "0.80 USD is carried to the next payment." in first.reasons
    assert "0.80 USD from earlier days is included." in second.reasons


def test_a_payment_is_due_by_the_terms_and_valued_on_the_local_date(
    service: PayoutService, invoiced: Any, clock: ManualClock
) -> None:
    clock.advance(16 * 3_600)  # 04:00 UTC on the 13th is still the 12th in Chicago
    invoiced(Book.MARKET, 100, m1=1_000_000)
    payment = service.run(DAY)[0]
    assert (payment.due_on, payment.value_date) == (date(2021, 9, 11), DAY)


def test_without_an_invoice_nobody_is_paid(service: PayoutService, ledger: Ledger) -> None:
    assert service.run(DAY) == []
    assert service.statements(DAY) == []
    assert ledger.verify() == 0


def test_an_enrolled_owner_without_consent_is_a_fault_and_nothing_is_posted(
    service: PayoutService, chain: Chain, invoiced: Any, sites: dict[str, EnrolledSite], ledger: Ledger
) -> None:
    stranger = msgspec.structs.replace(sites["m1"], id=chain.new_id(), owner_id=OwnerId("own-x"))
    chain.append(stranger)
    invoiced(Book.MARKET, 100, m1=1_000_000)
    with pytest.raises(LocalFault, match="own-x has an enrolled site but no consent"):
        service.run(DAY)
    assert ledger.verify() == 0


def test_money_that_does_not_add_up_is_never_posted(
    service: PayoutService, chain: Chain, invoiced: Any, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    invoice = invoiced(Book.MARKET, 100, m1=1_000_000)
    wrong = allocate(99, {OwnerId("own-m1"): Claim(80, 1)}, threshold_cents=0)
    monkeypatch.setattr(payout, "allocate", lambda *_, **__: wrong)
    with pytest.raises(MoneyNotConserved, match=invoice.id):
        service.run(DAY)
    assert ledger.verify() == 0
    assert chain.of_kind(Payment) == []


def test_a_statement_is_issued_to_every_owner_once(
    service: PayoutService, invoiced: Any, chain: Chain
) -> None:
    invoiced(Book.MARKET, 100, m1=1_000_000)
    payments = service.run(DAY)
    statements = service.statements(DAY)
    assert [statement.owner_id for statement in statements] == ["own-m1", "own-m2"]
    assert statements[0].predecessors == (payments[0].id,)
    assert len(chain.of_kind(Statement)) == 2


def test_the_export_has_one_row_a_payment(service: PayoutService, invoiced: Any) -> None:
    invoiced(Book.MARKET, 101, m1=700_000, m2=310_000)
    header, first, *rest = payments_csv(service.run(DAY)).splitlines()
    assert header.startswith("payment_id,owner_id,book,day,gross,operator_fee,amount,currency")
    assert ",own-m1,market,2021-08-12,0.70,0.14,0.56,USD,2021-09-11," in first
    assert len(rest) == 1


def test_the_newest_terms_in_force_hold() -> None:
    old, new = (
        PaymentTerms(
            version=version, effective_from=date(2021, month, 1), payment_due_days=1, threshold_cents=0
        )
        for version, month in (("old", 1), ("new", 8))
    )
    assert terms_on((new, old), DAY) is new
    assert terms_on((new, old), date(2021, 7, 31)) is old
    with pytest.raises(ConfigurationFault, match="no payment terms are in force"):
        terms_on((new, old), date(2020, 1, 1))


@pytest.mark.parametrize("text", ["[[terms", "[[terms]]\nversion = 1"], ids=["no TOML", "missing keys"])
def test_terms_are_read_strictly(text: str) -> None:
    with pytest.raises(ConfigurationFault, match=r"mend terms\.toml"):
        load_terms(text)
