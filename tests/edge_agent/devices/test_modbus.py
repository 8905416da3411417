"""The link against servers that misbehave: one clear fault each, and the next request works."""

import asyncio
import struct
from collections.abc import AsyncIterator

import pytest

from edge_agent.devices.link import LinkSettings, RegisterRefused
from edge_agent.devices.modbus import ModbusLink
from tests.edge_agent.devices.misbehaving import Behaviour, Server, exception, replaced, right
from vpp_core.faults import DeviceFault


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


async def test_functions_4_and_6_are_there_where_they_are_wanted(server: Server, link: ModbusLink) -> None:
    assert await link.read_input(1, 40_000, 2) == struct.pack(">2H", 40_000, 40_001)
    assert server.requests[-1][6:] == b"\x01\x04\x9c\x40\x00\x02"
    await link.write_one(9, 100, b"\x12\x34")
    assert server.requests[-1][6:] == b"\x09\x06\x00\x64\x12\x34"


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
