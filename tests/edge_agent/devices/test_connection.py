"""One owner a connection: order, deadlines, pacing, sharing, and an end that leaves nothing behind."""

import asyncio
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import pytest

from edge_agent.devices.connections import Connections, SharedLink
from edge_agent.devices.lanes import Lanes
from edge_agent.devices.link import LinkSettings, RegisterRefused, Transport
from edge_agent.devices.requests import PATIENCE, WAITING_MAX, Urgency
from simulators.rig.virtual.virtual_time import run_virtual
from vpp_core.clock import VirtualClock
from vpp_core.faults import ConfigurationFault, DeviceFault

NOON = datetime(2021, 8, 12, 12, tzinfo=UTC)
ANSWER_S, TIMEOUT_S = 0.1, 1.0
DEAD, REFUSING = 9, 8


class TimedLink:
    """Answers after a tenth of a second with the address that was asked; unit 9 never, unit 8 refuses."""

    def __init__(self, settings: LinkSettings, clock: VirtualClock) -> None:
        self.settings = settings
        self.sent: list[tuple[str, int, int]] = []
        self.sent_at_s: list[float] = []
        self.in_flight = 0
        self.closed = False
        self.broken = False
        self._clock = clock

    def __str__(self) -> str:
        return self.settings.endpoint

    async def read(self, unit: int, address: int, count: int) -> bytes:
        await self._exchange("read", unit, address)
        return address.to_bytes(2) * count

    async def write(self, unit: int, address: int, registers: bytes) -> None:
        del registers
        await self._exchange("write", unit, address)

    async def close(self) -> None:
        self.closed = True

    async def _exchange(self, kind: str, unit: int, address: int) -> None:
        assert self.in_flight == 0, "one request at a time"
        assert not self.closed
        self.sent.append((kind, unit, address))
        self.sent_at_s.append(self._clock.monotonic_s())
        self.in_flight += 1
        try:
            dead = unit == DEAD or self.broken
            await self._clock.sleep(TIMEOUT_S if dead else ANSWER_S)
        finally:
            self.in_flight -= 1
        if unit == REFUSING:
            raise RegisterRefused(f"{self} unit {unit} has no such register")
        if dead:
            raise DeviceFault(f"{self} unit {unit} did not answer")


class Bench:
    """Connections to timed links, on virtual time."""

    def __init__(self, clock: VirtualClock, connections: Connections, links: list[TimedLink]) -> None:
        self.clock = clock
        self.connections = connections
        self.links = links

    def lanes(self, host: str = "a", gap_s: float = 0.0) -> Lanes:
        return Lanes.over(self.share(host), self.clock, gap_s)

    def share(self, host: str = "a") -> SharedLink:
        return self.connections.share(LinkSettings(host=host, timeout_s=TIMEOUT_S))


def play(story: Callable[[Bench], Coroutine[Any, Any, None]], *devices: LinkSettings) -> list[TimedLink]:
    links: list[TimedLink] = []

    async def main(clock: VirtualClock) -> None:
        def open_link(settings: LinkSettings) -> TimedLink:
            links.append(TimedLink(settings, clock))
            return links[-1]

        async with Connections(open_link, devices) as connections:
            await story(Bench(clock, connections, links))
        assert asyncio.all_tasks() == {asyncio.current_task()}, "nothing runs on"

    run_virtual(main, NOON)
    assert all(link.closed for link in links)
    return links


def test_a_control_write_overtakes_all_that_waits() -> None:
    async def story(bench: Bench) -> None:
        lanes = bench.lanes()
        async with asyncio.TaskGroup() as asking:
            asking.create_task(lanes.poll.read(1, 0, 1))
            await bench.clock.sleep(0.5 * ANSWER_S)
            for link, address in ((lanes.poll, 4), (lanes.verify, 3), (lanes.meter, 2)):
                asking.create_task(link.read(1, address, 1))
            asking.create_task(lanes.control.write(2, 1, b"\0\1"))

    [link] = play(story)
    assert [address for _, _, address in link.sent] == [0, 1, 2, 3, 4]


def test_every_caller_gets_its_own_answer() -> None:
    async def story(bench: Bench) -> None:
        lanes = bench.lanes()
        async with asyncio.TaskGroup() as asking:
            reads = [asking.create_task(lanes[index % len(lanes)].read(1, index, 2)) for index in range(8)]
        assert [read.result() for read in reads] == [index.to_bytes(2) * 2 for index in range(8)]

    play(story)


