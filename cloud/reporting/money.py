"""Figures of stage 7: payments, statements, and whether every cent is accounted for. Pure."""

from collections.abc import Mapping

from cloud.chain.records import Invoice, Payment, Statement
from cloud.payout.ledger import Account, AccountKind
from cloud.reporting.computed import Computed, computed, ratio_pct
from cloud.reporting.day_records import DayRecords
from cloud.reporting.delivery import CENTS_PER_UNIT

UNPAID = "the day is not paid yet"

Turnover = Mapping[str, int]
"""What the ledger moved for the day, by account (cents, debit positive)."""


def payment_figures(records: DayRecords) -> list[Computed]:
    """Whether owners were paid when they were due."""
    due = [payment for payment in records.payments if payment.amount_cents > 0]
    early = [payment for payment in due if payment.value_date <= payment.due_on]
    amount, in_time = _cents(due), _cents(early)
    if not records.payments:
        names = ("on_time_count", "on_time_amount", "paid_to_owners")
        return [computed(name, None, (), UNPAID) for name in names]
    note = "" if due else "no owner had anything to receive"
    return [
        computed("on_time_count", ratio_pct(len(early), len(due)), due, note),
        computed("on_time_amount", ratio_pct(in_time, amount), due, note),
        computed("paid_to_owners", amount / CENTS_PER_UNIT, records.payments, note),
    ]


def report_accuracy(records: DayRecords, turnover: Turnover) -> Computed:
    """Statements that equal their payments, and these the ledger, to the cent."""
    statements = records.statements
    if not statements:
        return computed("report_accuracy", None, (), "no statement was issued yet")
    payments = {payment.id: payment for payment in records.payments}
    right = [
        statement
        for statement in statements
        if _matches(statement, [payments[key] for key in statement.predecessors if key in payments], turnover)
    ]
    return computed(
        "report_accuracy", ratio_pct(len(right), len(statements)), [*statements, *records.payments]
    )


def conservation(records: DayRecords, turnover: Turnover) -> list[Computed]:
    """The counterparties' statements against payments, balances carried and the operator's part."""
    invoices, payments = records.invoices, records.payments
    if not payments:
        return [computed(name, None, invoices, UNPAID) for name in ("operator_margin", "money_conserved")]
    operator_cents = -sum(turnover.get(_operator(invoice), 0) for invoice in invoices)
    carried_cents = sum(
        payment.gross_cents - payment.operator_fee_cents - payment.amount_cents for payment in payments
    )
    left_cents = (
        sum(invoice.amount_cents for invoice in invoices) - _cents(payments) - carried_cents - operator_cents
    )
    by_book = ", ".join(
        f"{invoice.book.value} {-turnover.get(_operator(invoice), 0) / CENTS_PER_UNIT:.2f} USD"
        for invoice in invoices
    )
    sources = [*invoices, *payments]
    return [
        computed("operator_margin", operator_cents / CENTS_PER_UNIT, sources, by_book),
        computed("money_conserved", left_cents / CENTS_PER_UNIT, sources),
    ]


def _matches(statement: Statement, payments: list[Payment], turnover: Turnover) -> bool:
    return statement.amount_cents == _cents(payments) and all(
        turnover.get(_owed(payment), 0)
        == payment.amount_cents - (payment.gross_cents - payment.operator_fee_cents)
        for payment in payments
    )


def _cents(payments: list[Payment]) -> int:
    return sum(payment.amount_cents for payment in payments)


def _owed(payment: Payment) -> str:
    return Account(payment.book, AccountKind.OWNER_PAYABLE, payment.owner_id, payment.currency).id


def _operator(invoice: Invoice) -> str:
    return Account(invoice.book, AccountKind.OPERATOR_FEE, None, invoice.currency).id
