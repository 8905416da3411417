"""Measures what was delivered for each commitment of a day, and records it once."""

from collections.abc import Mapping, Sequence
from datetime import date
from itertools import groupby
from typing import Protocol

from cloud.chain.records import Delivery, SiteEnergy
from cloud.chain.store import Chain
from cloud.markets.catalogue import Catalogue, Product, ProductKind
from cloud.settlement.evidence import Actions, Due, due_on, events_due, sites_of
from cloud.settlement.history import span
from cloud.settlement.measurement import MARKET_KINDS, Response, devices_of, response, site_energy
from cloud.settlement.scores import Droop
from cloud.telemetry.store import TelemetryStore
from vpp_core.der import DerKind
from vpp_core.ids import RecordId, SiteId
from vpp_core.interval import Interval
from vpp_core.measurement import Quality
from vpp_core.messages import EventRecord


class EventSource(Protocol):
    """Where the fast events that gateways recorded are kept."""

    def triggered_in(self, interval: Interval) -> list[EventRecord]:
        """The events that began in an interval."""
        ...


class Metering:
    def __init__(
        self, chain: Chain, catalogue: Catalogue, telemetry: TelemetryStore, events: EventSource
    ) -> None:
        self._chain = chain
        self._catalogue = catalogue
        self._telemetry = telemetry
        self._events = events

    def measure(self, day: date) -> list[Delivery]:
        """What the meters show for every commitment of a local day; measured once, then kept."""
        due = due_on(self._chain, self._catalogue, day)
        known = deliveries(self._chain, due)
        if any(each.commitment.id not in known for each in due):
            actions = Actions(self._chain, due[0].product.delivery_day(day))
            measured = self._measured(due)
            for each in due:
                if each.commitment.id not in known:
                    known[each.commitment.id] = self._record(each, measured[each.commitment.id], actions)
        return [known[each.commitment.id] for each in due]

    def _record(self, due: Due, measured: Response, actions: Actions) -> Delivery:
        commitment = due.commitment
        scored = due.product.kind is ProductKind.RESERVE
        return self._chain.append(
            Delivery(
                id=self._chain.new_id(),
                at=self._chain.now(),
                predecessors=(commitment.id, *actions.of(commitment.id)),
                interval=commitment.interval,
                product_id=commitment.product_id,
                sites=measured.sites,
                performance=measured.performance if scored else None,
            )
        )

    def _measured(self, due: Sequence[Due]) -> dict[RecordId, Response]:
        found: dict[RecordId, Response] = {}
        for _, group in groupby(due, key=lambda each: each.product.id):
            batch = list(group)
            match batch[0].product.kind:
                case ProductKind.ENERGY:
                    found |= self._energy(batch, MARKET_KINDS)
                case ProductKind.RESERVE:
                    found |= {each.commitment.id: self._reserve(each) for each in batch}
                case ProductKind.EVENT:
                    for event in events_due(self._chain, batch):
                        found |= self._energy(event.due, (DerKind.METER,))
        return found

    def _energy(self, batch: Sequence[Due], kinds: Sequence[DerKind]) -> dict[RecordId, Response]:
        product, first = batch[0].product, batch[0].commitment
        devices = devices_of(sites_of(self._chain, first.program_id), kinds)
        whole = span(each.commitment.interval for each in batch)
        every = [der_id for ders in devices.values() for der_id in ders]
        steps = self._telemetry.energy(every, whole, product.interval_s)
        measured = site_energy(devices, steps)
        none = dict.fromkeys(devices, SiteEnergy(energy_wh=0, quality=Quality.MISSING))
        return {
            each.commitment.id: Response(1.0, _of(measured, each.commitment.interval, none)) for each in batch
        }

    def _reserve(self, due: Due) -> Response:
        commitment = due.commitment
        return response(
            commitment.sites, self._events.triggered_in(commitment.interval), droop_of(due.product)
        )


def deliveries(chain: Chain, due: Sequence[Due]) -> dict[RecordId, Delivery]:
    """The recorded deliveries by commitment."""
    if not due:
        return {}
    whole = span(each.commitment.interval for each in due)
    return {
        predecessor: delivery
        for delivery in chain.of_kind(Delivery, during=whole)
        for predecessor in delivery.predecessors[:1]
    }


def droop_of(product: Product) -> Droop:
    """The contracted response of a reserve product.

    Raises:
        ValueError: the product names no frequencies.
    """
    nominal, deadband, full = product.nominal_hz, product.deadband_hz, product.full_activation_hz
    if nominal is None or deadband is None or full is None:
        raise ValueError(f"product {product.id} v{product.version} has no frequency response")
    return Droop(nominal, deadband, full)


def _of(
    measured: Mapping[Interval, dict[SiteId, SiteEnergy]], interval: Interval, none: dict[SiteId, SiteEnergy]
) -> dict[SiteId, SiteEnergy]:
    return measured.get(interval, none)