@pytest.mark.parametrize("urgency", Urgency, ids=lambda urgency: urgency.name.lower())
def test_a_request_that_waited_too_long_is_dropped_at_its_time_and_never_sent(urgency: Urgency) -> None:
    async def story(bench: Bench) -> None:
        lanes = bench.lanes()

        async def block() -> None:
            while bench.clock.monotonic_s() < PATIENCE[urgency] * TIMEOUT_S:
                await _failing(lanes.control.write(DEAD, 1, b"\0\1"))

        async with asyncio.TaskGroup() as asking:
            for _ in range(4):
                asking.create_task(block())
            await bench.clock.sleep(0.0)
            with pytest.raises(DeviceFault, match="a:502 was busy for too long; the request was not sent"):
                await lanes[urgency].read(1, 77, 1)
            assert bench.clock.monotonic_s() == pytest.approx(PATIENCE[urgency] * TIMEOUT_S)

    [link] = play(story)
    assert 77 not in {address for _, _, address in link.sent}


def test_a_unit_that_does_not_answer_delays_a_write_to_another_by_no_more_than_its_time_out() -> None:
    async def story(bench: Bench) -> None:
        lanes = bench.lanes()
        async with asyncio.TaskGroup() as asking:
            for address in range(4):
                asking.create_task(_failing(lanes.poll.read(DEAD, address, 1)))
            await bench.clock.sleep(0.01)
            start_s = bench.clock.monotonic_s()
            await lanes.control.write(2, 77, b"\0\1")
            assert bench.clock.monotonic_s() - start_s <= TIMEOUT_S + ANSWER_S

    play(story)


def test_a_dead_host_delays_nothing_on_another_connection() -> None:
    async def story(bench: Bench) -> None:
        meter, inverter = bench.lanes("meter"), bench.lanes("inverter")
        async with asyncio.TaskGroup() as asking:
            asking.create_task(_failing(inverter.control.write(DEAD, 1, b"\0\1")))
            await bench.clock.sleep(0.01)
            start_s = bench.clock.monotonic_s()
            await meter.meter.read(1, 0, 2)
            assert bench.clock.monotonic_s() - start_s == pytest.approx(ANSWER_S)

    assert len(play(story)) == 2


def test_devices_of_one_endpoint_share_one_connection_and_the_most_patient_decides() -> None:
    async def story(bench: Bench) -> None:
        first, second = bench.share(), bench.share()
        await first.read(1, 0, 1)
        await first.close()
        await first.close()
        await second.read(2, 0, 1)
        assert [link.closed for link in bench.links] == [False]
        await second.close()
        await bench.clock.sleep(0.0)
        assert [link.closed for link in bench.links] == [True]
        await bench.share().read(1, 0, 1)

    links = play(story, LinkSettings(host="a", timeout_s=1.0), LinkSettings(host="a", timeout_s=3.0))
    assert [link.settings.timeout_s for link in links] == [3.0, 3.0]


def test_where_nothing_answers_a_device_that_is_given_up_makes_the_connection_new_for_all() -> None:
    async def story(bench: Bench) -> None:
        first, second = bench.share(), bench.share()
        bench.links[0].broken = True
        for _ in range(3):
            await _failing(first.read(1, 0, 1))
        await first.close()
        assert await second.read(2, 7, 1) == b"\0\7"

    assert len(play(story)) == 2


def test_where_another_unit_answers_or_refuses_the_connection_stays() -> None:
    async def story(bench: Bench) -> None:
        first, second = bench.share(), bench.share()
        for _ in range(3):
            await _failing(first.read(DEAD, 0, 1))
        with pytest.raises(RegisterRefused):
            await second.read(REFUSING, 0, 1)
        await first.close()
        await second.read(2, 0, 1)

    assert len(play(story)) == 1


def test_between_two_requests_lies_the_longer_rest_of_their_devices() -> None:
    async def story(bench: Bench) -> None:
        quick, slow = bench.lanes(), bench.lanes(gap_s=0.3)
        for lanes in (quick, quick, slow, quick):
            await lanes.poll.read(1, 0, 1)

    [link] = play(story)
    starts = link.sent_at_s
    gaps = [later - earlier - ANSWER_S for earlier, later in pairwise(starts)]
    assert gaps == pytest.approx([0.0, 0.3, 0.3], abs=1e-5)


