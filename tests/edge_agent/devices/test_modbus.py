"""The link against servers that misbehave: one clear fault each, and the next request works."""

import asyncio
import struct
from collections.abc import AsyncIterator, Callable, Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.devices.frames import complaint_about
from edge_agent.devices.link import LinkSettings, RegisterRefused
from edge_agent.devices.modbus import ModbusLink
from vpp_core.faults import DeviceFault

Behaviour = Callable[[bytes], Iterable[bytes] | None]
"""Bytes to send for a request, packet by packet; ``None`` closes the connection."""


def right(request: bytes) -> list[bytes]:
    """The answer of a device whose registers hold their own addresses."""
    transaction, _, _, unit, function, address, count = struct.unpack_from(">HHHBBHH", request)
    if function == 3:
        data = struct.pack(f">BB{count}H", 3, 2 * count, *range(address, address + count))
    else:
        data = struct.pack(">BHH", 16, address, count)
    return [struct.pack(">HHHB", transaction, 0, len(data) + 1, unit) + data]


def altered(change: Callable[[bytearray], None]) -> Behaviour:
    def behave(request: bytes) -> list[bytes]:
        answer = bytearray(right(request)[0])
        change(answer)
        return [bytes(answer)]

    return behave


def replaced(at: int, value: int) -> Behaviour:
    return altered(lambda answer: answer.__setitem__(at, value))


def exception(code: int, *extra: int) -> Behaviour:
    def behave(request: bytes) -> list[bytes]:
        data = bytes((request[7] | 0x80, code, *extra))
        return [request[:4] + struct.pack(">HB", len(data) + 1, request[6]) + data]

    return behave


class Server:
    """A Modbus TCP server that behaves as it is told, and notes when two requests are in flight."""

    def __init__(self) -> None:
        self.behave: Behaviour = right
        self.requests: list[bytes] = []
        self.port = 0
        self._server: asyncio.Server | None = None
        self._transports: list[asyncio.Transport] = []

    async def start(self) -> None:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: Connection(self), "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        assert self._server is not None
        self._server.close()
        for transport in self._transports:
            transport.abort()
        await self._server.wait_closed()

    def adopt(self, transport: asyncio.Transport) -> None:
        self._transports.append(transport)


class Connection(asyncio.Protocol):
    def __init__(self, server: Server) -> None:
        self._server = server
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._server.adopt(transport)

    def data_received(self, data: bytes) -> None:
        assert self._transport is not None
        self._server.requests.append(data)
        packets = self._server.behave(data)
        if packets is None:
            self._transport.close()
            return
        for packet in packets:
            self._transport.write(packet)


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    server = Server()
    await server.start()
    yield server
    await server.stop()


@pytest.fixture
async def link(server: Server) -> AsyncIterator[ModbusLink]:
    link = ModbusLink(LinkSettings(host="127.0.0.1", port=server.port, timeout_s=5.0, reconnect_s_max=0.0))
    yield link
    await link.close()


@pytest.fixture
async def hasty(server: Server) -> AsyncIterator[ModbusLink]:
    """A link that waits 50 ms only, for servers that never answer."""
    link = ModbusLink(LinkSettings(host="127.0.0.1", port=server.port, timeout_s=0.05, reconnect_s_max=0.0))
    yield link
    await link.close()


async def test_registers_are_read_as_big_endian_bytes(link: ModbusLink) -> None:
    assert await link.read(1, 40_000, 3) == struct.pack(">3H", 40_000, 40_001, 40_002)
    assert len(await link.read(1, 0, 125)) == 250


async def test_a_write_sends_the_registers_by_function_16(server: Server, link: ModbusLink) -> None:
    await link.write(9, 100, b"\x12\x34\xff\xff")
    assert server.requests[-1][6:] == b"\x09\x10\x00\x64\x00\x02\x04\x12\x34\xff\xff"


async def test_one_connection_carries_one_request_at_a_time(server: Server, link: ModbusLink) -> None:
    async with asyncio.TaskGroup() as group:
        reads = [group.create_task(link.read(1, 10 * i, 2)) for i in range(8)]
    assert [int.from_bytes(read.result()[:2]) for read in reads] == [10 * i for i in range(8)]
    assert all(len(request) == 12 for request in server.requests), "no two requests in one segment"


MISBEHAVIOURS: dict[str, tuple[Behaviour, str]] = {
    "closes": (lambda _: None, "closed the connection instead of answering"),
    "is-no-modbus": (lambda _: [b"HTTP/1.1 400 Bad Request\r\n\r\n"], "not Modbus"),
    "gives-an-impossible-length": (replaced(4, 0xFF), "not Modbus"),
    "answers-another-transaction": (replaced(1, 0x77), "answered another question"),
    "answers-as-another-unit": (replaced(6, 2), "answered another question"),
    "answers-another-function": (replaced(7, 4), "function 4 instead of 3"),
    "counts-wrongly": (replaced(8, 3), "registers instead of 2"),
    "gives-too-few-registers": (
        lambda request: right(request[:10] + b"\x00\x01"), "1 registers instead of 2"
    ),
    "answers-twice": (lambda request: [b"".join(right(request) * 2)], "more than once"),
    "sends-a-long-exception": (exception(2, 0), "malformed exception"),
}  # fmt: skip


