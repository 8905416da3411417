"""What an owner reads about one day: every amount, why it is what it is, and the record that proves it.

The statement is made from the chain each time; nothing in it is stored a second time.
"""

from collections.abc import Iterable, Sequence
from datetime import date
from zoneinfo import ZoneInfo

import msgspec

from cloud.chain.records import (
    Baseline,
    Book,
    Consent,
    Delivery,
    EnrolledSite,
    Invoice,
    Loss,
    Payment,
    Settlement,
    Statement,
)
from cloud.chain.store import Chain
from cloud.payout.links import find, first
from vpp_core.ids import OwnerId, ProductId, RecordId, SiteId
from vpp_core.interval import Interval
from vpp_core.measurement import Quality
from vpp_core.money import Money, zero


class StatementRow(msgspec.Struct, frozen=True, kw_only=True):
    """One settled interval of one site."""

    settlement_id: RecordId
    site_id: SiteId
    product_id: ProductId
    interval: Interval
    metered_wh: int
    quality: Quality
    baseline_wh: int | None
    delivered_wh: int
    """What counted: metered, less the baseline where there is one; zero without good data."""
    amount: Money


class ProductPart(msgspec.Struct, frozen=True, kw_only=True):
    """All intervals of one product together."""

    product_id: ProductId
    rule: str
    baseline_rule: str
    """Empty where there is no baseline."""
    scored: bool
    """Reserve: the quantity is W held for hours, made good by its score."""
    delivered_wh: int
    amount: Money
    rows: tuple[StatementRow, ...]


class BookPart(msgspec.Struct, frozen=True, kw_only=True):
    """One book of the day: what was earned, shared and paid."""

    book: Book
    payment: Payment
    invoice: Invoice
    consent: Consent
    products: tuple[ProductPart, ...]
    fleet: Money
    """What all sites of the book earned by our settlements."""
    earned: Money
    """What the owner's sites earned of it."""

    @property
    def difference_cents(self) -> int:
        """The counterparty's amount less ours."""
        return self.invoice.amount_cents - self.invoice.ours_cents

    @property
    def carried_cents(self) -> int:
        """Carried forward (positive) or brought forward from earlier days (negative)."""
        payment = self.payment
        return payment.gross_cents - payment.operator_fee_cents - payment.amount_cents


class OwnerStatement(msgspec.Struct, frozen=True, kw_only=True):
    id: RecordId
    owner_id: OwnerId
    day: date
    zone: str
    """Of the times that the owner reads."""
    amount_cents: int
    currency: str
    books: tuple[BookPart, ...]
    reasons: tuple[str, ...]
    """Why the owner was paid this, in plain sentences."""


def compose(chain: Chain, issued: Statement, zone: str) -> OwnerStatement:
    """The statement as it reads in a time zone, from the payments that it follows from."""
    payments = [record for key in issued.predecessors if isinstance(record := chain.get(key), Payment)]
    books = tuple(_book(chain, payment) for payment in payments)
    losses = [loss for site in _sites(chain, issued.owner_id) for loss in chain.of_kind(Loss, site_id=site)]
    return OwnerStatement(
        id=issued.id,
        owner_id=issued.owner_id,
        day=issued.day,
        zone=zone,
        amount_cents=issued.amount_cents,
        currency=issued.currency,
        books=books,
        reasons=tuple(sentence for book in books for sentence in _reasons(book, losses, ZoneInfo(zone))),
    )


def _book(chain: Chain, payment: Payment) -> BookPart:
    invoice = first(chain, payment.predecessors, Invoice)
    consent = first(chain, payment.predecessors, Consent)
    settlements = [record for key in invoice.predecessors if isinstance(record := chain.get(key), Settlement)]
    sites = _sites(chain, payment.owner_id)
    products = [
        _product(chain, [each for each in settlements if each.product_id == product_id], sites)
        for product_id in sorted({settlement.product_id for settlement in settlements})
    ]
    return BookPart(
        book=payment.book,
        payment=payment,
        invoice=invoice,
        consent=consent,
        products=tuple(product for product in products if product.rows),
        fleet=_sum((settlement.net for settlement in settlements), payment.currency),
        earned=_sum((product.amount for product in products), payment.currency),
    )


def _sites(chain: Chain, owner_id: OwnerId) -> list[SiteId]:
    return sorted({site.site_id for site in chain.of_kind(EnrolledSite, owner_id=owner_id)})


