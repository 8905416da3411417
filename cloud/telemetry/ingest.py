"""Every message of every gateway passes here: checked, handed on, stored once, acknowledged.

Nothing in a message is believed before it is checked: the topic is one of ours, the site is known, the
payload is the announced message and names the topic's site, each reading names a device of that site.
What fails is counted and audited, and nothing else happens.
"""

import asyncio
import inspect
import logging
import random
import secrets
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import NamedTuple, Protocol

from cloud.storage.audit import AuditTrail
from cloud.telemetry.live import LiveFleet
from cloud.telemetry.repository import EventRepository, Progress, ProgressRepository
from cloud.telemetry.sequence import SEQ_MAX, Sequence
from cloud.telemetry.store import TelemetryStore, columns_of
from cloud.telemetry.wire import CommandSink, Inbound, MessageSource
from vpp_core.clock import Clock
from vpp_core.codec import MalformedMessage, decode, encode
from vpp_core.faults import BrokerFault
from vpp_core.ids import DerId, SiteId
from vpp_core.messages import (
    Acknowledgement,
    Enrollment,
    EventRecord,
    GatewayState,
    Reading,
    Receipt,
    Telemetry,
)
from vpp_core.topics import parse, topic_of

_log = logging.getLogger(__name__)

Uplink = Telemetry | Receipt | EventRecord | GatewayState | Enrollment
_MESSAGES: dict[str, type[Uplink]] = {
    "telemetry": Telemetry,
    "receipt": Receipt,
    "event": EventRecord,
    "state": GatewayState,
    "enrollment": Enrollment,
}

FUTURE_S_MAX = 300.0
"""A stamp further ahead than this is a gateway whose clock is wrong."""
YEAR_MIN, YEAR_MAX = 2000, 2199
"""An instant outside is a mistake, and near the ends of the calendar it has no counterpart in UTC."""
RECONNECT_S_MAX = 60.0


class Directory(Protocol):
    """Whom the cloud knows; everybody else gets nothing."""

    def knows(self, site_id: SiteId) -> bool:
        """Whether an owner has agreed to take part with this site."""
        ...

    def site_of(self, der_id: DerId) -> SiteId | None:
        """The site that a commissioned device belongs to."""
        ...


def _ignore(_message: object) -> None:
    return


class Handlers(NamedTuple):
    """Who is told of a checked message; plain functions or coroutine functions.

    A message may come twice; handlers do nothing the second time. The next message waits for them.
    """

    on_enrollment: Callable[[Enrollment], object] = _ignore
    on_state: Callable[[GatewayState], object] = _ignore
    on_receipt: Callable[[Receipt], object] = _ignore
    on_event: Callable[[EventRecord], object] = _ignore


class Stores(NamedTuple):
    """Where ingest keeps things."""

    telemetry: TelemetryStore
    events: EventRepository
    progress: ProgressRepository
    audit: AuditTrail


class Batching(NamedTuple):
    """When readings are written: after ``flush_s`` seconds of the clock, or at ``flush_rows`` rows."""

    flush_s: float = 1.0
    flush_rows: int = 5_000


