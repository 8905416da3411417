"""``vpp-sim thermostat`` as a process: it registers, follows an event, logs, and stops when told."""

import asyncio
import csv
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from simulators.cli import main
from simulators.utility.events import EventBook
from simulators.utility.vtn import Vtn
from vpp_core.clock import Pace, PacedClock, monotonic_host_s
from vpp_core.interval import Interval

BEGIN = datetime(2026, 7, 1, 18, 0, tzinfo=UTC)
SPEED = 2_000.0
FAR_AWAY_S = 60.0
"""Real seconds after which a test gives up."""


@asynccontextmanager
async def process(*arguments: str) -> AsyncIterator[asyncio.subprocess.Process]:
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "simulators.cli",
        "thermostat",
        *arguments,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        yield child
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()


def rows(log: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(log.read_text(encoding="utf-8").splitlines()))


@pytest.mark.integration
async def test_a_process_takes_part_in_an_event_and_its_log_shows_it(tmp_path: Path) -> None:
    pace = Pace(BEGIN.timestamp(), monotonic_host_s(), SPEED)
    clock, book, log = PacedClock(lambda: pace, wake_s=0.01), EventBook(), tmp_path / "log.csv"
    vtn = Vtn(book, clock, vens={"house-1"})
    url = await vtn.start()
    arguments = ("--vtn", url, "--ven", "house-1", "--poll", "60", "--log", str(log), "--speed", f"{SPEED:g}")
    try:
        async with asyncio.timeout(FAR_AWAY_S):
            weather = ("--outdoor", "36", "--swing", "0", "--start", clock.now().isoformat())
            async with process(*arguments, *weather) as child:
                assert child.stdout is not None
                assert b"house-1" in await child.stdout.readline()
                begins = clock.now() + timedelta(hours=2)
                called = Interval(begins, begins + timedelta(hours=1))
                event = book.call("heat", "house-1", called, Decimal(9), clock.now())
                while len(rows(log)) < 20 or rows(log)[-1]["time"] < called.end.isoformat():
                    await clock.sleep(60.0)
                child.send_signal(signal.SIGTERM)
                _, errors = await child.communicate()
    finally:
        await vtn.stop()
    assert (child.returncode, event.opt) == (0, "optIn")
    assert b"Traceback" not in errors
    held = [row for row in rows(log) if row["event"] == "heat"]
    assert len(held) >= 10
    assert {row["opt"] for row in held} == {"optIn"}
    assert held[-1]["consumed_w"] == "5.0"
    assert float(held[-1]["inside_c"]) > float(held[0]["inside_c"])


def test_an_address_that_is_none_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["thermostat", "--vtn", "localhost:8080", "--ven", "x"]) == 2
    assert "--vtn localhost:8080 is not an address" in capsys.readouterr().err


def test_a_log_that_cannot_be_written_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    missing = tmp_path / "missing" / "log.csv"
    assert main(["thermostat", "--vtn", "http://127.0.0.1:9", "--ven", "x", "--log", str(missing)]) == 2
    assert "choose another file" in capsys.readouterr().err


def test_a_full_disk_ends_it_with_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["thermostat", "--vtn", "http://127.0.0.1:9", "--ven", "x", "--log", "/dev/full"]) == 2
    assert "Cannot write the log /dev/full (No space left on device)" in capsys.readouterr().err
