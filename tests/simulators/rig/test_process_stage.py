"""The world of processes: real protocols on loopback, gateways that die and come back."""

from collections.abc import Awaitable, Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from simulators.rig.scenario.stage import Options, Stage
from simulators.rig.scenario.timetable import Timetable
from simulators.rig.world.process_stage import ProcessStage, process_stage

DAY = date(2021, 8, 12)
VICTIM = "site-03"
SITES = ("site-01", "site-02", VICTIM, "site-04")
LOOKS_MAX = 200

pytestmark = [pytest.mark.integration, pytest.mark.slow]


async def test_gateways_enroll_die_and_come_back(tmp_path: Path) -> None:
    options = Options(sites=4, speed=1_000.0, seed=3, day=DAY, out=tmp_path)
    async with process_stage(options, alone=[VICTIM]) as stage:
        world: Stage = stage
        opens = Timetable(DAY).opens
        assert world.clock.now() == opens, "time stands still while the world comes up"
        assert "127.0.0.1" in world.broker

        codes = {
            site_id: await _apply(stage, site_id) for site_id in ("site-01", "site-02", VICTIM, "site-04")
        }
        await world.start_gateways(codes)
        await _until(stage, lambda: _online(stage), set(codes))

        await world.add_dip(world.clock.now() + timedelta(hours=1))
        await world.kill_gateway(VICTIM)
        await _until(stage, lambda: _online(stage), set(codes) - {VICTIM})
        await world.restart_gateway(VICTIM)
        await _until(stage, lambda: _online(stage), set(codes))

        before = world.clock.now()
        await world.run_until(before + timedelta(minutes=10), 1_000.0)
        assert world.clock.now() == before + timedelta(minutes=10)
        stage.let_run()
        assert (await world.utility.get("/health")).json() == {"status": "ok"}
        assert len(_processes_of(tmp_path)) >= 6
    assert _processes_of(tmp_path) == []


async def _apply(stage: ProcessStage, site_id: str) -> str:
    number = site_id.removeprefix("site-")
    response = await stage.cloud.post(
        "/api/v1/applications",
        json={
            "owner_id": f"owner-{number}",
            "owner_name": f"Household {number}",
            "site_id": site_id,
            "site_name": f"Home {number}",
            "program_id": "utility-peak",
            "terms_version": "2021-1",
        },
    )
    assert response.is_success, response.text
    return str(response.json()["enrollment_code"])


async def _online(stage: ProcessStage) -> set[str]:
    fleet: list[dict[str, Any]] = (await stage.cloud.get("/api/v1/fleet")).json()
    return {site["site_id"] for site in fleet if site["online"]}


async def _until(stage: ProcessStage, look: Callable[[], Awaitable[set[str]]], expected: set[str]) -> None:
    seen: set[str] = set()
    for _ in range(LOOKS_MAX):
        seen = await look()
        if seen == expected:
            return
        await stage.run_until(stage.clock.now() + timedelta(seconds=3.0), 30.0)
    raise AssertionError(f"{sorted(seen)} are on line, not {sorted(expected)}")


def _processes_of(folder: Path) -> list[Path]:
    return [process for process in Path("/proc").iterdir() if _belongs(process, folder)]


def _belongs(process: Path, folder: Path) -> bool:
    """Whether a process was started with something in this folder."""
    try:
        return process.name.isdigit() and str(folder).encode() in (process / "cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return False
