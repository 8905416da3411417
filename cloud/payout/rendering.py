"""A statement as a printable page and as plain text, from one model."""

from datetime import datetime
from functools import cache
from zoneinfo import ZoneInfo

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from cloud.payout.statements import BookPart, OwnerStatement, cents
from vpp_core.money import Money


def as_html(statement: OwnerStatement) -> str:
    """One page without scripts or outside resources."""
    return _environment().get_template("statement.html.j2").render(statement=statement)


def as_text(statement: OwnerStatement) -> str:
    """The same in plain text, without the table of intervals."""
    lines = [
        f"Statement {statement.id}: {statement.owner_id}, {statement.day}",
        f"Paid: {cents(statement.amount_cents, statement.currency)}",
        "",
        "Why you were paid this:",
        *(f"  {number}. {reason}" for number, reason in enumerate(statement.reasons, start=1)),
    ]
    for part in statement.books:
        lines.extend(["", *_book_lines(part)])
    return "\n".join(lines) + "\n"


def exact(amount: Money) -> str:
    """An amount to a hundredth of a cent, for the lines of an interval."""
    return f"{amount.to_decimal():.4f}"


def local(instant: datetime, zone: str, form: str) -> Markup:
    """An instant in a time zone, in the form of ``strftime``."""
    return Markup(instant.astimezone(ZoneInfo(zone)).strftime(form))  # noqa: S704  (the form is the template's)


def _book_lines(part: BookPart) -> list[str]:
    payment, currency = part.payment, part.payment.currency
    rows = [
        (f"{part.invoice.counterparty}, all sites", part.invoice.amount_cents, part.invoice.id),
        ("your gross part", payment.gross_cents, payment.id),
        ("operator's part", -payment.operator_fee_cents, part.consent.id),
        ("carried or brought forward", -part.carried_cents, payment.id),
        ("paid", payment.amount_cents, payment.id),
    ]
    return [
        f"{part.book.value.capitalize()} book",
        *(f"  {what:<32}{cents(amount, currency):>16}  {key}" for what, amount, key in rows),
    ]


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("cloud.payout"), autoescape=True, undefined=StrictUndefined
    )
    environment.filters["cents"] = cents
    environment.filters["exact"] = exact
    environment.filters["local"] = local
    return environment
