"""From registers to numbers, and across the wire."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from time import perf_counter
from typing import Any

import pytest
from sunspec2.device import Model

from edge_agent.devices.link import LinkSettings
from edge_agent.devices.modbus import ModbusLink
from edge_agent.devices.plan import plan_of
from simulators.devices.site import SimulatedSite
from simulators.fleet import make_fleet, make_site
from simulators.grid.script import GridScript
from tests.benchmarks.measuring import Timing, compare, compare_async
from tests.benchmarks.table import Table
from vpp_core.clock import ManualClock

MEASUREMENTS, REGISTERS, ADDRESS = 701, 155, 40_070
METER = 1
TICK_S = 0.020
REQUEST_BYTES, ANSWER_HEADER_BYTES = 12, 9


@pytest.fixture
def site() -> SimulatedSite:
    return make_site(make_fleet(3, 1)[2], ManualClock(datetime(2021, 8, 12, 17, tzinfo=UTC)), GridScript(1))


def test_decode_of_all_points_of_model_701(site: SimulatedSite, table: Table) -> None:
    registers = site.images[METER].read(ADDRESS, REGISTERS)
    plan = plan_of(MEASUREMENTS, REGISTERS)
    assert plan is not None
    model: Any = Model(MEASUREMENTS, data=registers)

    def pysunspec2() -> dict[str, Any]:
        model.set_mb(registers)
        values: dict[str, Any] = model.get_dict(computed=True)
        return values

    expected = pysunspec2()
    assert plan.decode_named(registers) == {name: expected[name] for name in plan.names}
    measured = compare(lambda: plan.decode(registers), pysunspec2, rounds=300, calls=20)
    table.group("Devices").add(
        f"decode all {len(plan.names)} points of model {MEASUREMENTS}",
        measured,
        "pysunspec2: `set_mb`, `get_dict(computed=True)`",
    )
    assert measured.ratio < 0.5


class Echo(asyncio.Protocol):
    """Answers each request with as many bytes as it is told: asyncio's own round trip, nothing decoded."""

    def __init__(self, answer: bytes) -> None:
        self._answer = answer
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        assert self._transport is not None
        assert len(data) == REQUEST_BYTES
        self._transport.write(self._answer)


class Caller(asyncio.Protocol):
    def __init__(self) -> None:
        self.transport: asyncio.Transport | None = None
        self._answered: asyncio.Future[bytes] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        assert self._answered is not None
        self._answered.set_result(data)

    async def call(self) -> bytes:
        assert self.transport is not None
        self._answered = asyncio.get_running_loop().create_future()
        self.transport.write(bytes(REQUEST_BYTES))
        return await self._answered


@pytest.fixture
async def port(site: SimulatedSite) -> AsyncIterator[int]:
    yield await site.start()
    await site.stop()


@pytest.mark.parametrize("count", [2, 100])
async def test_a_read_over_modbus_tcp(port: int, count: int, table: Table) -> None:
    loop = asyncio.get_running_loop()
    answer_bytes = ANSWER_HEADER_BYTES + 2 * count
    server = await loop.create_server(lambda: Echo(bytes(answer_bytes)), "127.0.0.1", 0)
    _, caller = await loop.create_connection(Caller, *server.sockets[0].getsockname())
    link = ModbusLink(LinkSettings(host="127.0.0.1", port=port))
    try:
        assert len(await link.read(METER, ADDRESS, count)) == 2 * count
        assert len(await caller.call()) == answer_bytes
        measured = await compare_async(lambda: link.read(METER, ADDRESS, count), caller.call, rounds=2_000)
    finally:
        await link.close()
        assert caller.transport is not None
        caller.transport.close()
        server.close()
        await server.wait_closed()
    table.group("Devices").add(
        f"read {count} registers (`ModbusLink`, simulated meter)",
        measured,
        f"bare asyncio echo, {REQUEST_BYTES} bytes up, {answer_bytes} down",
    )
    assert measured.ratio < 40.0


async def test_the_lateness_of_a_bare_tick(table: Table) -> None:
    late_s = []
    due_s = perf_counter()
    for _ in range(250):
        due_s = max(due_s, perf_counter()) + TICK_S
        await asyncio.sleep(due_s - perf_counter())
        late_s.append(max(perf_counter() - due_s, 0.0))
    group = table.group("Devices")
    group.add_alone(f"lateness of a bare asyncio tick of {1_000 * TICK_S:.0f} ms", Timing(tuple(late_s)))
    group.note(
        "Server and client of both round trips share one process and one loop, so each figure holds both "
        "sides; the tick's lateness is what the machine adds to anything periodic."
    )
