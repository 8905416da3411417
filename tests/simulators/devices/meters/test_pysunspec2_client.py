"""Named oracle: the unmodified client of pysunspec2 (SunSpec Alliance) scans and reads every meter model."""

import asyncio
from typing import Any

import pytest
from sunspec2.modbus.client import SunSpecModbusClientDeviceTCP

from simulators.devices.image import RegisterImage
from simulators.devices.meters.energy import Power
from simulators.devices.meters.sunspec import MODELS, meter_models
from simulators.devices.meters.unit import MeterUnit, MeterUnitConfig, Wiring, shared
from simulators.devices.wire.tcp import ModbusServer

pytestmark = pytest.mark.integration

HOUR_S = 3_600.0
COMMON = {"Mn": "Gridchorus Simulators", "Md": "Meter", "Vr": "1.0.0", "SN": "M-1"}


class Grid:
    def frequency_hz(self, at_s: float) -> float:
        del at_s
        return 49.98

    def voltage_pu(self, at_s: float) -> float:
        del at_s
        return 1.0


def read(port: int, number: int) -> tuple[list[int], Any]:
    """What a scan finds, and the meter model with fresh values; it blocks."""
    device = SunSpecModbusClientDeviceTCP(slave_id=1, ipaddr="127.0.0.1", ipport=port)
    device.scan()
    meter = device.models[number][0]
    meter.read()
    device.close()
    return [key for key in device.models if isinstance(key, int)], meter


@pytest.mark.parametrize(
    ("wiring", "number"),
    [
        pytest.param(wiring, number, id=f"model-{number}")
        for wiring, numbers in MODELS.items()
        for number in numbers
    ],
)
async def test_a_meter_that_imports(wiring: Wiring, number: int) -> None:
    config = MeterUnitConfig(wiring=wiring, step_s=1.0)
    share = 1.0 / config.phases

    def load(at_s: float) -> Power:
        del at_s
        return Power(-6_000.0, -1_500.0)

    unit = MeterUnit(config, shared(load, [share] * config.phases), Grid(), 0.0)
    image = RegisterImage(meter_models(unit, (1, number), COMMON), lambda: unit.advance(HOUR_S))
    server = ModbusServer({1: image}, "127.0.0.1", 0)
    port = await server.start()
    try:
        models, meter = await asyncio.to_thread(read, port, number)
    finally:
        await server.stop()
    assert models == [1, number]
    assert meter.W.cvalue == pytest.approx(6_000.0, abs=1.0)
    assert meter.VAR.cvalue == pytest.approx(1_500.0, abs=1.0)
    assert meter.WphA.cvalue == pytest.approx(6_000.0 * share, abs=1.0)
    assert meter.Hz.cvalue == pytest.approx(49.98, abs=1e-4)
    assert meter.TotWhImp.cvalue == pytest.approx(6_000.0, abs=1.0)
    assert meter.TotVArhImpQ1.cvalue == pytest.approx(1_500.0, abs=1.0)
    assert not meter.TotWhExp.cvalue
    factor = meter.PF.cvalue / (100.0 if number < 211 else 1.0)
    assert factor == pytest.approx(0.9701, abs=1e-4)
