"""The whole story of a market day in one process, on virtual time."""

import io
from datetime import date
from pathlib import Path

from rich.console import Console

from cloud.chain.records import Figure
from simulators.rig.scenario.progress import Progress
from simulators.rig.scenario.stage import Options
from simulators.rig.scenario.story import Story
from simulators.rig.scenario.timetable import SPEED, ZONE, Timetable
from simulators.rig.virtual.virtual_stage import virtual_stage
from simulators.rig.virtual.virtual_time import run_virtual
from tests.benchmarks.measuring import paired, timed
from tests.benchmarks.table import Table
from vpp_core.clock import VirtualClock

SITES = 4


def test_a_market_day_on_virtual_time(table: Table, tmp_path: Path) -> None:
    options = Options(sites=SITES, speed=SPEED, seed=0, day=date(2021, 8, 12), out=tmp_path / "run")
    times = Timetable(options.day)
    figures: list[Figure] = []

    async def play(clock: VirtualClock) -> None:
        with Progress(Console(file=io.StringIO()), clock.now, ZONE) as progress:
            async with virtual_stage(options, clock) as stage:
                figures.extend(await Story(options, stage, progress).play())

    took_s = timed(lambda: run_virtual(play, times.opens))
    assert "money_conserved" in {figure.kpi for figure in figures}
    simulated_s = (times.closes - times.opens).total_seconds()
    measured = paired([(took_s, simulated_s)])
    group = table.group("The whole day")
    group.add(
        f"the demo's story with {SITES} sites, virtual time, one process", measured, "the time it tells"
    )
    group.note(
        f"{simulated_s / took_s:,.0f} simulated seconds a real one, with all that is in them: gateways, "
        "registers, cloud, market, utility; the seconds around the frequency dip are played in full."
    )
    assert measured.ratio < 0.1
