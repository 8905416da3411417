"""Named oracle: the unmodified client of pysunspec2 (SunSpec Alliance) scans, reads and writes a site."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest
from sunspec2.modbus.client import SunSpecModbusClientDeviceTCP

from simulators.devices.site import SimulatedSite
from simulators.fleet import make_fleet, make_site
from simulators.grid.script import GridScript
from vpp_core.clock import ManualClock

pytestmark = pytest.mark.integration


class Bench:
    def __init__(self, site: SimulatedSite, port: int, clock: ManualClock) -> None:
        self.site, self.port, self.clock = site, port, clock

    async def client(self, unit: int) -> Any:
        """A scanned device; the client blocks, so it lives in threads."""
        device = SunSpecModbusClientDeviceTCP(slave_id=unit, ipaddr="127.0.0.1", ipport=self.port)
        await asyncio.to_thread(device.scan)
        return device


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    clock = ManualClock(datetime(2021, 8, 12, 17, tzinfo=UTC))
    site = make_site(make_fleet(3, 1)[2], clock, GridScript(1))
    yield Bench(site, await site.start(), clock)
    await site.stop()


@pytest.mark.parametrize(
    ("unit", "models"),
    [
        pytest.param(1, [1, 701], id="grid-meter"),
        pytest.param(2, [1, 701, 702, 704, 713], id="battery"),
        pytest.param(3, [1, 701, 702, 704], id="pv-inverter"),
        pytest.param(4, [1, 701, 702, 704, 713], id="charging-station"),
    ],
)
async def test_a_scan_finds_the_models(bench: Bench, unit: int, models: list[int]) -> None:
    device = await bench.client(unit)
    assert [number for number in device.models if isinstance(number, int)] == models
    assert device.common[0].SN.value.startswith("site-03-")
    device.close()


async def test_measurements_are_read_with_their_scale_factors(bench: Bench) -> None:
    device = await bench.client(1)
    measured = device.DERMeasureAC[0]
    await asyncio.to_thread(measured.read)
    assert measured.W.cvalue == round(bench.site.power_w())
    assert measured.Hz.cvalue == pytest.approx(60.0, abs=0.020)
    assert measured.LNV.cvalue == pytest.approx(240.0, abs=1.6)
    assert measured.WL3.value is None
    device.close()


async def test_a_setpoint_is_written_and_acts(bench: Bench) -> None:
    device = await bench.client(2)
    controls = device.DERCtlAC[0]
    controls.WSet.cvalue = -2_000
    controls.WSetRvrtTms.cvalue = 30
    controls.WSetEna.cvalue = 1
    await asyncio.to_thread(controls.write)
    bench.clock.advance(5.0)
    await asyncio.to_thread(controls.read)
    assert (controls.WSet.cvalue, controls.WSetEna.cvalue, controls.WSetRvrtRem.cvalue) == (-2_000, 1, 25)
    assert bench.site.power_w("battery") == -2_000.0
    bench.clock.advance(25.0)
    await asyncio.to_thread(controls.read)
    assert controls.WSetEna.cvalue == 0
    device.close()


async def test_the_state_of_charge_is_read(bench: Bench) -> None:
    device = await bench.client(2)
    storage = device.DERStorageCapacity[0]
    await asyncio.to_thread(storage.read)
    assert storage.SoC.cvalue == pytest.approx(100.0 * bench.site.state_of_charge(), abs=0.006)
    device.close()
