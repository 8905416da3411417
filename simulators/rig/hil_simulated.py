"""Targets that are built in, on simulated time in one process: hours of a test in seconds."""

import contextlib
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from simulators.bench.device import BenchDevice
from simulators.bench.settings import load
from simulators.devices.control_port import ControlDesk
from simulators.rig.hil_bench.grid_source import BenchGridSource
from simulators.rig.hil_bench.settings import DeviceTarget, HilSettings, OwnInstruments
from simulators.rig.hil_bench.station import Station, open_device
from simulators.rig.hil_bench.wire import Line, TcpLine
from simulators.rig.hil_run import Order, run_station
from simulators.rig.virtual.virtual_time import run_virtual
from vpp_core.clock import VirtualClock

NOON = datetime(2021, 6, 21, 17, tzinfo=UTC)
DEVICE: Mapping[str, Any] = {
    "kind": "hybrid",
    "models": "7xx",
    "inverter": {"refresh_s": 0.02, "nameplate": {"frequency_nominal_hz": 60.0}},
    "sun": {"power_pu": 0.5},
}
"""A hybrid with the 7xx models, and instruments as fast as a PCS has them."""
LATENCY_S = 0.002
CLOCK = "simulated, in one process"

Disturb = Callable[[BenchDevice], None]


def simulated_settings(**target: Any) -> HilSettings:  # noqa: ANN401
    """What the rig has to know of the built-in device."""
    return HilSettings(
        target=DeviceTarget(host="simulated", **target), measure=OwnInstruments(refresh_s=0.02)
    )


def run_on_bench(
    order: Order, disturb: Disturb | None = None, device: Mapping[str, Any] = DEVICE
) -> BenchDevice:
    """Run an order against a simulated device, and give the device back for questions.

    Args:
        order: what to run.
        disturb: does something to the device when procedures begin; raises its faults, say.
        device: settings of ``vpp-sim device``.
    """

    async def main(clock: VirtualClock) -> BenchDevice:
        bench = BenchDevice(load(None, device), clock)
        ready = order.ready if disturb is None else lambda: disturb(bench)
        try:
            async with bench_station(bench, order.settings, clock) as station:
                await run_station(replace(order, ready=ready), station)
        finally:
            bench.faults.close()
        return bench

    return run_virtual(main, NOON)


@contextlib.asynccontextmanager
async def bench_station(
    bench: BenchDevice, settings: HilSettings, clock: VirtualClock
) -> AsyncIterator[Station]:
    """A station with a simulated device in this process; must run on a virtual-time loop."""
    line = bench.line(LATENCY_S)
    desk = ControlDesk(bench.controls)

    async def dial() -> Line:
        return TcpLine(*await line.open())

    async def tell(told: dict[str, object]) -> dict[str, object]:
        return desk.tell(told)

    source = BenchGridSource(tell, "a simulated grid in the same process")
    async with open_device(
        settings, clock, dial=dial, source=source, name="simulated hybrid", clock_name=CLOCK
    ) as station:
        yield station
