"""Faults of the line, as a client meets them: the real connection in memory, on virtual time."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import wraps
from typing import Any

import pytest

from simulators.devices.faults.faults import Faults
from simulators.devices.wire.memory import MemoryLine
from simulators.devices.wire.tcp import ModbusServer
from simulators.rig.virtual.virtual_time import run_virtual
from tests.simulators.devices.wire.recording import (
    Recorder,
    crc,
    frame,
    read,
    read_answer,
    sealed,
    write_one,
)
from vpp_core.clock import VirtualClock

EPOCH = datetime(2026, 7, 1, tzinfo=UTC)
READ, ANSWER = read(1_000, 8), read_answer(1_000, 8)
PATIENCE_S = 1.0


class Client:
    """Asks, waits a second, and says what came."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer
        self.transaction = 0

    async def ask(self, pdu: bytes = READ) -> bytes | None:
        """The whole frame that comes within a second; nothing where none does."""
        self.transaction += 1
        self.writer.write(frame(self.transaction, 1, pdu))
        return await self.hear()

    async def hear(self) -> bytes | None:
        try:
            async with asyncio.timeout(PATIENCE_S):
                head = await self.reader.readexactly(6)
                return head + await self.reader.readexactly(head[5])
        except TimeoutError:
            return None

    @property
    def right(self) -> bytes:
        return frame(self.transaction, 1, ANSWER)


class World:
    """One device on one line, with its faults, and virtual time."""

    def __init__(self, clock: VirtualClock, seed: int, *, rtu: bool) -> None:
        self.unit = Recorder()
        self.faults = Faults(seed, clock=clock)
        self.line = MemoryLine({1: self.unit}, faults=self.faults, rtu=rtu)

    @asynccontextmanager
    async def client(self) -> AsyncIterator[Client]:
        reader, writer = await self.line.open()
        yield Client(reader, writer)
        writer.close()


def virtual(
    test: Callable[[World], Awaitable[Any]], seed: int = 3, *, rtu: bool = False
) -> Callable[[], None]:
    @wraps(test, assigned=("__name__", "__doc__", "__module__"), updated=())
    def run() -> None:
        async def main(clock: VirtualClock) -> None:
            await test(World(clock, seed, rtu=rtu))

        run_virtual(main, EPOCH)

    del run.__wrapped__
    return run


def now_s() -> float:
    return asyncio.get_running_loop().time()


@virtual
async def test_a_delay_lengthens_every_round_trip(world: World) -> None:
    world.faults.raise_("delay", {"delay_s": 0.4, "jitter_s": 0.2})
    async with world.client() as client:
        for _ in range(20):
            asked_s = now_s()
            assert await client.ask() == client.right
            assert 0.4 <= now_s() - asked_s <= 0.6 + 1e-5
        world.faults.clear("delay")
        asked_s = now_s()
        assert await client.ask() == client.right
        assert now_s() == asked_s


@virtual
async def test_a_lost_request_is_not_carried_out(world: World) -> None:
    world.faults.raise_("loss", {"share": 1.0})
    async with world.client() as client:
        assert await client.ask(write_one(1_100, 1)) is None
        assert world.unit.writes == []
        world.faults.clear("loss")
        assert await client.ask() == client.right


@virtual
async def test_a_lost_answer_hides_a_write_that_was_done(world: World) -> None:
    world.faults.raise_("loss", {"share": 1.0, "of": "answer"})
    async with world.client() as client:
        assert await client.ask(write_one(1_100, 1)) is None
        assert world.unit.writes == [(1_100, b"\x00\x01")]


@virtual
async def test_a_share_of_the_requests_is_lost(world: World) -> None:
    world.faults.raise_("loss", {"share": 0.25})
    async with world.client() as client:
        lost = [await client.ask() is None for _ in range(1_000)]
    assert 200 <= sum(lost) <= 300


@virtual
async def test_half_open_connections_stay_dead_and_new_ones_answer_again(world: World) -> None:
    async with world.client() as client:
        assert await client.ask() == client.right
        world.faults.raise_("half-open")
        assert await client.ask() is None
        async with world.client() as other:
            assert await other.ask(write_one(1_100, 1)) is None
            world.faults.clear("half-open")
            assert await other.ask() is None
        assert await client.ask() is None
        assert not client.reader.at_eof()
    async with world.client() as again:
        assert await again.ask() == again.right
    assert world.unit.writes == []


@virtual
async def test_a_refusal_spares_who_is_connected(world: World) -> None:
    async with world.client() as client:
        world.faults.raise_("refused")
        with pytest.raises(ConnectionRefusedError):
            await world.line.open()
        assert await client.ask() == client.right
        world.faults.clear("refused")
    async with world.client() as client:
        assert await client.ask() == client.right


