"""How much faster than real simulated devices and procedures are, on virtual time in one process."""

import math
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from simulators.bench.device import BenchDevice
from simulators.bench.settings import load
from simulators.rig.hil import main
from tests.benchmarks.measuring import paired, timed
from tests.benchmarks.table import Table
from vpp_core.clock import ManualClock

EPOCH = datetime(2026, 6, 1, 12, tzinfo=UTC)
LOOK_S = 1.0
SIMULATED_S = 600.0
TIMES_REAL_MIN = 100.0
DROOP_S_MAX = 10.0


class RestlessGrid:
    """Frequency that moves at every step, so that no step may be passed by."""

    def frequency_hz(self, at_s: float) -> float:
        return 60.0 + 0.2 * math.sin(at_s)

    def voltage_pu(self, at_s: float) -> float:
        return 1.0 + 0.03 * math.sin(0.3 * at_s)


@pytest.mark.parametrize("grid", ["calm", "restless"])
def test_a_hybrid_outpaces_real_time(grid: str, table: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = ManualClock(EPOCH)
    enabled = {"enabled": True}
    functions = {"frequency_droop": enabled, "volt_var": enabled, "volt_watt": enabled}
    device = BenchDevice(load(None, {"kind": "hybrid", "inverter": {"functions": functions}}), clock)
    if grid == "restless":
        moving = RestlessGrid()
        monkeypatch.setattr(device.around, "frequency_hz", moving.frequency_hz)
        monkeypatch.setattr(device.around, "voltage_pu", moving.voltage_pu)

    def play() -> None:
        for _ in range(int(SIMULATED_S / LOOK_S)):
            clock.advance(LOOK_S)
            device.status()

    measured = paired([(timed(play), SIMULATED_S) for _ in range(3)])
    group = table.group("Simulated time")
    group.add(f"10 min of a hybrid with droop, volt-var and volt-watt, {grid} grid", measured, "real time")
    assert measured.ratio < 1.0 / TIMES_REAL_MIN


def test_a_droop_procedure_ends_in_seconds(table: Table, tmp_path: Path) -> None:
    run = ["run", "frequency-droop-above-nominal", "--simulated", "--out", str(tmp_path / "run")]
    took_s = timed(lambda: assert_passes(run))
    measured = paired([(took_s, 121.0)])
    group = table.group("Simulated time")
    group.add(
        "`vpp-hil run frequency-droop-above-nominal --simulated`, report included", measured, "its own time"
    )
    assert took_s < DROOP_S_MAX


def assert_passes(arguments: list[str]) -> None:
    assert main(arguments) == 0


def test_the_present_of_a_bench_device_is_the_clocks() -> None:
    """What is measured above really moves: ten simulated minutes of sun are counted."""
    clock = ManualClock(EPOCH)
    device = BenchDevice(load(None, {"kind": "pv"}), clock)
    clock.advance(timedelta(minutes=10).total_seconds())
    counted = device.status()["pv_wh"]
    assert isinstance(counted, float)
    assert counted > 1_000.0
