"""Hands meter data to the counterparties and compares their statements with ours, to the cent."""

from collections.abc import Sequence
from datetime import date
from typing import NamedTuple, Protocol

from cloud.chain.records import Book, Invoice, Settlement, SettlementLine
from cloud.chain.store import Chain
from cloud.markets.adapter import HeldReserve, MarketAdapter, MeteredEnergy
from cloud.markets.catalogue import Product, ProductKind
from cloud.markets.utility_http import EventId, EventPerformanceRow, EventStatement
from cloud.settlement.assessment import Measured
from cloud.settlement.evidence import EventDue
from cloud.settlement.settle import total
from vpp_core.faults import CounterpartyFault
from vpp_core.ids import ProductId
from vpp_core.measurement import Quality


class UtilityAccount(Protocol):
    """What settlement needs of :class:`cloud.markets.utility_http.UtilityClient`."""

    @property
    def name(self) -> str:
        """What the counterparty is called on invoices."""
        ...

    async def submit_performance(self, event_id: EventId, rows: Sequence[EventPerformanceRow]) -> None: ...

    async def event_statement(self, event_id: EventId) -> EventStatement: ...


class Settled(NamedTuple):
    """One settled commitment with what it was settled from."""

    product: Product
    measured: Measured
    settlement: Settlement


class Reconciliation:
    def __init__(self, chain: Chain, market: MarketAdapter, utility: UtilityAccount) -> None:
        self._chain = chain
        self._market = market
        self._utility = utility

    async def submit(self, settled: Sequence[Settled], events: Sequence[EventDue]) -> None:
        """Hand in the meter data of a day; a repetition replaces it.

        Raises:
            CounterpartyFault: a counterparty did not take it.
        """
        energy: dict[ProductId, list[MeteredEnergy]] = {}
        reserve: dict[ProductId, list[HeldReserve]] = {}
        for each in settled:
            if each.product.kind is ProductKind.ENERGY:
                energy.setdefault(each.product.id, []).append(_metered(each.measured))
            elif each.product.kind is ProductKind.RESERVE:
                reserve.setdefault(each.product.id, []).append(_held(each.measured))
        for product_id in sorted(energy):
            await self._market.submit_energy(product_id, energy[product_id])
        for product_id in sorted(reserve):
            await self._market.submit_reserve(product_id, reserve[product_id])
        by_commitment = {each.measured.commitment.id: each.measured for each in settled}
        for event in events:
            rows = [row for due in event.due for row in performance_rows(by_commitment[due.commitment.id])]
            await self._utility.submit_performance(EventId(event.event_id), rows)

    async def invoices(
        self, day: date, settled: Sequence[Settled], events: Sequence[EventDue]
    ) -> list[Invoice]:
        """The counterparties' statements of a day beside ours, by book; fetched once, then kept.

        Raises:
            CounterpartyFault: a statement is not there.
        """
        known = {invoice.book: invoice for invoice in self._chain.of_kind(Invoice, day=day)}
        found: list[Invoice] = []
        for book in Book:
            parts = [each for each in settled if each.settlement.book is book]
            if parts and book not in known:
                amount_cents, currency = await self._statement(book, day, events)
                ours_cents = our_cents(parts, events)
                known[book] = self._record(day, parts, amount_cents, currency, ours_cents)
            if book in known:
                found.append(known[book])
        return found

    async def _statement(self, book: Book, day: date, events: Sequence[EventDue]) -> tuple[int, str]:
        if book is Book.MARKET:
            market = await self._market.statement(day)
            return market.total_cents, market.currency
        statements = [await self._utility.event_statement(EventId(event.event_id)) for event in events]
        return sum(each.total_cents for each in statements), statements[0].currency

    def _record(
        self, day: date, parts: Sequence[Settled], amount_cents: int, currency: str, ours_cents: int
    ) -> Invoice:
        book = parts[0].settlement.book
        name = self._market.name if book is Book.MARKET else self._utility.name
        if currency != parts[0].settlement.net.currency:
            raise CounterpartyFault(
                f"The {name} states {day} in {currency}, which is not the currency of the contract."
            )
        return self._chain.append(
            Invoice(
                id=self._chain.new_id(),
                at=self._chain.now(),
                predecessors=tuple(each.settlement.id for each in parts),
                book=book,
                counterparty=name,
                day=day,
                amount_cents=amount_cents,
                currency=currency,
                ours_cents=ours_cents,
            )
        )


def our_cents(parts: Sequence[Settled], events: Sequence[EventDue]) -> int:
    """What our settlements of one book come to, rounded as statements are: by event, or by market day."""
    event_of = {due.commitment.id: event.event_id for event in events for due in event.due}
    statements: dict[str, list[SettlementLine]] = {}
    for each in parts:
        lines = statements.setdefault(event_of.get(each.measured.commitment.id, ""), [])
        lines.extend(each.settlement.lines)
    currency = parts[0].settlement.net.currency
    return sum(total(lines, currency).cents for lines in statements.values())


def performance_rows(measured: Measured) -> list[EventPerformanceRow]:
    """One interval of an event by site; a site without a baseline is not reported."""
    delivery, baseline = measured.delivery, measured.baseline
    if baseline is None:
        return []
    return [
        EventPerformanceRow(
            site_id=site,
            interval=delivery.interval,
            metered_wh=energy.energy_wh if energy.quality is Quality.GOOD else None,
            baseline_wh=baseline.sites[site],
        )
        for site, energy in sorted(delivery.sites.items())
        if site in baseline.sites
    ]


def _metered(measured: Measured) -> MeteredEnergy:
    total_wh = sum(energy.energy_wh for energy in measured.delivery.sites.values())
    return MeteredEnergy(interval=measured.delivery.interval, energy_wh=total_wh)


def _held(measured: Measured) -> HeldReserve:
    return HeldReserve(
        interval=measured.delivery.interval,
        held_w=round(measured.commitment.power_w),
        performance=measured.delivery.performance or 0.0,
    )