class Ingest:
    """One worker. It owns the order and the numbers of the messages of every site that it hears.

    Args:
        source: the uplink.
        sink: where acknowledgements go.
        clock: time of arrival, flush period and reconnect pauses.
        directory: known sites and devices.
        stores: see :class:`Stores`.
        handlers: see :class:`Handlers`.
        batching: see :class:`Batching`.
        chance: spreads reconnects; the system's by default.
    """

    def __init__(  # noqa: PLR0913 - the composition root is the only caller
        self,
        source: MessageSource,
        sink: CommandSink,
        clock: Clock,
        directory: Directory,
        stores: Stores,
        *,
        handlers: Handlers | None = None,
        batching: Batching | None = None,
        live: LiveFleet | None = None,
        chance: random.Random | None = None,
    ) -> None:
        self.live = live or LiveFleet()
        self.counts: Counter[str] = Counter()
        """Messages, readings, duplicates, holes, lost and refused ones since the start."""
        self.connected = asyncio.Event()
        """Set when the uplink is heard for the first time."""
        self._source = source
        self._sink = sink
        self._clock = clock
        self._directory = directory
        self._stores = stores
        self._handlers = handlers or Handlers()
        self._batching = batching or Batching()
        self._chance = chance or secrets.SystemRandom()
        self._waiting: list[tuple[SiteId, Reading]] = []
        self._heard: set[SiteId] = set()
        self._sequences = {
            site_id: Sequence(reached.session, reached.stored_seq)
            for site_id, reached in stores.progress.load().items()
        }

    async def run(self) -> None:
        """Receive until cancelled; a lost broker is tried again, what is buffered is written at the end.

        Raises:
            BrokerFault: the first connection failed.
            StorageFault: a store cannot be written; gateways keep what was not acknowledged.
        """
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._receive(), name="receive")
                tasks.create_task(self._flush_periodically(), name="flush")
        finally:
            self.flush()

    async def accept(self, inbound: Inbound) -> None:
        """Check one message and act on it."""
        self.counts["messages"] += 1
        topic = parse(inbound.topic)
        if topic is None or topic.kind not in _MESSAGES:
            self._refuse("foreign_topic", inbound.topic, "not an uplink topic")
            return
        if not self._directory.knows(topic.site_id):
            self._refuse("unknown_site", inbound.topic, "no owner has agreed to take part with this site")
            return
        try:
            message = decode(inbound.payload, _MESSAGES[topic.kind])
        except MalformedMessage as error:
            self._refuse("malformed", inbound.topic, str(error))
            return
        if message.site_id != topic.site_id:
            self._refuse("site_mismatch", inbound.topic, f"the payload names {message.site_id}")
            return
        if reason := _implausible(message):
            self._refuse("malformed", inbound.topic, reason)
            return
        outcome = self._dispatch(message)
        if inspect.isawaitable(outcome):
            await outcome

    def flush(self) -> dict[SiteId, int]:
        """Write what is buffered; returns how far each site heard since the last flush is stored."""
        if self._waiting:
            # What a full disk refuses stays here: a last flush must not count it as stored.
            new = self._stores.telemetry.write_batch(columns_of(self._waiting))
            self.counts["readings"] += new
            self.counts["duplicate_readings"] += len(self._waiting) - new
            self._waiting = []
        heard, self._heard = sorted(self._heard), set()
        now = self._clock.now()
        for site_id in heard:
            if lost := self._sequences[site_id].give_up(now):
                self._refuse("lost_messages", site_id, f"{lost} messages never came; given up", count=lost)
        if heard:
            self._stores.progress.save(
                {
                    site_id: Progress(self._sequences[site_id].session, self._sequences[site_id].reached)
                    for site_id in heard
                }
            )
        return {site_id: self._sequences[site_id].reached for site_id in heard}

    async def flush_and_acknowledge(self) -> None:
        """Flush, then tell each gateway what it may forget."""
        for site_id, seq in self.flush().items():
            payload = encode(Acknowledgement(site_id=site_id, seq=seq))
            try:
                await self._sink.publish(topic_of(site_id, "acknowledgement"), payload)
            except BrokerFault:
                self.counts["acknowledgements_unsent"] += 1

    async def _receive(self) -> None:
        failures = 0
        while True:
            try:
                async with self._source.open() as messages:
                    failures = 0
                    self.connected.set()
                    async for inbound in messages:
                        await self.accept(inbound)
                        if len(self._waiting) >= self._batching.flush_rows:
                            await self.flush_and_acknowledge()
            except BrokerFault as fault:
                if not self.connected.is_set():
                    raise
                failures += 1
                pause_s = min(RECONNECT_S_MAX, 2.0**failures) * self._chance.uniform(0.5, 1.0)
                _log.warning("%s Trying again in %.0f s.", fault, pause_s)
                await self._clock.sleep(pause_s)

    async def _flush_periodically(self) -> None:
        while True:
            await self._clock.sleep(self._batching.flush_s)
            await self.flush_and_acknowledge()

    def _dispatch(self, message: Uplink) -> object:
        match message:
            case Telemetry():
                self._count(message.site_id, message.seq)
                self._accept_readings(message)
            case Receipt():
                self._count(message.site_id, message.seq)
                return self._handlers.on_receipt(message)
            case EventRecord():
                self._count(message.site_id, message.seq)
                if self._stores.events.add(message):
                    return self._handlers.on_event(message)
            case GatewayState():
                self._sequence(message.site_id).begin(message.session)
                self.live.note_state(message)
                return self._handlers.on_state(message)
            case Enrollment():
                return self._handlers.on_enrollment(message)
        return None

    def _accept_readings(self, message: Telemetry) -> None:
        latest_at = self._clock.now() + timedelta(seconds=FUTURE_S_MAX)
        for reading in message.readings:
            if self._directory.site_of(reading.der_id) != message.site_id:
                self._refuse(
                    "foreign_device", message.site_id, f"{reading.der_id} is not enrolled at this site"
                )
            elif reading.at > latest_at:
                self._refuse("future_reading", message.site_id, f"{reading.der_id} at {reading.at}")
            else:
                self.live.note_reading(reading)
                self._waiting.append((message.site_id, reading))

    def _count(self, site_id: SiteId, seq: int) -> None:
        arrival = self._sequence(site_id).receive(seq, self._clock.now())
        self.counts[arrival] += 1
        self._heard.add(site_id)

    def _sequence(self, site_id: SiteId) -> Sequence:
        return self._sequences.setdefault(site_id, Sequence())

    def _refuse(self, code: str, subject: str, text: str, count: int = 1) -> None:
        self.counts[code] += count
        self._stores.audit.record(code, subject, text)


def _implausible(message: Uplink) -> str:
    """What no honest gateway sends although the contract's types allow it; empty if nothing."""
    if not 0 <= getattr(message, "seq", 0) < SEQ_MAX:
        return "seq is out of range"
    match message:
        case Telemetry():
            stamps = [reading.at for reading in message.readings]
        case EventRecord():
            stamps = [message.triggered_at]
        case _:
            stamps = [message.at]
    if any(stamp.tzinfo is None for stamp in stamps):
        return "a time has no zone"
    in_this_age = all(YEAR_MIN <= stamp.year <= YEAR_MAX for stamp in stamps)
    return "" if in_this_age else f"a time lies outside the years {YEAR_MIN} to {YEAR_MAX}"
