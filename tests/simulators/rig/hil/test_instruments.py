"""What the rig reads is the same, whatever model shows it."""

from typing import Any

import pytest

from simulators.bench.device import BenchDevice
from simulators.bench.settings import load
from simulators.rig.hil_bench.instruments import Reading, SunSpecInstruments
from simulators.rig.hil_bench.settings import SeparateMeter
from simulators.rig.hil_bench.station import open_meter
from simulators.rig.hil_bench.wire import Line, TcpLine
from simulators.rig.hil_simulated import NOON
from simulators.rig.virtual.virtual_time import run_virtual
from vpp_core.clock import VirtualClock

pytestmark = pytest.mark.hil


@pytest.mark.parametrize(
    "device",
    [
        pytest.param({"kind": "hybrid", "models": "7xx"}, id="701"),
        pytest.param({"kind": "hybrid", "models": "legacy"}, id="103"),
        pytest.param({"kind": "hybrid", "models": "float"}, id="113"),
        pytest.param({"kind": "meter", "load_w": -2_000.0}, id="203"),
        pytest.param({"kind": "meter", "models": [1, 213], "load_w": -2_000.0}, id="213"),
    ],
)
def test_injection_is_positive_and_the_power_factor_a_ratio(device: dict[str, Any]) -> None:
    async def main(clock: VirtualClock) -> Reading:
        bench = BenchDevice(load(None, device), clock)
        line = bench.line()

        async def dial() -> Line:
            return TcpLine(*await line.open())

        unit = await open_meter(SeparateMeter(source="meter", host="memory"), clock, dial)
        await clock.sleep(5.0)
        try:
            return await SunSpecInstruments(unit, 0.1).read()
        finally:
            unit.client.close()

    reading = run_virtual(main, NOON)
    power_w, factor = reading["power_w"], reading["power_factor"]
    assert power_w is not None
    assert factor is not None
    assert power_w > 1_000.0
    assert 0.9 <= abs(factor) <= 1.0
