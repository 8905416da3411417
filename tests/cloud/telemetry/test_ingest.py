"""Ingest believes nothing unchecked, stores once, and acknowledges only what is stored."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cloud.storage.audit import AuditTrail
from cloud.storage.database import Database
from cloud.telemetry.duckdb_store import DuckDbStore
from cloud.telemetry.ingest import Batching, Handlers, Ingest, Stores
from cloud.telemetry.repository import EventRepository, ProgressRepository
from cloud.telemetry.sequence import PATIENCE_S
from cloud.telemetry.wire import Inbound
from vpp_core.clock import ManualClock
from vpp_core.codec import decode, encode
from vpp_core.der import OwnerLimits
from vpp_core.faults import BrokerFault, StorageFault
from vpp_core.ids import CommandId, DerId, GatewayId, SiteId
from vpp_core.interval import Interval
from vpp_core.messages import (
    Acknowledgement,
    Enrollment,
    EventKind,
    EventRecord,
    EventTrace,
    GatewayState,
    Reading,
    Receipt,
    ReceiptStatus,
    Telemetry,
)
from vpp_core.topics import topic_of

NOON = datetime(2021, 8, 12, 12, 0, tzinfo=UTC)
SITE, OTHER, STRANGER = SiteId("site-00"), SiteId("site-01"), SiteId("site-99")
BATTERY, FOREIGN = DerId("site-00-battery"), DerId("site-01-battery")
Message = Telemetry | Receipt | EventRecord | GatewayState | Enrollment


class Book:
    """Two known sites with a battery each."""

    def knows(self, site_id: SiteId) -> bool:
        return site_id in {SITE, OTHER}

    def site_of(self, der_id: DerId) -> SiteId | None:
        return {BATTERY: SITE, FOREIGN: OTHER}.get(der_id)


class Broker:
    """A broker in memory: gives what was put in, keeps what was published, fails when told."""

    def __init__(self) -> None:
        self.published: list[tuple[str, bytes]] = []
        self.connections: list[list[Inbound] | BrokerFault] = []
        self.fails = False

    @asynccontextmanager
    async def open(self) -> AsyncIterator[AsyncIterator[Inbound]]:
        if not self.connections:
            await asyncio.Event().wait()
        connection = self.connections.pop(0)
        if isinstance(connection, BrokerFault):
            raise connection
        yield self._messages(connection)

    async def _messages(self, connection: list[Inbound]) -> AsyncIterator[Inbound]:
        for inbound in connection:
            yield inbound
        raise BrokerFault("the connection is lost")

    async def publish(
        self, topic: str, payload: bytes, *, retain: bool = False, expiry_s: int | None = None
    ) -> None:
        assert not retain
        assert expiry_s is None
        if self.fails:
            raise BrokerFault("not connected")
        self.published.append((topic, payload))

    def acknowledged(self) -> dict[str, int]:
        return {topic: decode(payload, Acknowledgement).seq for topic, payload in self.published}


class Heard:
    def __init__(self) -> None:
        self.messages: list[object] = []
        self.something = asyncio.Event()
        self.handlers = Handlers(self._hear, self._hear_slowly, self._hear, self._hear_slowly)

    async def _hear_slowly(self, message: object) -> None:
        self._hear(message)

    def _hear(self, message: object) -> None:
        self.messages.append(message)
        self.something.set()


class Bench:
    """Ingest with everything around it in memory."""

    def __init__(self, database: Database, clock: ManualClock, batching: Batching | None = None) -> None:
        self.clock = clock
        self.broker, self.heard = Broker(), Heard()
        self.store = DuckDbStore(None)
        self.database = database
        self.stores = Stores(
            self.store, EventRepository(database), ProgressRepository(database), AuditTrail(database, clock)
        )
        self.batching = batching
        self.ingest = self.restart()

    def restart(self) -> Ingest:
        self.ingest = Ingest(
            self.broker,
            self.broker,
            self.clock,
            Book(),
            self.stores,
            handlers=self.heard.handlers,
            batching=self.batching,
            chance=random.Random(1),
        )
        return self.ingest

    async def send(self, message: Message, topic: str | None = None) -> None:
        await self.ingest.accept(inbound(message, topic))

    def stored_at(self) -> list[float]:
        readings = self.store.series(BATTERY, Interval.of(NOON - timedelta(days=1), 2 * 86_400.0))
        return [(reading.at - NOON).total_seconds() for reading in readings]

    def audited(self) -> list[str]:
        return [row.code for row in reversed(self.stores.audit.rows())]


@pytest.fixture
def bench(database: Database, clock: ManualClock) -> Bench:
    return Bench(database, clock)


def inbound(message: Message, topic: str | None = None) -> Inbound:
    kinds: dict[type, str] = {
        Telemetry: "telemetry",
        Receipt: "receipt",
        EventRecord: "event",
        GatewayState: "state",
        Enrollment: "enrollment",
    }
    return Inbound(topic or topic_of(message.site_id, kinds[type(message)]), encode(message))


def telemetry(
    seq: int, site: SiteId = SITE, der: DerId = BATTERY, offset_s: float | None = None
) -> Telemetry:
    at = NOON + timedelta(seconds=-600.0 + seq if offset_s is None else offset_s)
    return Telemetry(site_id=site, seq=seq, readings=(Reading(der_id=der, at=at, power_w=float(seq)),))


def receipt(seq: int) -> Receipt:
    return Receipt(
        site_id=SITE,
        seq=seq,
        command_id=CommandId("c-1"),
        revision=0,
        der_id=BATTERY,
        at=NOON,
        status=ReceiptStatus.ACCEPTED,
    )


def event(seq: int, event_id: str = "e-1") -> EventRecord:
    trace = EventTrace(offset_s=(0.0,), frequency_hz=(59.5,), demanded_w=(500.0,), measured_w=(450.0,))
    return EventRecord(
        site_id=SITE,
        seq=seq,
        event_id=event_id,
        kind=EventKind.FREQUENCY_RESPONSE,
        triggered_at=NOON,
        trace=trace,
    )


def state(*, online: bool = True, session: str = "s-1", at: datetime = NOON) -> GatewayState:
    return GatewayState(site_id=SITE, gateway_id=GatewayId("gw-00"), online=online, at=at, session=session)


def enrollment() -> Enrollment:
    return Enrollment(
        site_id=SITE,
        gateway_id=GatewayId("gw-00"),
        enrollment_code="code",
        at=NOON,
        agent_version="1",
        ders=(),
        owner_limits=OwnerLimits(),
    )


async def test_a_reading_is_stored_and_then_acknowledged(bench: Bench) -> None:
    await bench.send(telemetry(1))
    assert bench.stored_at() == []
    assert bench.broker.published == []
    await bench.ingest.flush_and_acknowledge()
    assert bench.stored_at() == [-599.0]
    assert bench.broker.acknowledged() == {"vpp/v1/site-00/acknowledgement": 1}
    assert bench.ingest.live.latest([BATTERY])[BATTERY].power_w == 1.0


@pytest.mark.parametrize(
    "message",
    [
        pytest.param(receipt(1), id="a receipt"),
        pytest.param(event(1), id="an event"),
        pytest.param(state(), id="a state"),
        pytest.param(enrollment(), id="an enrollment"),
    ],
)
async def test_other_messages_go_to_whom_they_concern(bench: Bench, message: Message) -> None:
    await bench.send(message)
    assert bench.heard.messages == [message]


async def test_an_event_is_kept_once_and_found_by_its_time(bench: Bench) -> None:
    await bench.send(event(1))
    await bench.send(event(1))
    await bench.send(event(2, "e-2"))
    assert bench.stores.events.triggered_in(Interval.of(NOON, 1.0)) == [event(1), event(2, "e-2")]
    assert bench.stores.events.triggered_in(Interval.of(NOON + timedelta(seconds=1), 1.0)) == []
    assert bench.heard.messages == [event(1), event(2, "e-2")]


NAIVE = datetime(2021, 8, 12, 12, 0)  # noqa: DTZ001
TELEMETRY = topic_of(SITE, "telemetry")


@pytest.mark.parametrize(
    ("message", "code"),
    [
        pytest.param(inbound(telemetry(1, STRANGER)), "unknown_site", id="a site that nobody applied for"),
        pytest.param(
            inbound(telemetry(1, OTHER), TELEMETRY), "site_mismatch", id="a payload of another site"
        ),
        pytest.param(Inbound("vpp/v1/site-00/command", b"{}"), "foreign_topic", id="a downlink topic"),
        pytest.param(Inbound("vpp/v2/site-00/telemetry", b"{}"), "foreign_topic", id="another contract"),
        pytest.param(Inbound("$SYS/broker", b"{}"), "foreign_topic", id="the broker's own topic"),
        pytest.param(Inbound(TELEMETRY, b"\xff\x00garbage"), "malformed", id="garbage"),
        pytest.param(Inbound(TELEMETRY, b""), "malformed", id="nothing"),
        pytest.param(Inbound(TELEMETRY, b"[" * 100_000), "malformed", id="deep nesting"),
        pytest.param(Inbound(TELEMETRY, b" " * 300_000), "malformed", id="too much"),
        pytest.param(inbound(receipt(1), TELEMETRY), "malformed", id="another kind of message"),
        pytest.param(inbound(telemetry(-1)), "malformed", id="a negative number"),
        pytest.param(
            Inbound(TELEMETRY, b'{"site_id":"site-00","seq":%d,"readings":[]}' % 10**30),
            "malformed",
            id="a huge number",
        ),
        pytest.param(inbound(state(at=NAIVE)), "malformed", id="a time without a zone"),
        pytest.param(
            Inbound(
                TELEMETRY, encode(telemetry(1)).replace(b"2021-08-12T11:50:01Z", b"0001-01-01T00:00:00+14:00")
            ),
            "malformed",
            id="a time before the first day",
        ),
        pytest.param(inbound(telemetry(1, der=FOREIGN)), "foreign_device", id="another site's device"),
        pytest.param(inbound(telemetry(1, der=DerId("x"))), "foreign_device", id="a device never enrolled"),
        pytest.param(inbound(telemetry(1, offset_s=301.0)), "future_reading", id="a reading from the future"),
    ],
)
async def test_what_fails_a_check_leaves_an_audit_row_and_nothing_else(
    bench: Bench, message: Inbound, code: str
) -> None:
    await bench.ingest.accept(message)
    await bench.ingest.flush_and_acknowledge()
    assert bench.audited() == [code]
    assert bench.ingest.counts[code] == 1
    assert bench.heard.messages == []
    assert bench.ingest.live.latest([BATTERY, FOREIGN]) == {}
    assert bench.store.latest([BATTERY, FOREIGN]) == {}


async def test_what_a_full_disk_refused_is_never_acknowledged(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_columns: object) -> int:
        raise StorageFault("no space left")

    await bench.send(telemetry(1))
    with monkeypatch.context() as full:
        full.setattr(bench.store, "write_batch", refuse)
        for _ in range(2):  # the flush that fails, and the last one at the end of the program
            with pytest.raises(StorageFault):
                bench.ingest.flush()
    assert bench.stores.progress.load() == {}
    bench.restart()
    await bench.send(telemetry(2))
    await bench.ingest.flush_and_acknowledge()
    assert bench.broker.acknowledged() == {"vpp/v1/site-00/acknowledgement": 0}


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    kind=st.sampled_from(["telemetry", "state", "receipt", "event", "enrollment"]),
    payload=st.binary(max_size=200),
)
def test_no_payload_stops_ingest(bench: Bench, kind: str, payload: bytes) -> None:
    before = bench.ingest.counts["malformed"]
    asyncio.run(bench.ingest.accept(Inbound(topic_of(SITE, kind), payload)))
    assert bench.ingest.counts["malformed"] == before + 1


async def test_a_repeated_message_is_stored_once_and_counted(bench: Bench) -> None:
    for seq in (1, 2, 2, 1):
        await bench.send(telemetry(seq))
    await bench.ingest.flush_and_acknowledge()
    assert bench.stored_at() == [-599.0, -598.0]
    assert bench.ingest.counts["duplicate"] == 2
    assert bench.ingest.counts["duplicate_readings"] == 2
    assert bench.broker.acknowledged() == {"vpp/v1/site-00/acknowledgement": 2}


async def test_a_missing_message_holds_the_acknowledgement_until_it_comes(bench: Bench) -> None:
    await bench.send(telemetry(1))
    await bench.send(telemetry(3))
    await bench.ingest.flush_and_acknowledge()
    assert bench.broker.acknowledged() == {"vpp/v1/site-00/acknowledgement": 1}
    await bench.send(receipt(2))
    await bench.ingest.flush_and_acknowledge()
    assert bench.broker.acknowledged() == {"vpp/v1/site-00/acknowledgement": 3}


async def test_a_message_that_never_comes_is_audited_as_lost(bench: Bench) -> None:
    await bench.send(telemetry(3))
    bench.ingest.flush()
    bench.clock.advance(PATIENCE_S)
    await bench.send(telemetry(4))
    await bench.ingest.flush_and_acknowledge()
    assert bench.audited() == ["lost_messages"]
    assert bench.ingest.counts["lost_messages"] == 2
    assert bench.broker.acknowledged() == {"vpp/v1/site-00/acknowledgement": 4}


async def test_a_restarted_cloud_goes_on_where_it_was(bench: Bench) -> None:
    await bench.send(state(session="s-1"))
    for seq in (1, 2, 3):
        await bench.send(telemetry(seq))
    bench.ingest.flush()
    bench.restart()
    await bench.send(state(session="s-1"))
    await bench.send(telemetry(4))
    assert bench.ingest.flush() == {SITE: 4}


async def test_a_broker_that_is_gone_costs_the_acknowledgement_only(bench: Bench) -> None:
    bench.broker.fails = True
    await bench.send(telemetry(1))
    await bench.ingest.flush_and_acknowledge()
    assert bench.stored_at() == [-599.0]
    assert bench.ingest.counts["acknowledgements_unsent"] == 1


async def test_who_is_on_line_is_what_the_last_state_says(bench: Bench) -> None:
    assert not bench.ingest.live.is_online(SITE)
    await bench.send(state())
    assert bench.ingest.live.is_online(SITE)
    assert bench.ingest.live.is_online(SITE)
    await bench.send(state(online=False))
    assert not bench.ingest.live.is_online(SITE)
    assert bench.ingest.live.state(SITE) == state(online=False)


async def test_an_older_reading_does_not_replace_a_newer_one(bench: Bench) -> None:
    await bench.send(telemetry(2))
    await bench.send(telemetry(1))
    assert bench.ingest.live.latest([BATTERY])[BATTERY].power_w == 2.0


async def test_running_ends_by_cancellation_and_loses_nothing(database: Database, clock: ManualClock) -> None:
    bench = Bench(database, clock, Batching(flush_s=3_600.0, flush_rows=2))
    first = [inbound(telemetry(seq)) for seq in (1, 2, 3)]
    last = [inbound(telemetry(4)), inbound(receipt(5))]
    bench.broker.connections = [first, BrokerFault("still down"), last]
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(bench.ingest.run())
        await bench.heard.something.wait()
        running.cancel()
    assert bench.stored_at() == [-599.0, -598.0, -597.0, -596.0]
    assert bench.broker.acknowledged()["vpp/v1/site-00/acknowledgement"] >= 2


async def test_a_broker_that_was_never_there_is_a_fault(bench: Bench) -> None:
    bench.broker.connections = [BrokerFault("the broker does not answer")]
    with pytest.RaisesGroup(pytest.RaisesExc(BrokerFault, match="does not answer")):
        await bench.ingest.run()
