"""The lean link against servers that misbehave: late and foreign answers are dropped, silence is bounded."""

import asyncio
import struct
from collections.abc import AsyncIterator

import pytest

from edge_agent.devices.lean import LeanLink
from edge_agent.devices.link import LinkSettings, RegisterRefused
from tests.edge_agent.devices.misbehaving import Behaviour, Server, exception, replaced, right
from vpp_core.faults import DeviceFault


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    server = Server()
    await server.start()
    yield server
    await server.stop()


def settings(server: Server, timeout_s: float) -> LinkSettings:
    return LinkSettings(host="127.0.0.1", port=server.port, timeout_s=timeout_s, reconnect_s_max=0.0)


@pytest.fixture
async def link(server: Server) -> AsyncIterator[LeanLink]:
    link = LeanLink(settings(server, 5.0))
    yield link
    await link.close()


@pytest.fixture
async def hasty(server: Server) -> AsyncIterator[LeanLink]:
    """A link that waits 50 ms only."""
    link = LeanLink(settings(server, 0.05))
    yield link
    await link.close()


async def test_registers_are_read_and_written(server: Server, link: LeanLink) -> None:
    assert await link.read(1, 40_000, 3) == struct.pack(">3H", 40_000, 40_001, 40_002)
    assert len(await link.read(1, 0, 125)) == 250
    await link.write(9, 100, b"\x12\x34\xff\xff")
    assert server.requests[-1][6:] == b"\x09\x10\x00\x64\x00\x02\x04\x12\x34\xff\xff"


async def test_functions_4_and_6_are_there_where_they_are_wanted(server: Server, link: LeanLink) -> None:
    assert await link.read_input(1, 40_000, 2) == struct.pack(">2H", 40_000, 40_001)
    assert server.requests[-1][6:] == b"\x01\x04\x9c\x40\x00\x02"
    await link.write_one(9, 100, b"\x12\x34")
    assert server.requests[-1][6:] == b"\x09\x06\x00\x64\x12\x34"


async def test_one_connection_carries_one_request_at_a_time(server: Server, link: LeanLink) -> None:
    async with asyncio.TaskGroup() as group:
        reads = [group.create_task(link.read(1, 10 * i, 2)) for i in range(8)]
    assert [int.from_bytes(read.result()[:2]) for read in reads] == [10 * i for i in range(8)]
    assert all(len(request) == 12 for request in server.requests), "no two requests in one segment"
    assert len(server.transports) == 1


WRONG: dict[str, tuple[Behaviour, str]] = {
    "closes": (lambda _: None, "closed the connection instead of answering"),
    "is-no-modbus": (lambda _: [b"HTTP/1.1 400 Bad Request\r\n\r\n"], "not Modbus"),
    "gives-an-impossible-length": (replaced(4, 0xFF), "not Modbus"),
    "answers-as-another-unit": (replaced(6, 2), "answered another question, of unit 2"),
    "answers-another-function": (replaced(7, 4), "function 4 instead of 3"),
    "counts-wrongly": (replaced(8, 3), "registers instead of 2"),
    "gives-too-few-registers": (
        lambda request: right(request[:10] + b"\x00\x01"), "1 registers instead of 2"
    ),
    "sends-a-long-exception": (exception(2, 0), "malformed exception"),
}  # fmt: skip


@pytest.mark.parametrize(("behaviour", "reason"), WRONG.values(), ids=WRONG)
async def test_a_wrong_answer_is_a_fault_at_once_and_the_next_request_works(
    server: Server, link: LeanLink, behaviour: Behaviour, reason: str
) -> None:
    server.behave = behaviour
    with pytest.raises(DeviceFault, match=reason) as fault:
        await link.read(1, 7, 2)
    assert str(fault.value).startswith(f"127.0.0.1:{server.port} unit 1 ")
    server.behave = right
    assert await link.read(1, 7, 2) == b"\x00\x07\x00\x08"


