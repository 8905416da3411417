"""A connection, whatever its transport: order, bounds and conduct; on a line in memory and virtual time."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from datetime import UTC, datetime
from functools import wraps
from typing import Any

import pytest

from simulators.devices.wire.fate import HONEST, Fate, Line, Responder
from simulators.devices.wire.memory import BUFFER_MAX, MemoryLine
from simulators.devices.wire.station import LineSettings
from simulators.rig.virtual.virtual_time import run_virtual
from tests.simulators.devices.wire.recording import (
    Recorder,
    frame,
    read,
    read_answer,
    sealed,
    write,
    write_one,
)
from vpp_core.clock import VirtualClock
from vpp_core.faults import ConfigurationFault

EPOCH = datetime(2026, 7, 1, tzinfo=UTC)
READ, ANSWER = read(1_000, 2), read_answer(1_000, 2)


OPENED: list[asyncio.StreamWriter] = []


async def opened(line: MemoryLine) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A client that hangs up when its test ends."""
    reader, writer = await line.open()
    OPENED.append(writer)
    return reader, writer


def virtual(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """Run a test on the virtual-time loop."""

    @wraps(test)
    def run(*arguments: Any, **options: Any) -> None:
        async def main(clock: VirtualClock) -> None:
            del clock
            try:
                await test(*arguments, **options)
            finally:
                while OPENED:
                    OPENED.pop().close()

        run_virtual(main, EPOCH)

    return run


class Fates:
    """Faults that are told in advance, one request after the other."""

    def __init__(self, *fates: Fate) -> None:
        self.fates = list(fates)
        self.refuses = self.mutes = False
        self.lines: list[Line] = []

    def watch(self, line: Line) -> None:
        self.lines.append(line)

    def fate(self, pdu: bytes) -> Fate:
        del pdu
        return self.fates.pop(0) if self.fates else HONEST

    def respond(self, unit: Responder, pdu: bytes) -> bytes:
        return unit.respond(pdu)


def now_s() -> float:
    return asyncio.get_running_loop().time()


async def silent_for(reader: asyncio.StreamReader, duration_s: float) -> bool:
    try:
        async with asyncio.timeout(duration_s):
            return await reader.read(1) == b"nothing"
    except TimeoutError:
        return True


async def raises_soon(waiting: Awaitable[object]) -> None:
    with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
        await waiting


@virtual
async def test_an_answer_takes_the_time_of_the_line() -> None:
    reader, writer = await opened(MemoryLine({1: Recorder()}, latency_s=0.15))
    writer.write(frame(5, 1, READ))
    assert await reader.readexactly(13) == frame(5, 1, ANSWER)
    assert now_s() == pytest.approx(0.3)


@virtual
async def test_a_late_answer_goes_before_the_one_that_follows_it() -> None:
    line = MemoryLine({1: Recorder()}, faults=Fates(Fate(hold_s=2.0), HONEST))
    reader, writer = await opened(line)
    writer.write(frame(1, 1, READ))
    assert await silent_for(reader, 1.0)
    writer.write(frame(2, 1, READ))
    assert await reader.readexactly(26) == frame(1, 1, ANSWER) + frame(2, 1, ANSWER)
    assert now_s() == pytest.approx(2.0)


@virtual
async def test_a_delayed_write_acts_when_it_arrives_and_is_acknowledged_later() -> None:
    unit = Recorder()
    reader, writer = await opened(MemoryLine({1: unit}, faults=Fates(Fate(wait_s=1.0, hold_s=1.0))))
    writer.write(frame(1, 1, write_one(1_100, 7)))
    assert await silent_for(reader, 0.9)
    assert unit.writes == []
    assert await silent_for(reader, 0.2)
    assert unit.writes == [(1_100, b"\x00\x07")]
    assert await reader.readexactly(12) == frame(1, 1, write_one(1_100, 7))
    assert now_s() == pytest.approx(2.0)


@virtual
async def test_requests_keep_their_order_through_any_delays() -> None:
    fates = [Fate(wait_s=0.1 * (number * 7 % 5), hold_s=0.1 * (number * 3 % 4)) for number in range(60)]
    unit = Recorder()
    reader, writer = await opened(MemoryLine({1: unit}, faults=Fates(*fates)))
    for number in range(60):
        writer.write(frame(number, 1, write_one(1_100 + number, number)))
    for number in range(60):
        assert await reader.readexactly(12) == frame(number, 1, write_one(1_100 + number, number))
    assert [address for address, _ in unit.writes] == list(range(1_100, 1_160))


@virtual
async def test_a_lost_answer_leaves_its_write_done_and_a_lost_request_does_not() -> None:
    unit = Recorder()
    fates = Fates(Fate(answered=False), Fate(carried_out=False))
    reader, writer = await opened(MemoryLine({1: unit}, faults=fates))
    writer.write(frame(1, 1, write_one(1_100, 1)) + frame(2, 1, write_one(1_101, 2)) + frame(3, 1, READ))
    assert await reader.readexactly(13) == frame(3, 1, ANSWER)
    assert unit.writes == [(1_100, b"\x00\x01")]


@virtual
async def test_a_write_that_is_underway_acts_although_its_client_has_gone() -> None:
    unit = Recorder()
    _, writer = await opened(MemoryLine({1: unit}, faults=Fates(Fate(wait_s=1.0))))
    writer.write(frame(1, 1, write_one(1_100, 1)))
    await asyncio.sleep(0.5)
    writer.close()
    await writer.wait_closed()
    assert unit.writes == []
    await asyncio.sleep(1.0)
    assert unit.writes == [(1_100, b"\x00\x01")]


@virtual
async def test_a_restart_forgets_what_is_underway() -> None:
    unit, faults = Recorder(), Fates(Fate(wait_s=1.0))
    reader, writer = await opened(MemoryLine({1: unit}, faults=faults))
    writer.write(frame(1, 1, write_one(1_100, 1)))
    await asyncio.sleep(0.5)
    faults.lines[0].drop()
    await raises_soon(reader.readexactly(1))
    await asyncio.sleep(1.0)
    assert unit.writes == []


@virtual
async def test_a_client_that_never_reads_is_read_no_more() -> None:
    """20,000 requests whose answers are 259 bytes each: 5 MB that nobody takes."""
    unit = Recorder()

    class Reader(asyncio.Protocol):
        received = bytearray()

        def data_received(self, data: bytes) -> None:
            self.received += data

    near, client = await MemoryLine({1: unit}).connect(Reader)
    near.pause_reading()
    burst = b"".join(frame(number, 1, read(1_000, 125)) for number in range(100))
    for _ in range(200):
        near.write(burst)
        await asyncio.sleep(0)
    held = near._peer.get_write_buffer_size()  # type: ignore[attr-defined]
    assert BUFFER_MAX < held <= BUFFER_MAX + 259
    assert unit.reads < 300
    near.resume_reading()
    await asyncio.sleep(1.0)
    assert unit.reads == 20_000
    assert len(client.received) == 20_000 * 259


@virtual
async def test_a_client_that_asks_on_while_answers_are_held_is_read_no_more() -> None:
    unit = Recorder()
    line = MemoryLine({1: unit}, faults=Fates(*[Fate(hold_s=10.0)] * 1_000))
    reader, writer = await opened(line)
    for number in range(1_000):
        writer.write(frame(number, 1, READ))
    await asyncio.sleep(5.0)
    assert unit.reads == 64
    for number in range(1_000):
        assert await reader.readexactly(13) == frame(number, 1, ANSWER)


@virtual
async def test_one_connection_only_where_the_device_takes_one() -> None:
    line = MemoryLine({1: Recorder()}, settings=LineSettings(connections_max=1))
    reader, writer = await opened(line)
    other, _ = await opened(line)
    await raises_soon(other.readexactly(1))
    writer.write(frame(1, 1, READ))
    assert await reader.readexactly(13) == frame(1, 1, ANSWER)
    writer.close()
    await writer.wait_closed()
    reader, writer = await opened(line)
    writer.write(frame(1, 1, READ))
    assert await reader.readexactly(13) == frame(1, 1, ANSWER)


@virtual
async def test_a_connection_that_idles_is_closed() -> None:
    line = MemoryLine({1: Recorder()}, settings=LineSettings(idle_close_s=10.0))
    reader, writer = await opened(line)
    await asyncio.sleep(9.0)
    writer.write(frame(1, 1, READ))
    assert await reader.readexactly(13) == frame(1, 1, ANSWER)
    await asyncio.sleep(9.0)
    assert not reader.at_eof()
    await asyncio.sleep(2.0)
    assert reader.at_eof()


@pytest.mark.parametrize(
    ("silent", "answers"),
    [
        pytest.param(False, frame(1, 9, b"\x83\x0b") + frame(2, 1, ANSWER), id="an-exception"),
        pytest.param(True, frame(2, 1, ANSWER), id="silence"),
    ],
)
@virtual
async def test_an_unknown_unit_gets(silent: bool, answers: bytes) -> None:  # noqa: FBT001
    settings = LineSettings(silent_to_unknown_units=silent)
    reader, writer = await opened(MemoryLine({1: Recorder()}, settings=settings))
    writer.write(frame(1, 9, READ) + frame(2, 1, READ))
    assert await reader.readexactly(len(answers)) == answers


@virtual
async def test_a_reader_that_hangs_up_ends_the_connection() -> None:
    reader, writer = await opened(MemoryLine({1: Recorder()}))
    writer.write(frame(1, 1, READ))
    writer.write_eof()
    assert await reader.read() == frame(1, 1, ANSWER)


@virtual
async def test_eight_clients_at_once_each_get_their_own_answers() -> None:
    line = MemoryLine({1: Recorder()})

    async def ask(client: int) -> None:
        reader, writer = await opened(line)
        for number in range(50):
            address = 1_000 + 10 * client + number
            writer.write(frame(number, 1, read(address, 3)))
            assert await reader.readexactly(15) == frame(number, 1, read_answer(address, 3))

    async with asyncio.TaskGroup() as clients:
        for client in range(8):
            clients.create_task(ask(client))


@virtual
async def test_a_serial_line_in_memory_is_deaf_to_other_units_and_noise() -> None:
    unit = Recorder()
    reader, writer = await opened(MemoryLine({7: unit}, rtu=True))
    writer.write(sealed(9, write_one(1_100, 1)))
    writer.write(b"noise")
    await asyncio.sleep(1.0)
    writer.write(sealed(7, READ) + sealed(0, write_one(1_101, 2)) + sealed(0, READ) + sealed(7, READ))
    assert await reader.readexactly(18) == 2 * sealed(7, ANSWER)
    assert unit.writes == [(1_101, b"\x00\x02")]
    assert await silent_for(reader, 60.0)


@virtual
async def test_a_broadcast_reaches_every_unit() -> None:
    units = {1: Recorder(), 2: Recorder()}
    reader, writer = await opened(MemoryLine(units, rtu=True))
    writer.write(sealed(0, write(1_100, b"abcd")))
    assert await silent_for(reader, 1.0)
    assert [unit.writes for unit in units.values()] == 2 * [[(1_100, b"abcd")]]


@virtual
async def test_an_unknown_function_on_a_serial_line_is_refused_after_the_silence() -> None:
    reader, writer = await opened(MemoryLine({7: Recorder()}, rtu=True))
    writer.write(sealed(7, b"\x2b\x0e\x01\x00"))
    assert await reader.readexactly(5) == sealed(7, b"\xab\x01")
    assert now_s() == pytest.approx(0.02)


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        pytest.param({"connections_max": 0}, "connections_max", id="nobody-may-connect"),
        pytest.param({"idle_close_s": 0.0}, "idle_close_s", id="closed-at-once"),
    ],
)
def test_impossible_settings_are_refused(settings: dict[str, Any], named: str) -> None:
    with pytest.raises(ConfigurationFault, match=named):
        LineSettings(**settings)


def test_a_unit_id_beyond_a_byte_is_refused() -> None:
    with pytest.raises(ConfigurationFault, match="unit 256"):
        MemoryLine({256: Recorder()})
