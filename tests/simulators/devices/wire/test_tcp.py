"""Modbus/TCP framing (MODBUS Messaging on TCP/IP 1.0b, 3.1): several units, bytes as they come."""

import asyncio
import struct
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulators.data.house_load import HouseLoad
from simulators.data.pv_profile import PvProfile
from simulators.devices.site import SimulatedSite, SiteConfig
from simulators.devices.wire.tcp import ModbusServer
from simulators.grid.script import GridScript
from vpp_core.clock import ManualClock
from vpp_core.faults import LocalFault

READ_MARKER = struct.pack(">BHH", 3, 40_000, 2)
MARKER = b"\x03\x04SunS"


def make_site() -> SimulatedSite:
    clock = ManualClock(datetime(2021, 8, 12, 17, tzinfo=UTC))
    return SimulatedSite(
        SiteConfig(site_id="s"), clock, GridScript(), HouseLoad(0), PvProfile([0.0, 1.0], [0.0, 0.0])
    )


def frame(transaction: int, unit: int, pdu: bytes, protocol: int = 0) -> bytes:
    return struct.pack(">HHHB", transaction, protocol, len(pdu) + 1, unit) + pdu


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
