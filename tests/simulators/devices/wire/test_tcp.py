"""Modbus/TCP framing (MODBUS Messaging on TCP/IP 1.0b, 3.1): several units, bytes as they come."""

import asyncio
import socket
import struct
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulators.data.house_load import HouseLoad
from simulators.data.pv_profile import PvProfile
from simulators.devices.site import SimulatedSite, SiteConfig
from simulators.devices.wire.fate import HONEST, Fate, Line, Responder
from simulators.devices.wire.tcp import ModbusServer
from simulators.grid.script import GridScript
from tests.simulators.devices.wire.recording import Recorder, frame, read, read_answer, write
from vpp_core.clock import ManualClock
from vpp_core.faults import LocalFault

READ_MARKER = struct.pack(">BHH", 3, 40_000, 2)
MARKER = b"\x03\x04SunS"


def make_site() -> SimulatedSite:
    clock = ManualClock(datetime(2021, 8, 12, 17, tzinfo=UTC))
    return SimulatedSite(
        SiteConfig(site_id="s"), clock, GridScript(), HouseLoad(0), PvProfile([0.0, 1.0], [0.0, 0.0])
    )


@pytest.fixture
async def port() -> AsyncIterator[int]:
    site = make_site()
    port = await site.start()
    yield port
    await site.stop()


@pytest.fixture
async def stream(port: int) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    yield reader, writer
    writer.close()


Stream = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def test_an_answer_carries_transaction_and_unit_of_its_request(stream: Stream) -> None:
    reader, writer = stream
    writer.write(frame(0xBEEF, 2, READ_MARKER))
    assert await reader.readexactly(13) == frame(0xBEEF, 2, MARKER)


async def test_requests_that_arrive_together_are_answered_in_order(stream: Stream) -> None:
    reader, writer = stream
    writer.write(b"".join(frame(number, 1 + number % 3, READ_MARKER) for number in range(40)))
    for number in range(40):
        assert await reader.readexactly(13) == frame(number, 1 + number % 3, MARKER)


async def test_a_request_that_arrives_byte_by_byte_is_answered_once(stream: Stream) -> None:
    reader, writer = stream
    for byte in frame(7, 1, READ_MARKER):
        writer.write(bytes((byte,)))
        await writer.drain()
    writer.write(frame(8, 1, READ_MARKER))
    assert await reader.readexactly(26) == frame(7, 1, MARKER) + frame(8, 1, MARKER)


async def test_an_unknown_unit_gets_gateway_target_failed(stream: Stream) -> None:
    reader, writer = stream
    writer.write(frame(1, 77, READ_MARKER))
    assert await reader.readexactly(9) == frame(1, 77, b"\x83\x0b")


async def test_a_site_without_charging_station_has_no_unit_4(stream: Stream) -> None:
    reader, writer = stream
    writer.write(frame(1, 4, READ_MARKER))
    assert await reader.readexactly(9) == frame(1, 4, b"\x83\x0b")


@pytest.mark.parametrize(
    "garbage",
    [
        pytest.param(frame(1, 1, READ_MARKER, protocol=1), id="another-protocol"),
        pytest.param(struct.pack(">HHHB", 1, 0, 1, 1), id="a-length-without-function"),
        pytest.param(struct.pack(">HHHB", 1, 0, 255, 1), id="a-length-above-254"),
        pytest.param(b"GET / HTTP/1.1\r\n\r\n", id="a-browser"),
    ],
)
async def test_garbage_closes_its_connection_and_no_other(port: int, stream: Stream, garbage: bytes) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(garbage)
    assert await reader.read() == b""
    writer.close()
    other_reader, other_writer = stream
    other_writer.write(frame(2, 1, READ_MARKER))
    assert await other_reader.readexactly(13) == frame(2, 1, MARKER)


async def test_two_connections_see_one_device(port: int, stream: Stream) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    enable = struct.pack(">BHH", 6, 40_000 + 2 + 68 + 155 + 52 + 22, 1)
    writer.write(frame(1, 2, enable))
    await reader.readexactly(12)
    writer.close()
    other_reader, other_writer = stream
    other_writer.write(frame(2, 2, struct.pack(">BHH", 3, 40_299, 1)))
    assert await other_reader.readexactly(11) == frame(2, 2, b"\x03\x02\x00\x01")


async def test_a_port_in_use_is_one_sentence_that_says_what_to_do(port: int) -> None:
    with pytest.raises(LocalFault) as caught:
        await make_site().start(port=port)
    assert str(caught.value) == (
        f"Cannot listen on 127.0.0.1:{port} (it is in use); choose another port, or 0 for a free one."
    )


async def test_an_address_of_another_machine_is_a_fault() -> None:
    with pytest.raises(LocalFault, match=r"Cannot listen on 192\.0\.2\.1:0 \("):
        await make_site().start(host="192.0.2.1")


@pytest.mark.parametrize("host", ["", "a..b", "a\0b"])
async def test_what_is_no_address_is_a_fault(host: str) -> None:
    with pytest.raises(LocalFault, match="Cannot listen"):
        await make_site().start(host=host)


async def test_stopping_frees_the_port_and_drops_the_connections() -> None:
    site = make_site()
    port = await site.start()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(frame(1, 1, READ_MARKER))
    await reader.readexactly(13)
    await site.stop()
    with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
        await reader.readexactly(1)
    writer.close()
    assert await site.start(port=port) == port
    await site.stop()


async def test_what_was_never_started_may_be_stopped() -> None:
    await make_site().stop()
    await ModbusServer({}).stop()


