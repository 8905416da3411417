"""Stage 7 as a service: from invoices to payments on balanced books, and a statement for each owner.

Every step is repeatable: what is recorded already is returned, and nothing is posted twice.
"""

from collections.abc import Mapping
from datetime import date, timedelta

from cloud.chain.records import Book, Consent, EnrolledSite, Invoice, Payment, Settlement, Statement
from cloud.chain.store import Chain
from cloud.markets.local_day import local_date
from cloud.payout.allocation import Allocation, Claim, allocate
from cloud.payout.booking import allocation_entry, invoice_entry, payment_entry
from cloud.payout.ledger import Account, AccountKind, Balance, Ledger
from cloud.payout.statements import OwnerStatement, compose
from cloud.payout.terms import PaymentTerms, load_terms, terms_on
from vpp_core.faults import LocalFault
from vpp_core.ids import OwnerId, SiteId


class MoneyNotConserved(AssertionError):
    """Payments and operator's part are not the invoice."""


class PayoutService:
    """All of stage 7's money for one operator.

    Args:
        chain: the chain of record.
        ledger: the books, on the same database as the chain.
        zone: local zone of value dates.
        terms: terms of payment; those of the package by default.
    """

    def __init__(
        self, *, chain: Chain, ledger: Ledger, zone: str, terms: tuple[PaymentTerms, ...] | None = None
    ) -> None:
        self._chain = chain
        self._ledger = ledger
        self._zone = zone
        self._terms = load_terms() if terms is None else terms

    def run(self, day: date) -> list[Payment]:
        """Pay the owners of each invoiced book of a delivery day: one payment an owner and book.

        A payment of zero is recorded too, so that each owner can read why. The owners' payments, what
        is carried forward and the operator's part are the invoice to the cent.
        """
        found: list[Payment] = []
        for invoice in self._chain.of_kind(Invoice, day=day):
            known = self._chain.of_kind(Payment, day=day, book=invoice.book)
            found.extend(known or self._pay(invoice))
        return found

    def statements(self, day: date) -> list[Statement]:
        """The statement of every owner who has a payment for the day, issued once."""
        known = {statement.owner_id: statement for statement in self._chain.of_kind(Statement, day=day)}
        payments: dict[OwnerId, list[Payment]] = {}
        for payment in self._chain.of_kind(Payment, day=day):
            payments.setdefault(payment.owner_id, []).append(payment)
        for owner_id in sorted(set(payments) - set(known)):
            parts = payments[owner_id]
            known[owner_id] = self._chain.append(
                Statement(
                    id=self._chain.new_id(),
                    at=self._chain.now(),
                    predecessors=tuple(payment.id for payment in parts),
                    owner_id=owner_id,
                    day=day,
                    amount_cents=sum(payment.amount_cents for payment in parts),
                    currency=parts[0].currency,
                )
            )
        return [known[owner_id] for owner_id in sorted(known)]

    def statement(self, owner_id: OwnerId, day: date) -> OwnerStatement | None:
        """What an owner reads about a day, made from the chain; nothing before it was issued."""
        issued = self._chain.latest(Statement, owner_id=owner_id, day=day)
        return None if issued is None else compose(self._chain, issued, self._zone)

    def payments(self, day: date) -> list[Payment]:
        return self._chain.of_kind(Payment, day=day)

    def trial_balance(self) -> list[Balance]:
        """Every account with its balance, after the whole ledger was verified.

        Raises:
            StorageFault: the ledger was tampered with.
        """
        self._ledger.verify()
        return self._ledger.trial_balance()

    def owed_cents(self, owner_id: OwnerId, book: Book, *, before: date, currency: str) -> int:
        """What an owner is owed from delivery days before ``before``."""
        account = Account(book, AccountKind.OWNER_PAYABLE, owner_id, currency)
        return -self._ledger.balance(account, before=before)

    def _pay(self, invoice: Invoice) -> list[Payment]:
        terms = terms_on(self._terms, invoice.day)
        sites = self._sites(invoice.book)
        consents = self._consents(sites)
        claims = self._claims(invoice, sites, consents)
        allocation = allocate(invoice.amount_cents, claims, threshold_cents=terms.threshold_cents)
        payments = [
            self._payment(invoice, owner, allocation, consents[owner], terms) for owner in allocation.owners
        ]
        require_conserved(invoice, allocation, payments)
        with self._ledger.transaction():
            self._chain.append_all(payments)
            self._ledger.post(invoice_entry(invoice))
            self._ledger.post(allocation_entry(invoice, allocation))
            for payment in payments:
                if payment.amount_cents:
                    self._ledger.post(payment_entry(invoice, payment))
        return payments

    def _payment(
        self,
        invoice: Invoice,
        owner: OwnerId,
        allocation: Allocation,
        consent: Consent,
        terms: PaymentTerms,
    ) -> Payment:
        share = allocation.owners[owner]
        return Payment(
            id=self._chain.new_id(),
            at=self._chain.now(),
            predecessors=(invoice.id, consent.id),
            owner_id=owner,
            book=invoice.book,
            day=invoice.day,
            gross_cents=share.gross_cents,
            operator_fee_cents=share.operator_fee_cents,
            amount_cents=share.paid_cents,
            currency=invoice.currency,
            due_on=invoice.day + timedelta(days=terms.payment_due_days),
            value_date=local_date(self._chain.now(), self._zone),
        )

    def _sites(self, book: Book) -> dict[SiteId, EnrolledSite]:
        return {site.site_id: site for site in self._chain.of_kind(EnrolledSite, book=book)}

    def _consents(self, sites: Mapping[SiteId, EnrolledSite]) -> dict[OwnerId, Consent]:
        """The newest consent of each owner for a program of the book; its share holds for all its sites."""
        programs = {(site.owner_id, site.program_id) for site in sites.values()}
        consents = {
            consent.owner_id: consent
            for consent in self._chain.of_kind(Consent)
            if (consent.owner_id, consent.program_id) in programs
        }
        if missing := sorted({owner for owner, _ in programs} - set(consents)):
            raise LocalFault(f"owner {missing[0]} has an enrolled site but no consent; record one first")
        return consents

    def _claims(
        self, invoice: Invoice, sites: Mapping[SiteId, EnrolledSite], consents: Mapping[OwnerId, Consent]
    ) -> dict[OwnerId, Claim]:
        earned_micros = dict.fromkeys(consents, 0)
        records = [self._chain.get(record_id) for record_id in invoice.predecessors]
        for settlement in [record for record in records if isinstance(record, Settlement)]:
            for site_id, amount in settlement.sites.items():
                earned_micros[sites[site_id].owner_id] += amount.micros
        return {
            owner: Claim(
                consents[owner].owner_share_pct,
                earned,
                self.owed_cents(owner, invoice.book, before=invoice.day, currency=invoice.currency),
            )
            for owner, earned in earned_micros.items()
        }


def require_conserved(invoice: Invoice, allocation: Allocation, payments: list[Payment]) -> None:
    """Check that no cent of the invoice was lost or made.

    Raises:
        MoneyNotConserved: a defect of this program; nothing was posted.
    """
    moved_cents = sum(
        share.carried_forward_cents - share.brought_forward_cents for share in allocation.owners.values()
    )
    paid_cents = sum(payment.amount_cents for payment in payments)
    if paid_cents + moved_cents + allocation.operator_cents != invoice.amount_cents:
        raise MoneyNotConserved(f"the payments of invoice {invoice.id} do not come to its amount")
