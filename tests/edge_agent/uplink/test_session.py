"""The session's manners: deadlines, pauses, window, resending, and goodbye; on virtual time."""

import asyncio
import contextlib
import itertools
import random
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from edge_agent.uplink.database import open_database
from edge_agent.uplink.outbox import Outbox
from edge_agent.uplink.session import SessionSettings, Uplink
from edge_agent.uplink.transport import Connection, Delivery, Publication
from simulators.rig.virtual.virtual_time import run_virtual
from vpp_core.clock import VirtualClock
from vpp_core.codec import decode, encode
from vpp_core.faults import BrokerFault, Fault
from vpp_core.ids import GatewayId, SiteId
from vpp_core.messages import (
    Acknowledgement,
    Dispatch,
    Enrollment,
    GatewayState,
    SiteConfig,
    Telemetry,
)

SITE = SiteId("site")
EPOCH = datetime(2021, 8, 12, 17, tzinfo=UTC)
TELEMETRY = Telemetry(site_id=SITE, seq=0, readings=())


class Side:
    """A site that only remembers what it was told."""

    def __init__(self, clock: VirtualClock) -> None:
        self.clock = clock
        self.refused: list[str] = []
        self.connections: list[Fault | None] = []

    def state(self, *, online: bool) -> GatewayState:
        return GatewayState(
            site_id=SITE, gateway_id=GatewayId("g"), online=online, at=self.clock.now(), session="s"
        )

    def enrollment(self) -> Enrollment | None:
        return None

    def on_command(self, command: Dispatch) -> None:
        raise NotImplementedError

    def on_config(self, config: SiteConfig) -> None:
        raise NotImplementedError

    def on_refused(self, reason: str) -> None:
        self.refused.append(reason)

    def on_connection(self, fault: Fault | None) -> None:
        self.connections.append(fault)


class Broker:
    """A broker whose faults are scripted; also its own connection and transport."""

    def __init__(self, clock: VirtualClock) -> None:
        self.clock = clock
        self.attempts_s: list[float] = []
        self.refusals = 0
        self.hangs = False
        self.closes = False
        self.will: Publication | None = None
        self.sent: list[Publication] = []
        self.filters: Sequence[str] = ()
        self.inbox: asyncio.Queue[Delivery | None] = asyncio.Queue()
        self.lost = False

    @contextlib.asynccontextmanager
    async def connect(self, will: Publication) -> AsyncIterator[Connection]:
        self.attempts_s.append(self.clock.monotonic_s())
        self.will, self.lost = will, False
        if self.refusals:
            self.refusals -= 1
            raise BrokerFault("refused")
        yield self

    async def publish(self, publication: Publication) -> None:
        if self.lost:
            raise BrokerFault("lost while sending")
        self.sent.append(publication)

    async def subscribe(self, filters: Sequence[str]) -> None:
        if self.hangs:
            await asyncio.Event().wait()
        self.filters = filters

    async def messages(self) -> AsyncIterator[Delivery]:
        while not self.closes:
            delivery = await self.inbox.get()
            if delivery is None:
                raise BrokerFault("lost while listening")
            yield delivery

    def lose(self) -> None:
        self.lost = True
        self.inbox.put_nowait(None)

    def acknowledge(self, seq: int) -> None:
        payload = encode(Acknowledgement(site_id=SITE, seq=seq))
        self.inbox.put_nowait(Delivery(f"vpp/v1/{SITE}/acknowledgement", payload))

    @property
    def telemetry(self) -> list[int]:
        return [decode(item.payload, Telemetry).seq for item in self.sent if item.topic.endswith("telemetry")]

    @property
    def online(self) -> list[bool]:
        states = [item for item in self.sent if item.topic.endswith("state")]
        assert all(item.retain for item in states)
        return [decode(item.payload, GatewayState).online for item in states]