def _product(chain: Chain, settlements: Sequence[Settlement], sites: Sequence[SiteId]) -> ProductPart:
    rows: list[StatementRow] = []
    baseline_rule, scored = "", False
    for settlement in settlements:
        delivery = first(chain, settlement.predecessors, Delivery)
        scored = delivery.performance is not None
        baseline = find(chain, settlement.predecessors, Baseline)
        if baseline is not None:
            baseline_rule = f"{baseline.rule}, {baseline.adjustment}"
        rows.extend(_row(settlement, delivery, baseline, site) for site in sites if site in delivery.sites)
    return ProductPart(
        product_id=settlements[0].product_id,
        rule=settlements[0].rule,
        baseline_rule=baseline_rule,
        scored=scored,
        delivered_wh=sum(row.delivered_wh for row in rows),
        amount=_sum((row.amount for row in rows), settlements[0].net.currency),
        rows=tuple(rows),
    )


def _row(settlement: Settlement, delivery: Delivery, baseline: Baseline | None, site: SiteId) -> StatementRow:
    metered = delivery.sites[site]
    baseline_wh = baseline.sites.get(site) if baseline else None
    counted = baseline is None or (metered.quality is Quality.GOOD and baseline_wh is not None)
    return StatementRow(
        settlement_id=settlement.id,
        site_id=site,
        product_id=settlement.product_id,
        interval=settlement.interval,
        metered_wh=metered.energy_wh,
        quality=metered.quality,
        baseline_wh=baseline_wh,
        delivered_wh=metered.energy_wh - (baseline_wh or 0) if counted else 0,
        amount=settlement.sites.get(site, zero(settlement.net.currency)),
    )


def _sum(amounts: Iterable[Money], currency: str) -> Money:
    return sum(amounts, zero(currency))


def _reasons(book: BookPart, losses: Sequence[Loss], zone: ZoneInfo) -> list[str]:
    payment, invoice = book.payment, book.invoice
    sentences = [_product_reason(product) for product in book.products]
    for product in book.products:
        if product.baseline_rule:
            sentences.extend(_loss_reason(loss, zone) for loss in losses if _during(product, loss))
        bad = [row for row in product.rows if row.quality is not Quality.GOOD]
        if bad:
            sentences.append(
                f"{len(bad)} of {len(product.rows)} intervals of {product.product_id} have no good "
                "measurement: what is not measured is not paid."
            )
    sentences.append(
        f"All sites of the {book.book.value} book earned {book.fleet}; {invoice.counterparty} states "
        f"{cents(invoice.amount_cents, invoice.currency)}"
        + (f" ({cents(book.difference_cents, invoice.currency)} from ours)" if book.difference_cents else "")
        + f". Your sites earned {book.earned}; your gross part of the statement is "
        f"{cents(payment.gross_cents, payment.currency)}."
    )
    if invoice.amount_cents < 0:
        sentences.append("The book made a loss. You never pay in: the operator bears it.")
    sentences.append(
        f"By your consent to terms {book.consent.terms_version} you receive "
        f"{book.consent.owner_share_pct} %; the operator keeps "
        f"{cents(payment.operator_fee_cents, payment.currency)}."
    )
    if book.carried_cents > 0:
        sentences.append(f"{cents(book.carried_cents, payment.currency)} is carried to the next payment.")
    if book.carried_cents < 0:
        sentences.append(f"{cents(-book.carried_cents, payment.currency)} from earlier days is included.")
    return sentences


def _during(product: ProductPart, loss: Loss) -> bool:
    return any(row.interval.contains(loss.at) for row in product.rows)


def _loss_reason(loss: Loss, zone: ZoneInfo) -> str:
    return (
        f"Your site dropped out of the event at {loss.at.astimezone(zone):%H:%M} ({loss.reason}); "
        f"others took over {sum(loss.resplit.values()) / 1_000:.2f} of {loss.lost_w / 1_000:.2f} kW."
    )


def _product_reason(product: ProductPart) -> str:
    quantity = f"{product.delivered_wh / 1_000:.2f}"
    if product.baseline_rule:
        return (
            f"In the utility's event your site delivered {quantity} kWh above its baseline "
            f"({product.baseline_rule}); by {product.rule} that is {product.amount}."
        )
    if product.scored:
        return (
            f"Your battery made good {quantity} kW-h of frequency reserve; by {product.rule} that is "
            f"{product.amount}."
        )
    return f"Your battery and PV injected {quantity} kWh net; by {product.rule} that is {product.amount}."


def cents(amount_cents: int, currency: str) -> str:
    """Whole cents as text with two decimals."""
    return str(Money.from_cents(amount_cents, currency))
