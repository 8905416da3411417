"""What many homes in one process cost: its CPU time for each second of real time, idle and polled."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import sleep

import pytest

from tests.benchmarks.fleet_load import ANSWER_BYTES, REGISTERS
from tests.benchmarks.measuring import Comparison, Timing, paired
from tests.benchmarks.table import Table, shown_s

SLOW, FAST = 200, 20
SLOW_S, FAST_S = 1.0, 0.02
PERIODS_S = [SLOW_S] * SLOW + [FAST_S] * FAST
RATE_PER_S = SLOW / SLOW_S + FAST / FAST_S
ROUND_S, ROUNDS = 2.0, 5
LOAD = Path(__file__).with_name("fleet_load.py")
Process = subprocess.Popen[str]

pytestmark = pytest.mark.skipif(not Path("/proc/self/schedstat").exists(), reason="needs Linux's schedstat")


@contextmanager
def running(*arguments: str) -> Iterator[Process]:
    command = (sys.executable, *arguments)
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603
        try:
            yield process
        finally:
            process.kill()


@contextmanager
def fleet(folder: Path, *options: str) -> Iterator[tuple[Process, list[int]]]:
    """A running fleet, and the ports of its sites."""
    listed = folder / "fleet.json"
    sites = ("--sites", str(SLOW + FAST), "--list", str(listed))
    with running("-m", "simulators.cli", "fleet", *sites, *options) as process:
        said(process)
        yield process, [each["port"] for each in json.loads(listed.read_text(encoding="utf-8"))]


def said(process: Process) -> str:
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line
    return line


def cpu_s(process: Process) -> float:
    """CPU time of a process of one thread, to the nanosecond."""
    on_cpu_ns, *_ = Path(f"/proc/{process.pid}/schedstat").read_text(encoding="ascii").split()
    return int(on_cpu_ns) / 1e9


class Load:
    """Clients in a process of their own, and what they saw."""

    def __init__(self, process: Process) -> None:
        assert json.loads(said(process)) == "connected"
        self._process = process
        self.took_s: list[float] = []

    def cost_s(self, name: str, server: Process) -> float:
        """CPU seconds a second that the server took while its clients polled it."""
        assert self._process.stdin is not None
        before_s = cpu_s(server)
        self._process.stdin.write(f"{name} {ROUND_S}\n")
        self._process.stdin.flush()
        seen = json.loads(said(self._process))
        if name == "ours":
            self.took_s += seen["took_s"]
            assert len(seen["took_s"]) > 0.95 * RATE_PER_S * ROUND_S, "clients were not served at their rate"
            assert seen["least"] >= 1
        return (cpu_s(server) - before_s) / ROUND_S


@pytest.mark.parametrize(
    ("grid", "options"),
    [
        ("scripted grid", ()),
        ("swing equation and feeder, tick 50 ms", ("--grid", "swing", "--feeder", "--disturb", "5:30")),
    ],
    ids=["scripted-grid", "swing-and-feeder"],
)
def test_two_hundred_homes_at_1_hz_and_twenty_at_50_hz(
    tmp_path: Path, grid: str, options: tuple[str, ...], table: Table
) -> None:
    with (
        fleet(tmp_path, *options) as (server, ports),
        running(str(LOAD), "echo", str(len(ports)), str(ANSWER_BYTES)) as floor,
    ):
        task = tmp_path / "load.json"
        floor_ports = json.loads(said(floor))
        task.write_text(json.dumps({"ours": ports, "peer": floor_ports, "periods_s": PERIODS_S}))
        with running(str(LOAD), "poll", str(task)) as clients:
            load = Load(clients)
            rounds = [(load.cost_s("ours", server), load.cost_s("peer", floor)) for _ in range(ROUNDS + 1)]
    measured: Comparison = paired(rounds[1:])
    latency = Timing(tuple(load.took_s))
    group = table.group("The fleet in one process")
    group.add(
        f"CPU for each second: {SLOW} homes read at 1 Hz and {FAST} at 50 Hz, {grid}",
        measured,
        f"bare asyncio echo on as many ports, {ANSWER_BYTES} bytes down",
    )
    group.note(
        f"A client of the fleet on a {grid} waits {shown_s(latency.p50_s)} (p50), {shown_s(latency.p99_s)} "
        f"(p99) for its {REGISTERS} registers; {RATE_PER_S:,.0f} such reads a second in all."
    )
    assert measured.ours.p50_s < 1.0


def test_two_hundred_homes_that_nobody_asks(tmp_path: Path, table: Table) -> None:
    group = table.group("The fleet in one process")
    for grid, options in (
        ("scripted grid", ()),
        ("swing equation and feeder", ("--grid", "swing", "--feeder")),
    ):
        with fleet(tmp_path, *options) as (server, _):
            samples = []
            for _ in range(ROUNDS):
                before_s = cpu_s(server)
                sleep(ROUND_S)
                samples.append((cpu_s(server) - before_s) / ROUND_S)
        timing = Timing(tuple(samples))
        group.add_alone(f"CPU for each second: {SLOW + FAST} homes, idle, {grid}", timing)
        assert timing.p50_s < 1.0
