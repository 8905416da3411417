"""What the chain says about a day's commitments: which hold, and what was done to keep them."""

from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from typing import NamedTuple

from cloud.chain.records import (
    Command,
    CommandReceipt,
    Commitment,
    EnrolledSite,
    GridEvent,
    Loss,
)
from cloud.chain.store import Chain
from cloud.markets.catalogue import Catalogue, Product, ProductKind
from cloud.markets.local_day import local_date
from vpp_core.ids import ProgramId, RecordId
from vpp_core.interval import Interval

ORDERED_BEFORE = timedelta(days=2)
REPORTED_AFTER = timedelta(days=1)
"""Commands of a delivery day are made at most so long before it, and reported on so long after it."""


class Due(NamedTuple):
    """One commitment that holds, and the product version that it is settled by."""

    commitment: Commitment
    product: Product


def due_on(chain: Chain, catalogue: Catalogue, day: date) -> list[Due]:
    """The commitments of a local delivery day, by product and time.

    A later one of the same product and interval replaces an earlier one; an event's commitment to
    nothing (it was cancelled) is not due.
    """
    due: list[Due] = []
    for product in catalogue.on(day):
        delivery_day = product.delivery_day(day)
        newest = {
            commitment.interval: commitment
            for commitment in chain.of_kind(Commitment, during=delivery_day, product_id=product.id)
            if delivery_day.contains(commitment.interval.start)
        }
        due.extend(
            Due(newest[interval], product)
            for interval in sorted(newest)
            if product.kind is not ProductKind.EVENT or newest[interval].power_w > 0.0
        )
    return due


def sites_of(chain: Chain, program_id: ProgramId) -> list[EnrolledSite]:
    """The newest enrolment of every site of a program whose owner has not opted out, by site."""
    newest = {site.site_id: site for site in chain.of_kind(EnrolledSite, program_id=program_id)}
    return [newest[site_id] for site_id in sorted(newest) if not newest[site_id].owner_limits.opted_out]


class Actions:
    """Commands, receipts and losses of a day, to point its deliveries at what led to them."""

    def __init__(self, chain: Chain, delivery_day: Interval) -> None:
        made = Interval(delivery_day.start - ORDERED_BEFORE, delivery_day.end + REPORTED_AFTER)
        receipts = chain.of_kind(CommandReceipt, at=made)
        newest = {(receipt.command_id, receipt.revision): receipt.id for receipt in receipts}
        self._by_commitment: dict[RecordId, list[RecordId]] = {}
        for command in chain.of_kind(Command, at=made):
            proof = newest.get((command.command_id, command.revision), command.id)
            self._note(command.predecessors, proof)
        for loss in chain.of_kind(Loss, at=made):
            self._note(loss.predecessors, loss.id)

    def of(self, commitment: RecordId) -> tuple[RecordId, ...]:
        """The newest receipt of each command (the command where none came) and the losses."""
        return tuple(dict.fromkeys(self._by_commitment.get(commitment, ())))

    def _note(self, commitments: Iterable[RecordId], record: RecordId) -> None:
        for commitment in commitments:
            self._by_commitment.setdefault(commitment, []).append(record)


class EventDue(NamedTuple):
    """One utility event with its commitments in order of time."""

    event_id: str
    due: tuple[Due, ...]

    @property
    def interval(self) -> Interval:
        return Interval(self.due[0].commitment.interval.start, self.due[-1].commitment.interval.end)


def events_due(chain: Chain, due: Sequence[Due]) -> list[EventDue]:
    """The events among what is due, by event id.

    Raises:
        ValueError: a commitment of an event product does not follow from a grid event.
    """
    by_event: dict[str, list[Due]] = {}
    for each in due:
        if each.product.kind is ProductKind.EVENT:
            by_event.setdefault(_event_of(chain, each.commitment).event_id, []).append(each)
    return [EventDue(event_id, tuple(by_event[event_id])) for event_id in sorted(by_event)]


def event_days(chain: Chain, product: Product, program_id: ProgramId) -> frozenset[date]:
    """Local days on which the program had an event that we took part in."""
    events = chain.of_kind(GridEvent, program_id=program_id, opt="optIn")
    return frozenset(
        local_date(event.interval.start, product.zone) for event in events if event.target_w > 0.0
    )


def _event_of(chain: Chain, commitment: Commitment) -> GridEvent:
    for record_id in commitment.predecessors:
        record = chain.get(record_id)
        if isinstance(record, GridEvent):
            return record
    raise ValueError(f"commitment {commitment.id} of an event follows from no grid event")