@given(st.lists(st.binary(min_size=1, max_size=60), max_size=5))
def test_no_bytes_whatever_stop_the_server(chunks: list[bytes]) -> None:
    async def send() -> None:
        site = make_site()
        port = await site.start()
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.writelines(chunks)
        writer.write_eof()
        await reader.read()
        writer.close()
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(frame(9, 1, READ_MARKER))
        assert await reader.readexactly(13) == frame(9, 1, MARKER)
        writer.close()
        await site.stop()

    asyncio.run(send())


class Switch:
    """Faults that a test turns on and off by hand."""

    def __init__(self) -> None:
        self.refuses = self.mutes = False
        self.line: Line | None = None

    def watch(self, line: Line) -> None:
        self.line = line

    def fate(self, pdu: bytes) -> Fate:
        del pdu
        return HONEST

    def respond(self, unit: Responder, pdu: bytes) -> bytes:
        return unit.respond(pdu)

    async def turn(self, *, refuses: bool) -> None:
        self.refuses = refuses
        assert self.line is not None
        self.line.refusal_changed()
        for _ in range(20):
            await asyncio.sleep(0)


@pytest.fixture
async def refusing() -> AsyncIterator[tuple[Switch, ModbusServer, int]]:
    switch = Switch()
    server = ModbusServer({1: Recorder()}, faults=switch)
    yield switch, server, await server.start()
    await server.stop()


READ, ANSWER = frame(1, 1, read(1_000, 2)), frame(1, 1, read_answer(1_000, 2))


async def test_a_refusal_is_one_on_the_socket_and_spares_who_is_connected(
    refusing: tuple[Switch, ModbusServer, int],
) -> None:
    switch, server, port = refusing
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for _ in range(3):
        await switch.turn(refuses=True)
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", port)
        writer.write(READ)
        assert await reader.readexactly(13) == ANSWER
        await switch.turn(refuses=False)
        other_reader, other_writer = await asyncio.open_connection("127.0.0.1", port)
        other_writer.write(READ)
        assert await other_reader.readexactly(13) == ANSWER
        other_writer.close()
        await other_writer.wait_closed()
    writer.close()
    await writer.wait_closed()
    assert server.connections <= 1


async def test_a_server_that_refuses_may_be_stopped(refusing: tuple[Switch, ModbusServer, int]) -> None:
    switch, server, port = refusing
    await switch.turn(refuses=True)
    await server.stop()
    other = ModbusServer({1: Recorder()}, port=port)
    assert await other.start() == port
    await other.stop()


async def test_a_device_that_refuses_from_the_start_takes_its_port_and_lets_nobody_in() -> None:
    switch = Switch()
    switch.refuses = True
    server = ModbusServer({1: Recorder()}, faults=switch)
    port = await server.start()
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", port)
    with socket.socket() as other, pytest.raises(OSError, match="in use"):
        other.bind(("127.0.0.1", port))
    await switch.turn(refuses=False)
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(READ)
    assert await reader.readexactly(13) == ANSWER
    writer.close()
    await server.stop()


async def test_a_restart_resets_every_connection(refusing: tuple[Switch, ModbusServer, int]) -> None:
    switch, _, port = refusing
    connections = [await asyncio.open_connection("127.0.0.1", port) for _ in range(8)]
    for reader, writer in connections:
        writer.write(READ)
        assert await reader.readexactly(13) == ANSWER
    assert switch.line is not None
    switch.line.drop()
    for reader, writer in connections:
        with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
            await reader.readexactly(1)
        writer.close()


async def test_eight_clients_in_parallel_each_get_their_own_answers(
    refusing: tuple[Switch, ModbusServer, int],
) -> None:
    _, server, port = refusing
    ready = asyncio.Barrier(8)

    async def ask(client: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        await ready.wait()
        assert server.connections == 8
        writer.write(
            b"".join(frame(number, 1, read(1_000 + client, number % 125 + 1)) for number in range(200))
        )
        for number in range(200):
            expected = frame(number, 1, read_answer(1_000 + client, number % 125 + 1))
            assert await reader.readexactly(len(expected)) == expected
        await ready.wait()
        writer.close()

    async with asyncio.TaskGroup() as clients:
        for client in range(8):
            clients.create_task(ask(client))


async def test_parallel_writers_never_mix_their_registers() -> None:
    """Each write of 100 registers is there as a whole, or not at all."""
    unit = Recorder()
    server = ModbusServer({1: unit})
    port = await server.start()

    async def fill(client: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for _ in range(50):
            writer.write(frame(1, 1, write(1_100, bytes((client,)) * 200)) + frame(2, 1, read(1_100, 100)))
            answer = await reader.readexactly(12 + 209)
            assert len(set(answer[12 + 9 :])) == 1
        writer.close()

    async with asyncio.TaskGroup() as clients:
        for client in range(1, 9):
            clients.create_task(fill(client))
    await server.stop()


async def test_a_client_that_never_reads_is_answered_no_more() -> None:
    """The kernel's buffers fill, then nothing more is taken: most of 26 MB of answers are never made."""
    unit, count = Recorder(), 100_000
    server = ModbusServer({1: unit})
    port = await server.start()
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65_536)
    client.connect(("127.0.0.1", port))
    requests = count * frame(1, 1, read(1_000, 125))
    client.settimeout(0.0)
    sent = blocked = 0
    while sent < len(requests) and blocked < 50:
        try:
            sent += client.send(requests[sent : sent + 12_000])
            blocked = 0
        except BlockingIOError:
            blocked += 1
        await asyncio.sleep(0)
    reads = unit.reads
    assert reads < count // 2
    for _ in range(50):
        await asyncio.sleep(0)
    assert unit.reads == reads
    client.settimeout(None)
    received, expected = 0, sent // 12 * 259
    while received < expected:
        received += len(await asyncio.to_thread(client.recv, 1 << 20))
    assert (received, unit.reads) == (expected, sent // 12)
    client.close()
    await server.stop()