def test_a_write_that_comes_during_a_rest_goes_first_after_it() -> None:
    async def story(bench: Bench) -> None:
        lanes = bench.lanes(gap_s=0.3)
        await lanes.poll.read(1, 0, 1)
        async with asyncio.TaskGroup() as asking:
            asking.create_task(lanes.poll.read(1, 2, 1))
            await bench.clock.sleep(0.1)
            asking.create_task(lanes.control.write(1, 1, b"\0\1"))

    [link] = play(story)
    assert [address for _, _, address in link.sent] == [0, 1, 2]


def test_a_serial_line_falls_silent_between_frames() -> None:
    serial = LinkSettings(transport=Transport.RTU, port_path="/dev/ttyS9", baud=9_600)

    async def story(bench: Bench) -> None:
        share = bench.connections.share(serial)
        await share.read(1, 0, 1)
        await share.read(1, 0, 1)

    [link] = play(story)
    assert link.sent_at_s[1] - link.sent_at_s[0] - ANSWER_S == pytest.approx(3.5 * 11 / 9_600, abs=1e-5)
    assert LinkSettings(transport=Transport.RTU, port_path="x", baud=115_200).gap_s_min == 0.00175


def test_a_caller_that_goes_lets_its_request_end_and_nobody_gets_its_answer() -> None:
    async def story(bench: Bench) -> None:
        lanes = bench.lanes()
        async with asyncio.TaskGroup() as asking:
            sent = asking.create_task(lanes.poll.read(1, 5, 1))
            waiting = asking.create_task(lanes.poll.read(1, 6, 1))
            await bench.clock.sleep(0.5 * ANSWER_S)
            sent.cancel()
            waiting.cancel()
        assert await lanes.poll.read(1, 7, 1) == b"\0\7"

    [link] = play(story)
    assert [address for _, _, address in link.sent] == [5, 7], "what was not sent is forgotten"


def test_more_requests_than_the_bound_are_refused_at_once() -> None:
    async def story(bench: Bench) -> None:
        lanes = bench.lanes()
        async with asyncio.TaskGroup() as asking:
            for address in range(WAITING_MAX + 1):
                asking.create_task(_failing(lanes.poll.read(1, address, 1)))
            await bench.clock.sleep(0.01)
            asking.create_task(_failing(lanes.poll.read(1, 99, 1)))
            await bench.clock.sleep(0.01)
            with pytest.raises(DeviceFault, match="more requests waiting than it can ever serve"):
                await lanes.poll.read(1, 100, 1)
            await lanes.control.write(1, 101, b"\0\1")

    [link] = play(story)
    assert [address for _, _, address in link.sent][:2] == [0, 101]


def test_at_the_end_whoever_waits_is_told() -> None:
    outcomes: list[str] = []

    async def asking(lane: Any, address: int) -> None:
        try:
            await lane.read(1, address, 1)
        except DeviceFault as fault:
            outcomes.append(str(fault))

    async def main(clock: VirtualClock) -> None:
        async with asyncio.TaskGroup() as tasks:
            async with Connections(lambda settings: TimedLink(settings, clock), ()) as connections:
                share = connections.share(LinkSettings(host="a"))
                tasks.create_task(asking(share, 0))
                tasks.create_task(asking(share, 1))
                await clock.sleep(0.5 * ANSWER_S)
            await asking(share, 2)

    run_virtual(main, NOON)
    assert sorted(outcomes) == [
        "a:502 is being closed; the request was not sent",
        "a:502 is closed",
        "a:502 was closed before the answer",
    ]


def test_a_link_that_cannot_be_made_is_said_to_whoever_wants_it() -> None:
    def refuse(settings: LinkSettings) -> TimedLink:
        raise ConfigurationFault(f"{settings.endpoint} needs a certificate")

    async def main(clock: VirtualClock) -> None:
        del clock
        async with Connections(refuse, ()) as connections:
            for _ in range(2):
                with pytest.raises(ConfigurationFault, match="needs a certificate"):
                    connections.share(LinkSettings(host="a"))

    run_virtual(main, NOON)


async def _failing(call: Coroutine[Any, Any, object]) -> None:
    try:
        await call
    except DeviceFault:
        return
