"""The wire to a device, and the way of a frequency step through the running agent."""

import asyncio
import random
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from time import perf_counter

import pytest

from edge_agent.app import run_site
from edge_agent.devices.connections import Connections
from edge_agent.devices.lean import LeanLink
from edge_agent.devices.link import LinkSettings
from edge_agent.devices.links import open_link
from edge_agent.devices.modbus import ModbusLink
from edge_agent.settings import ControlSettings, DeviceSettings, OutboxSettings, SiteSettings
from simulators.data.house_load import HouseLoad
from simulators.data.pv_profile import PvProfile
from simulators.devices.image import RegisterImage
from simulators.devices.site import UNITS, SimulatedSite, SiteConfig
from simulators.devices.wire.tcp import ModbusServer
from simulators.rig.virtual.memory import MemoryBroker, MemoryTransport
from tests.benchmarks.measuring import AsyncWork, Timing, compare_async
from tests.benchmarks.table import Row, Table
from tests.benchmarks.test_devices import ANSWER_HEADER_BYTES, REQUEST_BYTES, Caller, Echo
from vpp_core.clock import SystemClock
from vpp_core.der import DerKind

ADDRESS, METER, BATTERY = 40_070, UNITS["meter"], UNITS["battery"]
TICK_S, NOMINAL_HZ = 0.020, 60.0
EVENTS = 200
ROUNDS = 2_000
GROUP = "Links"


class StepGrid:
    """A grid whose frequency is what it is told."""

    def __init__(self) -> None:
        self.now_hz = NOMINAL_HZ

    def frequency_hz(self, at_s: float) -> float:
        del at_s
        return self.now_hz

    def voltage_v(self, at_s: float) -> float:
        del at_s
        return 240.0


class Landing:
    """A battery's registers that tell when a setpoint lands in them."""

    def __init__(self, image: RegisterImage) -> None:
        self._image = image
        self._setpoint, _ = image.locate(704, "WSet")
        self.landed: asyncio.Future[float] | None = None

    def respond(self, pdu: bytes) -> bytes:
        answer = self._image.respond(pdu)
        if answer[0] == 16:
            first, count = int.from_bytes(pdu[1:3]), int.from_bytes(pdu[3:5])
            landed = first <= self._setpoint < first + count
            if landed and self.landed is not None and not self.landed.done():
                self.landed.set_result(perf_counter())
        return answer


@pytest.fixture
def grid() -> StepGrid:
    return StepGrid()


@pytest.fixture
def site(grid: StepGrid) -> SimulatedSite:
    return SimulatedSite(
        SiteConfig(site_id="site-01"), SystemClock(), grid, HouseLoad(0), PvProfile([0.0, 1.0], [0.0, 0.0])
    )


@asynccontextmanager
async def echo(answer_bytes: int) -> AsyncIterator[AsyncWork]:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Echo(bytes(answer_bytes)), "127.0.0.1", 0)
    _, caller = await loop.create_connection(Caller, *server.sockets[0].getsockname())
    yield caller.call
    assert caller.transport is not None
    caller.transport.close()
    server.close()
    await server.wait_closed()


@pytest.mark.parametrize("count", [2, 100])
async def test_a_lean_read_beside_pymodbus_and_a_bare_echo(
    site: SimulatedSite, count: int, table: Table
) -> None:
    where = LinkSettings(host="127.0.0.1", port=await site.start())
    lean, pymodbus = LeanLink(where), ModbusLink(where)
    try:
        assert await lean.read(METER, ADDRESS, count) == await pymodbus.read(METER, ADDRESS, count)
        beside = await compare_async(
            lambda: lean.read(METER, ADDRESS, count),
            lambda: pymodbus.read(METER, ADDRESS, count),
            rounds=ROUNDS,
        )
        async with echo(ANSWER_HEADER_BYTES + 2 * count) as floor:
            above = await compare_async(lambda: lean.read(METER, ADDRESS, count), floor, rounds=ROUNDS)
    finally:
        await lean.close()
        await pymodbus.close()
        await site.stop()
    group = table.group(GROUP)
    group.add(f"read {count} registers (`LeanLink`, simulated meter)", beside, "`ModbusLink` (pymodbus)")
    peer = f"bare asyncio echo, {REQUEST_BYTES} bytes up, {ANSWER_HEADER_BYTES + 2 * count} down"
    group.add("the same", above, peer)
    assert beside.ratio < 0.9