@pytest.mark.parametrize(
    "behaviour",
    [
        pytest.param(lambda request: [right(request)[0] * 2], id="answers-twice"),
        pytest.param(lambda request: [b"\x7f" + right(request)[0][1:], *right(request)], id="stranger-first"),
        pytest.param(lambda request: [right(request)[0][i : i + 1] for i in range(13)], id="in-pieces"),
    ],
)
async def test_only_the_answer_with_the_requests_own_transaction_is_taken(
    server: Server, link: LeanLink, behaviour: Behaviour
) -> None:
    server.behave = behaviour
    assert await link.read(1, 7, 2) == b"\x00\x07\x00\x08"
    server.behave = right
    assert await link.read(1, 9, 2) == b"\x00\x09\x00\x0a"


async def test_an_answer_that_comes_late_is_dropped_and_the_connection_kept(
    server: Server, hasty: LeanLink
) -> None:
    server.behave = lambda _: []
    with pytest.raises(DeviceFault, match=r"did not answer within 0\.05 s"):
        await hasty.read(1, 7, 2)
    assert len(server.requests) == 1, "a request is never repeated by itself"
    late = right(server.requests[-1])
    server.behave = lambda request: [*late, *right(request)]
    assert await hasty.read(1, 9, 2) == b"\x00\x09\x00\x0a"
    assert len(server.transports) == 1


async def test_a_second_silence_in_a_row_ends_the_connection(server: Server, hasty: LeanLink) -> None:
    server.behave = lambda _: []
    for _ in range(2):
        with pytest.raises(DeviceFault, match="did not answer"):
            await hasty.read(1, 7, 2)
    server.behave = right
    assert await hasty.read(1, 9, 2) == b"\x00\x09\x00\x0a"
    assert len(server.transports) == 2


async def test_half_a_frame_ends_the_connection(server: Server, hasty: LeanLink) -> None:
    server.behave = lambda request: [right(request)[0][:5]]
    with pytest.raises(DeviceFault, match="sent only 5 bytes of an answer within"):
        await hasty.read(1, 7, 2)
    server.behave = right
    assert await hasty.read(1, 9, 2) == b"\x00\x09\x00\x0a"


async def test_an_exception_answer_is_a_refusal_and_keeps_the_connection(
    server: Server, link: LeanLink
) -> None:
    server.behave = exception(2)
    with pytest.raises(RegisterRefused, match=r"has no such register.*register 7, Modbus exception 2"):
        await link.write(1, 7, b"\x00\x01")
    server.behave = right
    await link.write(1, 7, b"\x00\x01")
    assert len(server.transports) == 1


async def test_a_device_that_restarts_is_reached_again(server: Server, link: LeanLink) -> None:
    await link.read(1, 7, 2)
    await server.stop()
    for _ in range(2):
        with pytest.raises(DeviceFault):
            await link.read(1, 7, 2)
    await server.start()
    assert await link.read(1, 7, 2) == b"\x00\x07\x00\x08"


async def test_a_dead_device_is_not_asked_again_before_a_pause(server: Server) -> None:
    await server.stop()
    link = LeanLink(LinkSettings(host="127.0.0.1", port=server.port, reconnect_s_max=60.0))
    with pytest.raises(DeviceFault, match="cannot be reached; check"):
        await link.read(1, 7, 2)
    with pytest.raises(DeviceFault, match="the next attempt is in"):
        await link.read(1, 7, 2)
    await link.close()
    await link.close()
    await server.start()


async def test_a_cancelled_request_leaves_no_answer_behind(server: Server, link: LeanLink) -> None:
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
async def test_more_than_one_request_can_carry_is_a_programming_error(link: LeanLink, count: int) -> None:
    with pytest.raises(ValueError, match="one read takes"):
        await link.read(1, 0, count)
    with pytest.raises(ValueError, match="one write takes"):
        await link.write(1, 0, bytes(2 * count))
