"""Payments as a CSV file for the bank's upload or a spreadsheet."""

import csv
import io
from collections.abc import Iterable

from cloud.chain.records import Payment
from vpp_core.money import Money

COLUMNS = (
    "payment_id",
    "owner_id",
    "book",
    "day",
    "gross",
    "operator_fee",
    "amount",
    "currency",
    "due_on",
    "value_date",
)


def payments_csv(payments: Iterable[Payment]) -> str:
    """One row a payment, amounts in currency units with two decimals, ordered by book and owner."""
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(COLUMNS)
    for payment in sorted(payments, key=lambda each: (each.day, each.book, each.owner_id)):
        rows.writerow(
            (
                payment.id,
                payment.owner_id,
                payment.book.value,
                payment.day.isoformat(),
                _units(payment.gross_cents),
                _units(payment.operator_fee_cents),
                _units(payment.amount_cents),
                payment.currency,
                payment.due_on.isoformat(),
                payment.value_date.isoformat(),
            )
        )
    return text.getvalue()


def _units(amount_cents: int) -> str:
    return f"{Money.from_cents(amount_cents).to_decimal():.2f}"