class Case:
    def __init__(self, clock: VirtualClock, state_dir: Path, **settings: Any) -> None:
        self.clock = clock
        self.side = Side(clock)
        self.broker = Broker(clock)
        self.database = open_database(state_dir, clock.now(), "off")
        self.outbox = Outbox(self.database, messages_max=1_000, now=clock.now())
        self.uplink = Uplink(
            self.outbox,
            self.broker,
            self.side,
            clock=clock,
            settings=SessionSettings(site_id=SITE, **settings),
            chance=random.Random(1),
        )


def play(story: Callable[[Case], Coroutine[Any, Any, None]], state_dir: Path, **settings: Any) -> Case:
    cases: list[Case] = []

    async def main(clock: VirtualClock) -> None:
        case = Case(clock, state_dir, **settings)
        cases.append(case)
        try:
            async with asyncio.TaskGroup() as tasks:
                session = tasks.create_task(case.uplink.run())
                try:
                    await story(case)
                finally:
                    session.cancel()
        finally:
            case.database.close()

    run_virtual(main, EPOCH)
    return cases[0]


def test_birth_will_and_goodbye(tmp_path: Path) -> None:
    async def story(case: Case) -> None:
        await case.clock.sleep(1.0)
        assert case.broker.online == [True]
        assert case.broker.filters == (
            "vpp/v1/site/command", "vpp/v1/site/config", "vpp/v1/site/acknowledgement",
        )  # fmt: skip

    broker = play(story, tmp_path).broker
    assert broker.online == [True, False]
    assert broker.will is not None
    assert (broker.will.retain, decode(broker.will.payload, GatewayState).online) == (True, False)


def test_a_goodbye_on_a_lost_connection_does_not_keep_it_alive(tmp_path: Path) -> None:
    async def story(case: Case) -> None:
        await case.clock.sleep(1.0)
        case.broker.lose()

    assert play(story, tmp_path).broker.online == [True]


def test_pauses_grow_are_jittered_and_capped(tmp_path: Path) -> None:
    async def story(case: Case) -> None:
        case.broker.refusals = 10
        await case.clock.sleep(600.0)

    case = play(story, tmp_path, backoff_s_min=1.0, backoff_s_max=60.0)
    times_s = case.broker.attempts_s
    pauses_s = [later - earlier for earlier, later in itertools.pairwise(times_s)]
    assert len(pauses_s) == 10
    for number, pause_s in enumerate(pauses_s):
        ceiling_s = min(60.0, 2.0**number)
        assert ceiling_s / 2 <= pause_s <= ceiling_s
    assert len({round(pause_s / 2**number, 3) for number, pause_s in enumerate(pauses_s[:6])}) > 3
    assert case.side.connections[-1] is None


def test_a_broker_that_never_grants_the_subscription_is_left(tmp_path: Path) -> None:
    async def story(case: Case) -> None:
        case.broker.hangs = True
        await case.clock.sleep(10.1)
        [fault] = case.side.connections
        assert "no session within 10 s" in str(fault)
        case.broker.hangs = False
        await case.clock.sleep(2.0)
        assert case.broker.online == [True]

    play(story, tmp_path)


@pytest.mark.parametrize("how", ["an-orderly-end", "a-cut"])
def test_a_connection_that_ends_is_made_again(tmp_path: Path, how: str) -> None:
    async def story(case: Case) -> None:
        await case.clock.sleep(1.0)
        case.broker.closes = how == "an-orderly-end"
        case.broker.lose()
        await case.clock.sleep(0.1)
        case.broker.closes = False
        await case.clock.sleep(10.0)
        assert case.broker.online == [True, True]
        assert [fault is None for fault in case.side.connections] == [True, False, True]

    play(story, tmp_path)


def test_messages_go_in_order_and_wait_for_the_cloud_when_the_window_is_full(tmp_path: Path) -> None:
    async def story(case: Case) -> None:
        case.outbox.append([TELEMETRY] * 7)
        await case.clock.sleep(1.0)
        assert case.broker.telemetry == [1, 2, 3]
        case.broker.acknowledge(2)
        await case.clock.sleep(1.0)
        assert case.broker.telemetry == [1, 2, 3, 4, 5]
        case.broker.acknowledge(5)
        await case.clock.sleep(1.0)
        assert case.broker.telemetry == [1, 2, 3, 4, 5, 6, 7]
        assert len(case.outbox) == 2

    play(story, tmp_path, window=3)


