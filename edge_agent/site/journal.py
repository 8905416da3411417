"""What a site puts on record: durable messages and documents, and faults if the disk refuses."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from edge_agent.control.excursion import Excursion
from edge_agent.site.faults import FaultBook
from edge_agent.uplink.outbox import Durable, Outbox
from vpp_core.clock import Clock
from vpp_core.faults import Fault, Severity, StorageFault
from vpp_core.ids import IdFactory, SiteId
from vpp_core.messages import EventKind, EventRecord

STORAGE = "storage"
OUTBOX_FULL = "outbox_full"


@dataclass(kw_only=True)
class Journal:
    """The outbox behind one rule: a disk that fails is an alarm, and control goes on."""

    site_id: SiteId
    outbox: Outbox
    faults: FaultBook
    ids: IdFactory
    clock: Clock

    def store(self, messages: Sequence[Durable], documents: Mapping[str, bytes] | None = None) -> None:
        """Messages and documents in one transaction."""
        now = self.clock.now()
        try:
            dropped = self.outbox.append(messages, documents)
        except StorageFault as fault:
            self.faults.raise_(STORAGE, STORAGE, str(fault), now, Severity.ALARM)
            return
        self.faults.clear(STORAGE, STORAGE, now)
        if dropped:
            text = "the outbox is full; the oldest telemetry is dropped until the cloud answers again"
            self.faults.raise_(OUTBOX_FULL, STORAGE, text, now)
        else:
            self.faults.clear(OUTBOX_FULL, STORAGE, now)

    def event(self, excursion: Excursion | None) -> None:
        """The record of an excursion, if one has ended."""
        if excursion is None:
            return
        record = EventRecord(
            site_id=self.site_id,
            seq=0,
            event_id=self.ids.new(),
            kind=EventKind.FREQUENCY_RESPONSE,
            triggered_at=excursion.triggered_at,
            trace=excursion.trace,
        )
        self.store([record])

    def report(self, fault: Fault, source: str) -> None:
        self.faults.report(fault, source, self.clock.now())
