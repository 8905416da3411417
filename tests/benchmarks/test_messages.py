"""Messages: to bytes and back, onto the gateway's disk, into the cloud's store."""

import json
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from cloud.storage.audit import AuditTrail
from cloud.storage.database import open_database
from cloud.telemetry.duckdb_store import DuckDbStore
from cloud.telemetry.ingest import Batching, Ingest, Stores
from cloud.telemetry.repository import EventRepository, ProgressRepository
from cloud.telemetry.store import columns_of
from cloud.telemetry.wire import Inbound
from edge_agent.uplink.database import open_database as open_site_database
from edge_agent.uplink.outbox import Outbox
from tests.benchmarks.measuring import compare, paired, timed, timed_async
from tests.benchmarks.table import Table
from vpp_core.clock import ManualClock
from vpp_core.codec import decode, encode
from vpp_core.ids import DerId, SiteId
from vpp_core.messages import Reading, Telemetry
from vpp_core.topics import topic_of

NOON = datetime(2021, 8, 12, 12, 0, tzinfo=UTC)
SITES, POLLS, DEVICES = 100, 50, 4
GROUP = "Messages"


def telemetry(site: int = 0, poll: int = 0) -> Telemetry:
    """One poll of a site: meter, battery, PV inverter and charging station."""
    site_id = SiteId(f"site-{site:03}")
    return Telemetry(
        site_id=site_id,
        seq=poll + 1,
        readings=tuple(
            Reading(
                der_id=DerId(f"{site_id}.device-{device}"),
                at=NOON + timedelta(minutes=poll),
                power_w=-1_234.5 + device,
                reactive_var=12.5,
                voltage_v=240.1,
                frequency_hz=59.998,
                energy_injected_wh=1_000.0 * poll,
                energy_absorbed_wh=2_000.0 * poll,
                state_of_charge_pct=51.5,
                setpoint_w=-1_200.0,
            )
            for device in range(DEVICES)
        ),
    )


def test_a_message_becomes_bytes_and_comes_back(table: Table) -> None:
    message = telemetry()
    payload = encode(message)
    plain = json.loads(payload)
    assert decode(json.dumps(plain).encode(), Telemetry) == message
    group = table.group(GROUP)
    encoding = compare(lambda: encode(message), lambda: json.dumps(plain), rounds=300, calls=20)
    group.add(
        f"encode telemetry of {DEVICES} devices ({len(payload)} bytes)", encoding, "json.dumps of a dict"
    )
    decoding = compare(lambda: decode(payload, Telemetry), lambda: json.loads(payload), rounds=300, calls=20)
    group.add("decode and validate it", decoding, "json.loads to a dict, nothing checked")
    assert encoding.ratio < 1.0
    assert decoding.ratio < 2.0


def test_the_outbox_keeps_messages_through_a_power_cut(table: Table, tmp_path: Path) -> None:
    database = open_site_database(tmp_path, NOON, "full")
    outbox = Outbox(database, messages_max=1_000_000, now=NOON)
    bare = sqlite3.connect(tmp_path / "bare.sqlite", isolation_level=None)
    bare.execute("PRAGMA journal_mode = WAL")
    bare.execute("PRAGMA synchronous = FULL")
    bare.execute("CREATE TABLE message (seq INTEGER PRIMARY KEY, payload BLOB NOT NULL) STRICT")
    payload = encode(telemetry())

    def insert(count: int) -> None:
        bare.execute("BEGIN IMMEDIATE")
        bare.executemany("INSERT INTO message (payload) VALUES (?)", [(payload,)] * count)
        bare.execute("COMMIT")

    group = table.group(GROUP)
    try:
        for count in (1, 20):
            batch = [telemetry()] * count
            measured = compare(partial(outbox.append, batch), partial(insert, count), rounds=200)
            group.add(
                f"outbox: append {count} message{'s' * (count > 1)}, WAL and synchronous FULL",
                measured,
                "bare sqlite3 insert of the same bytes, same durability",
            )
            assert measured.ratio < 10.0
    finally:
        bare.close()
        database.close()


class Everybody:
    """All sites and devices are known."""

    def knows(self, site_id: SiteId) -> bool:
        return bool(site_id)

    def site_of(self, der_id: DerId) -> SiteId | None:
        return SiteId(der_id.partition(".")[0])


class Memory:
    """A broker in memory."""

    def __init__(self) -> None:
        self.acknowledged: dict[str, bytes] = {}

    @asynccontextmanager
    async def open(self) -> AsyncIterator[AsyncIterator[Inbound]]:
        yield self._nothing()

    async def _nothing(self) -> AsyncIterator[Inbound]:
        nothing: tuple[Inbound, ...] = ()
        for inbound in nothing:
            yield inbound

    async def publish(
        self, topic: str, payload: bytes, *, retain: bool = False, expiry_s: int | None = None
    ) -> None:
        assert not retain
        assert expiry_s is None
        self.acknowledged[topic] = payload


async def test_ingest_stores_what_gateways_send(table: Table) -> None:
    messages = [telemetry(site, poll) for poll in range(POLLS) for site in range(SITES)]
    inbound = [Inbound(topic_of(each.site_id, "telemetry"), encode(each)) for each in messages]
    batching = Batching()
    pairs = []
    for _ in range(4):
        clock, broker = ManualClock(NOON), Memory()
        database, store = open_database("sqlite://"), DuckDbStore(None)
        clock.advance(60.0 * POLLS)
        stores = Stores(
            store, EventRepository(database), ProgressRepository(database), AuditTrail(database, clock)
        )
        ingest = Ingest(broker, broker, clock, Everybody(), stores, batching=batching)

        async def ours(ingest: Ingest = ingest) -> None:
            for number, each in enumerate(inbound, 1):
                await ingest.accept(each)
                if number * DEVICES % batching.flush_rows == 0:
                    await ingest.flush_and_acknowledge()
            await ingest.flush_and_acknowledge()

        ours_s = await timed_async(ours)
        assert ingest.counts["readings"] == DEVICES * len(messages)
        assert len(broker.acknowledged) == SITES
        bare = DuckDbStore(None)
        pairs.append(
            (ours_s / len(messages), timed(partial(_write, bare, inbound, batching)) / len(messages))
        )
        for each in (bare, store, database):
            each.close()
    measured = paired(pairs[1:])
    group = table.group(GROUP)
    group.add(
        f"ingest one message of {DEVICES} readings: check, count, store in DuckDB, acknowledge",
        measured,
        "decode and `write_batch` alone, nothing checked",
    )
    rate = 1.0 / measured.ours.p50_s
    group.note(
        f"Ingest takes {rate:,.0f} messages ({DEVICES * rate:,.0f} readings) a second in one process and "
        f"without a broker: {SITES} sites, {POLLS} polls each."
    )
    group.note("What a durable append costs beyond its peer is ours; the rest is the disk of the machine.")
    assert measured.ratio < 5.0


def _write(store: DuckDbStore, inbound: list[Inbound], batching: Batching) -> None:
    waiting: list[tuple[SiteId, Reading]] = []
    for each in inbound:
        message = decode(each.payload, Telemetry)
        waiting.extend((message.site_id, reading) for reading in message.readings)
        if len(waiting) >= batching.flush_rows:
            store.write_batch(columns_of(waiting))
            waiting.clear()
    if waiting:
        store.write_batch(columns_of(waiting))