@pytest.mark.parametrize(("behaviour", "reason"), MISBEHAVIOURS.values(), ids=MISBEHAVIOURS)
async def test_a_wrong_answer_is_a_fault_at_once_and_the_next_request_works(
    server: Server, link: ModbusLink, behaviour: Behaviour, reason: str
) -> None:
    server.behave = behaviour
    with pytest.raises(DeviceFault, match=reason) as fault:
        await link.read(1, 7, 2)
    assert str(fault.value).startswith(f"127.0.0.1:{server.port} unit 1 ")
    server.behave = right
    assert await link.read(1, 7, 2) == b"\x00\x07\x00\x08"


@pytest.mark.parametrize(
    ("behaviour", "reason"),
    [
        (lambda _: [], "did not answer within 0.05 s"),
        (lambda request: [right(request)[0][:5]], "sent only 5 bytes of an answer"),
    ],
    ids=["says-nothing", "sends-half-a-frame"],
)
async def test_silence_is_a_fault_after_the_timeout_and_a_late_answer_is_never_taken(
    server: Server, hasty: ModbusLink, behaviour: Behaviour, reason: str
) -> None:
    server.behave = behaviour
    with pytest.raises(DeviceFault, match=reason):
        await hasty.read(1, 7, 2)
    assert len(server.requests) == 1, "a request is never repeated by itself"


async def test_an_answer_in_small_pieces_is_put_together(server: Server, link: ModbusLink) -> None:
    server.behave = lambda request: [right(request)[0][i : i + 1] for i in range(13)]
    assert await link.read(1, 7, 2) == b"\x00\x07\x00\x08"


@pytest.mark.parametrize(
    ("code", "reason"),
    [(2, "has no such register"), (3, "refuses this value"), (11, "gets no answer"), (99, "an error")],
)
async def test_an_exception_answer_is_a_refusal_and_keeps_the_connection(
    server: Server, link: ModbusLink, code: int, reason: str
) -> None:
    server.behave = exception(code)
    with pytest.raises(RegisterRefused, match=rf"{reason}.*register 7, Modbus exception {code}"):
        await link.write(1, 7, b"\x00\x01")
    server.behave = right
    await link.write(1, 7, b"\x00\x01")


async def test_a_write_that_is_acknowledged_wrongly_is_a_fault(server: Server, link: ModbusLink) -> None:
    server.behave = replaced(9, 8)
    with pytest.raises(DeviceFault, match="acknowledged another write"):
        await link.write(1, 7, b"\x00\x01")


async def test_a_device_that_restarts_is_reached_again(server: Server, link: ModbusLink) -> None:
    await link.read(1, 7, 2)
    await server.stop()
    with pytest.raises(DeviceFault):
        await link.read(1, 7, 2)
    with pytest.raises(DeviceFault, match="cannot be reached; check that the device is on"):
        await link.read(1, 7, 2)
    await server.start()
    assert await link.read(1, 7, 2) == b"\x00\x07\x00\x08"


async def test_a_dead_device_is_not_asked_again_before_a_pause(server: Server) -> None:
    await server.stop()
    link = ModbusLink(LinkSettings(host="127.0.0.1", port=server.port, reconnect_s_max=60.0))
    with pytest.raises(DeviceFault, match="cannot be reached; check"):
        await link.read(1, 7, 2)
    with pytest.raises(DeviceFault, match="the next attempt is in"):
        await link.read(1, 7, 2)
    await link.close()
    await link.close()
    await server.start()


async def test_a_cancelled_request_leaves_no_answer_behind(server: Server, link: ModbusLink) -> None:
    await link.read(1, 0, 1)
    asked = asyncio.Event()

    def swallow(_: bytes) -> list[bytes]:
        asked.set()
        return []

    server.behave = swallow
    async with asyncio.TaskGroup() as group:
        read = group.create_task(link.read(1, 7, 2))
        await asked.wait()
        read.cancel()
    assert read.cancelled()
    server.behave = right
    assert await link.read(1, 9, 1) == b"\x00\x09"


@pytest.mark.parametrize("count", [0, 126])
async def test_more_than_one_request_can_carry_is_a_programming_error(link: ModbusLink, count: int) -> None:
    with pytest.raises(ValueError, match="one read takes"):
        await link.read(1, 0, count)
    with pytest.raises(ValueError, match="one write takes"):
        await link.write(1, 0, bytes(2 * count))


REQUESTS = st.sampled_from(
    [
        struct.pack(">HHHBBHH", 5, 0, 6, 1, 3, 40_000, 2),
        struct.pack(">HHHBBHHBH", 5, 0, 9, 1, 16, 40_000, 1, 2, 77),
    ]
)


@given(request=REQUESTS, answer=st.binary(max_size=300))
def test_no_bytes_break_the_judge(request: bytes, answer: bytes) -> None:
    complaint = complaint_about(request, answer)
    assert complaint is None or complaint


@given(request=REQUESTS, cut=st.integers(0, 13))
def test_the_right_answer_is_never_complained_about_however_it_is_cut(request: bytes, cut: int) -> None:
    assert complaint_about(request, right(request)[0][:cut]) is None