def test_a_new_message_goes_at_once(tmp_path: Path) -> None:
    async def story(case: Case) -> None:
        await case.clock.sleep(1.0)
        case.outbox.append([TELEMETRY])
        await case.clock.sleep(0.001)
        assert case.broker.telemetry == [1]

    play(story, tmp_path)


def test_after_a_reconnect_only_what_is_unacknowledged_is_sent_again(tmp_path: Path) -> None:
    async def story(case: Case) -> None:
        case.outbox.append([TELEMETRY] * 4)
        await case.clock.sleep(1.0)
        case.broker.acknowledge(2)
        await case.clock.sleep(1.0)
        case.broker.lose()
        await case.clock.sleep(10.0)
        assert case.broker.telemetry == [1, 2, 3, 4, 3, 4]

    play(story, tmp_path)


def test_without_any_acknowledgement_messages_are_sent_again_after_a_while(tmp_path: Path) -> None:
    async def story(case: Case) -> None:
        case.outbox.append([TELEMETRY] * 2)
        await case.clock.sleep(299.0)
        assert case.broker.telemetry == [1, 2]
        await case.clock.sleep(2.0)
        assert case.broker.telemetry == [1, 2, 1, 2]

    play(story, tmp_path, resend_s=300.0)


def test_what_the_cloud_lost_in_a_restart_comes_again_while_new_messages_pass(tmp_path: Path) -> None:
    async def story(case: Case) -> None:
        case.outbox.append([TELEMETRY] * 2)
        await case.clock.sleep(1.0)
        case.broker.acknowledge(1)
        for _ in range(5):
            await case.clock.sleep(60.0)
            case.outbox.append([TELEMETRY])
            await case.clock.sleep(0.5)
            case.broker.acknowledge(1)
        assert case.broker.telemetry == [1, 2, 3, 4, 5, 6, 2, 3, 4, 5, 6, 7]
        case.broker.acknowledge(7)
        await case.clock.sleep(1_000.0)
        assert case.broker.telemetry == [1, 2, 3, 4, 5, 6, 2, 3, 4, 5, 6, 7]

    play(story, tmp_path, resend_s=300.0)


def test_the_state_goes_when_it_is_due(tmp_path: Path) -> None:
    async def story(case: Case) -> None:
        await case.clock.sleep(1.0)
        case.uplink.publish_state()
        case.uplink.publish_enrollment()
        await case.clock.sleep(1.0)
        assert case.broker.online == [True, True]

    play(story, tmp_path)


def test_what_is_refused_is_told_and_survived(tmp_path: Path) -> None:
    async def story(case: Case) -> None:
        case.broker.inbox.put_nowait(Delivery("vpp/v1/other/command", b"{}"))
        case.broker.acknowledge(99)
        await case.clock.sleep(1.0)
        assert len(case.side.refused) == 2
        assert "never sent" in case.side.refused[1]

    play(story, tmp_path)


def test_a_disk_that_fails_does_not_end_the_session_for_good(tmp_path: Path) -> None:
    async def story(case: Case) -> None:
        case.outbox.append([TELEMETRY] * 2)
        abort = "SELECT RAISE(ABORT, 'disk full')"
        case.database.execute(f"CREATE TRIGGER full BEFORE DELETE ON message BEGIN {abort}; END")
        case.broker.acknowledge(1)
        await case.clock.sleep(0.1)
        assert "disk full" in str(case.side.connections[-1])
        case.database.execute("DROP TRIGGER full")
        await case.clock.sleep(10.0)
        assert case.side.connections[-1] is None
        assert case.broker.telemetry == [1, 2, 1, 2]

    play(story, tmp_path)
