"""The broker in memory keeps the rules of MQTT that both sides build on."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud.telemetry.wire import CommandSink, MessageSource
from edge_agent.uplink.transport import Delivery, Publication, Transport
from simulators.rig.virtual import memory
from simulators.rig.virtual.memory import (
    MemoryBroker,
    MemoryConnection,
    MemorySink,
    MemorySource,
    MemoryTransport,
    matches,
)
from simulators.rig.virtual.virtual_time import run_virtual
from vpp_core.clock import ManualClock, VirtualClock
from vpp_core.faults import BrokerFault
from vpp_core.ids import SiteId
from vpp_core.topics import downlink_filters, topic_of

NOON = datetime(2021, 8, 12, 12, tzinfo=UTC)
WILL = Publication("vpp/v1/s1/state", b"off line", retain=True)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOON)


@pytest.fixture
def broker(clock: ManualClock) -> MemoryBroker:
    return MemoryBroker(clock)


@pytest.mark.parametrize(
    ("filter_", "topic", "covered"),
    [
        ("a/b", "a/b", True),
        ("a/b", "a/c", False),
        ("a/+", "a/b", True),
        ("a/+", "a/b/c", False),
        ("a/+", "a", False),
        ("+/b", "a/b", True),
        ("a/#", "a/b/c", True),
        ("a/#", "a", True),
        ("a/#", "b/a", False),
        ("#", "a/b", True),
        ("#", "$SYS/load", False),
        ("+/load", "$SYS/load", False),
        ("$SYS/#", "$SYS/load", True),
        ("a/+/c", "a//c", True),
    ],
)
def test_a_filter_covers_topics_as_mqtt_says(filter_: str, topic: str, *, covered: bool) -> None:
    assert matches(filter_, topic) is covered


@given(st.lists(st.sampled_from("abc"), min_size=1, max_size=5))
def test_a_topic_is_covered_by_itself_and_by_its_own_wildcards(levels: list[str]) -> None:
    topic = "/".join(levels)
    assert matches(topic, topic)
    assert matches("/".join("+" for _ in levels), topic)
    assert matches("/".join([*levels[:-1], "#"]), topic)
    assert not matches(f"{topic}/+", topic)


async def test_messages_arrive_in_the_order_they_were_published(broker: MemoryBroker) -> None:
    with broker.connect("cloud") as cloud:
        await cloud.subscribe(["t/+"])
        for number in range(5):
            await cloud.publish(Publication("t/x", str(number).encode()))
        assert [message.payload for message in await _take(cloud, 5)] == [b"0", b"1", b"2", b"3", b"4"]


async def test_overlapping_filters_deliver_once(broker: MemoryBroker) -> None:
    with broker.connect("cloud") as cloud:
        await cloud.subscribe(["t/#", "t/+", "t/x"])
        await cloud.publish(Publication("t/x", b"once"))
        await cloud.publish(Publication("t/x", b"last"))
        assert [message.payload for message in await _take(cloud, 2)] == [b"once", b"last"]


async def test_a_late_subscriber_gets_what_is_retained_and_an_empty_message_clears_it(
    broker: MemoryBroker,
) -> None:
    with broker.connect("cloud") as cloud:
        for topic in ("t/b", "t/a", "t/c"):
            await cloud.publish(Publication(topic, topic.encode(), retain=True))
        await cloud.publish(Publication("t/c", b"", retain=True))
        await cloud.publish(Publication("t/d", b"not retained"))
        await cloud.subscribe(["t/#"])
        assert await _take(cloud, 2) == [Delivery("t/a", b"t/a"), Delivery("t/b", b"t/b")]


async def test_a_session_keeps_its_messages_while_its_client_is_away(
    broker: MemoryBroker, clock: ManualClock
) -> None:
    with broker.connect("gateway") as first:
        await first.subscribe(["command"])
    broker.publish(Publication("command", b"stale", expiry_s=60))
    broker.publish(Publication("command", b"fresh", expiry_s=600))
    broker.publish(Publication("command", b"for ever"))
    clock.advance(60.0)
    with broker.connect("gateway") as second:
        assert [message.payload for message in await _take(second, 2)] == [b"fresh", b"for ever"]


async def test_an_expired_retained_message_is_not_delivered(broker: MemoryBroker, clock: ManualClock) -> None:
    broker.publish(Publication("t/old", b"old", retain=True, expiry_s=10))
    broker.publish(Publication("t/young", b"young", retain=True, expiry_s=20))
    clock.advance(10.0)
    with broker.connect("late") as late:
        await late.subscribe(["t/+"])
        assert await _take(late, 1) == [Delivery("t/young", b"young")]


async def test_a_cut_connection_publishes_its_will_and_tells_its_user(broker: MemoryBroker) -> None:
    with broker.connect("cloud") as cloud:
        await cloud.subscribe(["vpp/v1/+/state"])
        async with MemoryTransport(broker, "gateway").connect(WILL) as gateway:
            broker.cut("gateway")
            with pytest.raises(BrokerFault):
                await gateway.publish(WILL)
            with pytest.raises(BrokerFault):
                await gateway.subscribe(["x"])
            with pytest.raises(BrokerFault):
                await anext(aiter(gateway.messages()))
        broker.cut("gateway")
        assert await _take(cloud, 1) == [Delivery(WILL.topic, WILL.payload)]
        broker.publish(Publication("vpp/v1/s2/state", b"end"))
        assert (await _take(cloud, 1))[0].payload == b"end", "the will came once"


async def test_a_goodbye_keeps_the_will_to_itself(broker: MemoryBroker) -> None:
    with broker.connect("cloud") as cloud:
        await cloud.subscribe(["vpp/v1/+/state"])
        async with MemoryTransport(broker, "gateway").connect(WILL):
            pass
        broker.publish(Publication("vpp/v1/s2/state", b"end"))
        assert (await _take(cloud, 1))[0].payload == b"end"


async def test_a_second_connection_of_a_client_cuts_the_first(broker: MemoryBroker) -> None:
    with broker.connect("gateway", WILL) as first, broker.connect("gateway") as second:
        with pytest.raises(BrokerFault):
            await first.publish(WILL)
        await second.subscribe(["vpp/#"])
        assert await _take(second, 1) == [Delivery(WILL.topic, WILL.payload)], "the first one's will"


def test_who_waits_for_messages_hears_of_the_loss() -> None:
    async def scenario(clock: VirtualClock) -> datetime:
        broker = MemoryBroker(clock)

        async def listen() -> None:
            with broker.connect("gateway") as gateway, pytest.raises(BrokerFault):
                await anext(gateway.messages())

        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(listen())
            await clock.sleep(5.0)
            broker.cut("gateway")
        return clock.now()

    assert (run_virtual(scenario, NOON) - NOON).total_seconds() == 5.0


async def test_members_of_a_group_take_turns_and_only_those_present(broker: MemoryBroker) -> None:
    sites = [topic_of(SiteId(f"s{number}"), "telemetry") for number in range(4)]
    async with MemorySource(broker, "one").open() as one, MemorySource(broker, "two").open() as two:
        for topic in sites:
            broker.publish(Publication(topic, b"1"))
        assert [(await anext(one)).topic for _ in range(2)] == sites[0::2]
        assert [(await anext(two)).topic for _ in range(2)] == sites[1::2]
    async with MemorySource(broker, "two").open() as two:
        for topic in sites:
            broker.publish(Publication(topic, b"2"))
        assert [(await anext(two)).topic for _ in range(4)] == sites


async def test_a_shared_filter_gets_no_retained_messages(broker: MemoryBroker) -> None:
    broker.publish(Publication("vpp/v1/s1/telemetry", b"old", retain=True))
    async with MemorySource(broker).open() as inbound:
        broker.publish(Publication("vpp/v1/s1/telemetry", b"new", retain=True))
        assert (await anext(inbound)).payload == b"new"


async def test_the_cloud_hears_retained_states_and_every_member_hears_them_all(broker: MemoryBroker) -> None:
    broker.publish(Publication("vpp/v1/s1/state", b"on line", retain=True))
    async with MemorySource(broker, "one").open() as one, MemorySource(broker, "two").open() as two:
        assert (await anext(one)).payload == b"on line"
        assert (await anext(two)).payload == b"on line"


async def test_the_sink_reaches_exactly_one_site(broker: MemoryBroker) -> None:
    sink: CommandSink = MemorySink(broker)
    transport: Transport = MemoryTransport(broker, "gateway")
    source: MessageSource = MemorySource(broker)
    async with transport.connect(WILL) as gateway, source.open():
        await gateway.subscribe(downlink_filters(SiteId("s1")))
        await sink.publish(topic_of(SiteId("s2"), "command"), b"not mine")
        await sink.publish(topic_of(SiteId("s1"), "command"), b"mine", expiry_s=60)
        message = await anext(gateway.messages())
        assert message == Delivery(topic_of(SiteId("s1"), "command"), b"mine")


async def test_a_reader_that_hangs_is_found(broker: MemoryBroker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "QUEUED_MAX", 2)
    with broker.connect("sleepy") as sleepy:
        await sleepy.subscribe(["t"])
        broker.publish(Publication("t", b"1"))
        broker.publish(Publication("t", b"2"))
        with pytest.raises(AssertionError, match="hangs"):
            broker.publish(Publication("t", b"3"))


async def _take(connection: MemoryConnection, count: int) -> list[Delivery]:
    messages: AsyncIterator[Delivery] = connection.messages()
    async with asyncio.timeout(1.0):
        return [await anext(messages) for _ in range(count)]