@virtual
async def test_a_late_answer_meets_the_next_request(world: World) -> None:
    world.faults.raise_("late-answer", {"late_s": 1.5, "every": 3})
    async with world.client() as client:
        for _ in range(2):
            assert await client.ask() == client.right
        late = frame(3, 1, ANSWER)
        assert await client.ask() is None
        assert await client.ask() == late
        assert await client.hear() == client.right
        assert await client.ask() == client.right


@virtual
async def test_a_wrong_transaction_id_comes_with_the_right_data(world: World) -> None:
    world.faults.raise_("wrong-transaction", {"share": 1.0, "shift": 256})
    async with world.client() as client:
        assert await client.ask() == frame(1 + 256, 1, ANSWER)


@virtual
async def test_corruption_turns_one_bit_of_the_data_and_nothing_else(world: World) -> None:
    world.faults.raise_("corrupted", {"share": 1.0})
    async with world.client() as client:
        turned = set()
        for _ in range(200):
            answer = await client.ask()
            assert answer is not None
            difference = int.from_bytes(answer) ^ int.from_bytes(client.right)
            assert difference.bit_count() == 1
            assert difference.bit_length() <= 8 * 16
            turned.add(difference)
    assert len(turned) > 64


@virtual
async def test_corruption_spares_answers_without_data_of_their_own(world: World) -> None:
    """An exception's code is data too; its function code stays."""
    world.faults.raise_("corrupted", {"share": 1.0})
    async with world.client() as client:
        answer = await client.ask(read(1, 1))
    assert answer is not None
    assert answer[:8] == frame(1, 1, b"\x83\x02")[:8]
    assert answer[8] != 2


@virtual
async def test_a_fault_ends_by_itself_without_anybody_asking(world: World) -> None:
    world.faults.raise_("refused", for_s=30.0)
    await asyncio.sleep(29.9)
    assert world.faults.refuses
    await asyncio.sleep(0.2)
    assert not world.faults.refuses


@virtual
async def test_faults_add_up(world: World) -> None:
    world.faults.raise_("delay", {"delay_s": 0.5})
    world.faults.raise_("wrong-transaction", {"share": 1.0})
    async with world.client() as client:
        asked_s = now_s()
        assert await client.ask() == frame(2, 1, ANSWER)
        assert now_s() - asked_s == pytest.approx(0.5)


def history(seed: int) -> list[tuple[float, bytes | None]]:
    """What a client meets in 60 requests of a thoroughly bad day."""
    met: list[tuple[float, bytes | None]] = []

    async def test(world: World) -> None:
        for name, parameters in (
            ("delay", {"delay_s": 0.1, "jitter_s": 0.3}),
            ("loss", {"share": 0.2}),
            ("corrupted", {"share": 0.3, "bits": 3}),
            ("wrong-transaction", {"share": 0.2}),
        ):
            world.faults.raise_(name, parameters)
        async with world.client() as client:
            for _ in range(60):
                answer = await client.ask()
                met.append((now_s(), answer))

    virtual(test, seed)()
    return met


def test_the_same_seed_gives_the_same_run_and_another_one_another() -> None:
    assert history(11) == history(11) != history(12)


class TestSerialLine:
    """The same faults where there are no connections and no transactions, but a CRC."""

    @staticmethod
    async def ask(client: Client, count: int) -> bytes | None:
        client.writer.write(sealed(1, READ))
        try:
            async with asyncio.timeout(PATIENCE_S):
                return await client.reader.readexactly(count)
        except TimeoutError:
            return None

    def test_corruption_breaks_the_crc(self) -> None:
        async def test(world: World) -> None:
            world.faults.raise_("corrupted", {"share": 1.0})
            async with world.client() as client:
                answer = await self.ask(client, 21)
                assert answer is not None
                assert crc(answer) != 0

        virtual(test, rtu=True)()

    def test_another_unit_answers_where_tcp_has_another_transaction(self) -> None:
        async def test(world: World) -> None:
            world.faults.raise_("wrong-transaction", {"share": 1.0})
            async with world.client() as client:
                assert await self.ask(client, 21) == sealed(2, ANSWER)

        virtual(test, rtu=True)()

    @pytest.mark.parametrize("name", ["half-open", "refused"])
    def test_the_line_is_silent_while_it_lasts(self, name: str) -> None:
        async def test(world: World) -> None:
            async with world.client() as client:
                world.faults.raise_(name)
                assert await self.ask(client, 21) is None
                world.faults.clear(name)
                assert await self.ask(client, 21) == sealed(1, ANSWER)

        virtual(test, rtu=True)()


async def test_a_refusal_is_one_on_a_real_socket_too() -> None:
    faults = Faults()
    server = ModbusServer({1: Recorder()}, faults=faults)
    port = await server.start()
    faults.raise_("refused")
    for _ in range(20):
        await asyncio.sleep(0)
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", port)
    faults.clear("refused")
    for _ in range(20):
        await asyncio.sleep(0)
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    client = Client(reader, writer)
    assert await client.ask() == client.right
    writer.close()
    await server.stop()
    faults.close()
