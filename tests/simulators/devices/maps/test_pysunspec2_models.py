"""Named oracle: the unmodified client of pysunspec2 scans, reads and writes every model of an inverter."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from sunspec2.modbus.client import SunSpecModbusClientDeviceTCP

from simulators.devices.inverter.nameplate import Kind
from simulators.devices.maps import models_of
from simulators.devices.wire.tcp import ModbusServer
from tests.simulators.devices.maps.unit_bench import UnitBench, plate

pytestmark = pytest.mark.integration

Connect = Callable[[UnitBench], Any]


@pytest.fixture
async def connect() -> AsyncIterator[Connect]:
    servers, devices = [], []

    async def scan(bench: UnitBench) -> Any:
        server = ModbusServer({1: bench.image})
        servers.append(server)
        port = await server.start()
        device = SunSpecModbusClientDeviceTCP(slave_id=1, ipaddr="127.0.0.1", ipport=port)
        devices.append(device)
        await asyncio.to_thread(device.scan)
        return device

    yield scan
    for device in devices:
        device.close()
    for server in servers:
        await server.stop()


@pytest.mark.parametrize("base", [40_000, 0, 50_000])
@pytest.mark.parametrize("name", ["7xx", "legacy", "float", "both"])
async def test_a_scan_finds_every_model_without_error(connect: Connect, name: str, base: int) -> None:
    numbers = models_of(name, plate())
    device = await connect(UnitBench(numbers=numbers, base=base))
    found = [number for number in device.models if isinstance(number, int)]
    assert found == list(numbers)
    assert device.base_addr == base
    assert [device.models[number][0].error_info for number in found] == [""] * len(found)


@pytest.mark.parametrize(
    ("kind", "phases"), [(Kind.PV, 1), (Kind.PV, 3), (Kind.BATTERY, 1), (Kind.BATTERY, 3), (Kind.HYBRID, 1)]
)
async def test_every_kind_is_scanned_without_error(connect: Connect, kind: Kind, phases: int) -> None:
    nameplate = plate(kind, phases=phases)
    device = await connect(UnitBench(nameplate))
    found = [number for number in device.models if isinstance(number, int)]
    assert found == list(models_of("both", nameplate))
    assert not any(device.models[number][0].error_info for number in found)


async def test_it_reads_what_we_say(connect: Connect) -> None:
    """Every number of every model, as their decoder and ours understand it."""
    bench = UnitBench()
    bench.write(704, WSet=4_321, WSetEna=1)
    bench.wait(60.0)
    device = await connect(bench)
    compared = 0
    for number in bench.numbers:
        group = device.models[number][0]
        await asyncio.to_thread(group.read)
        for name, point in bench.image.plan(number).points.items():
            theirs = walk(group, name)
            ours = bench.read(number, name)
            if point.kind in {"pad", "sunssf"} or (point.kind.startswith("acc") and ours is None):
                continue
            value = theirs.cvalue if point.scale_factor else theirs.value
            assert value == (pytest.approx(ours) if isinstance(ours, float) else ours), (number, name)
            compared += 1
    assert compared > 600


@pytest.mark.parametrize(
    ("number", "name", "value"),
    [
        (702, "WMax", 9_000),
        (703, "ESDlyTms", 30),
        (704, "WMaxLimPct", 55.5),
        (704, "PFWInj.PF", 0.97),
        (705, "Crv[2].Pt[3].Var", -12.5),
        (706, "Crv[3].RspTms", 4.5),
        (711, "Ctl[2].KOf", 0.031),
        (712, "Crv[2].Pt[1].W", -80),
        (715, "ControllerHb", 7),
        (802, "CtrlHb", 7),
        (121, "WMax", 9_000),
        (123, "WMaxLimPct", 55.5),
        (123, "OutPFSet", -0.97),
        (124, "InWRte", -25),
    ],
)
async def test_it_writes_and_reads_back(connect: Connect, number: int, name: str, value: float) -> None:
    bench = UnitBench()
    device = await connect(bench)
    group = device.models[number][0]
    point = walk(group, name)
    point.cvalue = value
    await asyncio.to_thread(group.write)
    await asyncio.to_thread(group.read)
    assert walk(group, name).cvalue == pytest.approx(value)
    assert bench.number(number, name) == pytest.approx(value)


async def test_a_command_acts_and_reverts_by_its_timer(connect: Connect) -> None:
    bench = UnitBench()
    device = await connect(bench)
    controls = device.DERCtlAC[0]
    controls.WSet.cvalue = -2_000
    controls.WSetRvrtTms.cvalue = 30
    controls.WSetEna.cvalue = 1
    await asyncio.to_thread(controls.write)
    bench.wait(20.0)
    await asyncio.to_thread(controls.read)
    await asyncio.to_thread(device.DERMeasureAC[0].read)
    assert (controls.WSetEna.value, controls.WSetRvrtRem.value) == (1, 10)
    assert device.DERMeasureAC[0].W.cvalue == -2_000
    bench.wait(10.1)
    await asyncio.to_thread(controls.read)
    assert controls.WSetEna.value == 0


async def test_a_curve_is_adopted(connect: Connect) -> None:
    bench = UnitBench()
    device = await connect(bench)
    droop = device.DERFreqDroop[0]
    droop.Ctl[1].KOf.cvalue = 0.03
    droop.Ctl[1].DbOf.cvalue = 0.05
    await asyncio.to_thread(droop.write)
    droop.AdptCtlReq.value = 2
    await asyncio.to_thread(droop.write)
    bench.wait(1.0)
    await asyncio.to_thread(droop.read)
    assert droop.AdptCtlRslt.value == 1
    assert (droop.Ctl[0].KOf.cvalue, droop.Ctl[0].DbOf.cvalue) == (pytest.approx(0.03), pytest.approx(0.05))


def walk(group: Any, name: str) -> Any:
    """A point of theirs by a name of ours (``Crv[2].Pt[1].V``)."""
    for part in name.split("."):
        word, _, index = part.rstrip("]").partition("[")
        group = getattr(group, word)
        group = group[int(index) - 1] if index else group
    return group
