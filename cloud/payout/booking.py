"""Which entries an invoice, its allocation and its payments make. Pure."""

from collections.abc import Mapping

from cloud.chain.records import Invoice, Payment
from cloud.payout.allocation import Allocation
from cloud.payout.ledger import Account, AccountKind, Entry, Posting
from vpp_core.ids import OwnerId


def invoice_entry(invoice: Invoice) -> Entry:
    """The counterparty owes its own amount; where ours differs, the difference is a line of its own."""
    difference_cents = invoice.amount_cents - invoice.ours_cents
    amounts = {
        AccountKind.RECEIVABLE: invoice.amount_cents,
        AccountKind.PROGRAM_REVENUE: -invoice.ours_cents,
        AccountKind.CORRECTION: -difference_cents,
    }
    return _entry(invoice, "invoice", f"statement of {invoice.counterparty}", _house(invoice, amounts))


def allocation_entry(invoice: Invoice, allocation: Allocation) -> Entry:
    """Revenue and correction become what is owed to owners and what stays with the operator."""
    difference_cents = invoice.amount_cents - invoice.ours_cents
    amounts = {
        AccountKind.PROGRAM_REVENUE: invoice.ours_cents,
        AccountKind.CORRECTION: difference_cents,
        AccountKind.OPERATOR_FEE: -allocation.operator_cents,
    }
    owners = {owner: -share.earned_cents for owner, share in allocation.owners.items()}
    postings = (*_house(invoice, amounts), *_owners(invoice, owners))
    return _entry(invoice, "allocation", "allocation to owners and operator", postings)


def payment_entry(invoice: Invoice, payment: Payment) -> Entry:
    """What is owed to an owner leaves the bank."""
    owed = Account(invoice.book, AccountKind.OWNER_PAYABLE, payment.owner_id, invoice.currency)
    bank = Account(invoice.book, AccountKind.BANK, None, invoice.currency)
    return Entry(
        key=f"payment/{invoice.book.value}/{invoice.day.isoformat()}/{payment.owner_id}",
        day=invoice.day,
        text=f"payment to {payment.owner_id}",
        record_ids=(payment.id,),
        postings=(Posting(owed, payment.amount_cents), Posting(bank, -payment.amount_cents)),
    )


def _entry(invoice: Invoice, what: str, text: str, postings: tuple[Posting, ...]) -> Entry:
    return Entry(
        key=f"{what}/{invoice.book.value}/{invoice.day.isoformat()}",
        day=invoice.day,
        text=text,
        record_ids=(invoice.id,),
        postings=postings,
    )


def _house(invoice: Invoice, amounts: Mapping[AccountKind, int]) -> tuple[Posting, ...]:
    return tuple(
        Posting(Account(invoice.book, kind, None, invoice.currency), amount_cents)
        for kind, amount_cents in amounts.items()
    )


def _owners(invoice: Invoice, amounts: Mapping[OwnerId, int]) -> tuple[Posting, ...]:
    return tuple(
        Posting(Account(invoice.book, AccountKind.OWNER_PAYABLE, owner, invoice.currency), amount_cents)
        for owner, amount_cents in sorted(amounts.items())
    )