async def test_what_the_owner_of_a_connection_adds(site: SimulatedSite, table: Table) -> None:
    where = LinkSettings(host="127.0.0.1", port=await site.start(), lean=True)
    alone = open_link(where)
    try:
        async with Connections(open_link, [where]) as connections:
            shared = connections.share(where)
            measured = await compare_async(
                lambda: shared.read(METER, ADDRESS, 2), lambda: alone.read(METER, ADDRESS, 2), rounds=ROUNDS
            )
    finally:
        await alone.close()
        await site.stop()
    table.group(GROUP).add(
        "read 2 registers through the owner of a shared connection", measured, "`LeanLink` alone"
    )
    assert measured.ratio < 2.5


@pytest.mark.parametrize("lean", [pytest.param(False, id="pymodbus"), pytest.param(True, id="lean")])
async def test_a_frequency_step_to_the_setpoint_that_landed(
    site: SimulatedSite,
    grid: StepGrid,
    tmp_path: Path,
    table: Table,
    lean: bool,  # noqa: FBT001
) -> None:
    bare = await lateness()
    battery = Landing(site.images[BATTERY])
    meter_server, battery_server = ModbusServer({METER: site.images[METER]}), ModbusServer({BATTERY: battery})
    ports = {"meter": await meter_server.start(), "battery": await battery_server.start()}
    clock = SystemClock()
    try:
        async with asyncio.TaskGroup() as tasks:
            agent = tasks.create_task(
                run_site(
                    settings(tmp_path, ports, lean=lean),
                    clock=clock,
                    transport=MemoryTransport(MemoryBroker(clock), "gateway-01"),
                    open_link=open_link,
                )
            )
            reactions = await react(grid, battery, clock)
            agent.cancel()
    finally:
        await meter_server.stop()
        await battery_server.stop()
    group = table.group(GROUP)
    what = f"frequency step to landed setpoint, {1_000 * TICK_S:.0f} ms poll, running agent"
    peer = "lateness of a bare asyncio tick, before it"
    group.rows.append(Row(f"{what} ({'lean' if lean else 'pymodbus'})", reactions, peer, bare))
    note = (
        "A frequency step waits for the next poll, half a period in the median; meter, battery and agent "
        "share one process and one loop. Bars (E1): p50 13 ms, p99 25 ms."
    )
    if note not in group.notes:
        group.note(note)
    assert reactions.p50_s < TICK_S


def settings(folder: Path, ports: Mapping[str, int], *, lean: bool) -> SiteSettings:
    return SiteSettings(
        site_id="site-01",
        gateway_id="gateway-01",
        state_dir=folder,
        outbox=OutboxSettings(durability="off"),
        control=ControlSettings(fast_s=TICK_S, commissioning_timer_s=1.0),
        device=tuple(
            DeviceSettings(
                name=name, kind=DerKind(name), host="127.0.0.1", port=port, unit=UNITS[name], lean=lean
            )
            for name, port in ports.items()
        ),
    )


async def react(grid: StepGrid, battery: Landing, clock: SystemClock) -> Timing:
    """Steps at random phases of the poll; the first lets the agent be started and commissioned."""
    chance, reactions_s = random.Random(4), []
    for event in range(EVENTS + 1):
        if event == 0:
            await settled(grid, battery)
        await clock.sleep(0.05 + chance.uniform(0.0, TICK_S))
        battery.landed = asyncio.get_running_loop().create_future()
        grid.now_hz = NOMINAL_HZ - (0.3 if event % 2 else 0.2)
        began_s = perf_counter()
        async with asyncio.timeout(5.0):
            reactions_s.append(await battery.landed - began_s)
    return Timing(tuple(reactions_s[1:]))


async def settled(grid: StepGrid, battery: Landing) -> None:
    """The agent answers a dip of its own accord: it is at work."""
    grid.now_hz = NOMINAL_HZ - 0.25
    async with asyncio.timeout(60.0):
        for _ in range(2):
            battery.landed = asyncio.get_running_loop().create_future()
            await battery.landed


async def lateness() -> Timing:
    late_s = []
    due_s = perf_counter()
    for _ in range(250):
        due_s = max(due_s, perf_counter()) + TICK_S
        await asyncio.sleep(due_s - perf_counter())
        late_s.append(max(perf_counter() - due_s, 0.0))
    return Timing(tuple(late_s))
