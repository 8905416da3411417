from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from edge_agent.devices.link import LinkSettings
from edge_agent.devices.modbus import ModbusLink
from simulators.fleet import make_fleet, make_site
from simulators.grid.script import GridScript
from simulators.rig.world.devices_process import answer, units_of
from simulators.rig.world.pace import PaceFile
from simulators.rig.world.processes import Program, supervise
from vpp_core.clock import ManualClock
from vpp_core.faults import LocalFault

MORNING = datetime(2021, 8, 11, 13, tzinfo=UTC)
SUNSPEC = b"SunS"


def test_a_dip_is_placed_where_it_was_asked_for() -> None:
    grid = GridScript(7)
    question = {"ask": "add_dip", "at": MORNING.isoformat(), "nadir_hz": 59.5, "hold_s": 4}
    assert answer(question, grid, {}) == {"dips": 1}
    assert grid.frequency_hz((MORNING + timedelta(seconds=2)).timestamp()) == 59.5


@pytest.mark.parametrize(
    "question",
    [
        {},
        {"ask": "dance"},
        {"ask": "add_dip", "at": "soon"},
        {"ask": "add_dip", "at": MORNING.isoformat(), "depth_hz": 1},
        {"ask": "truth", "site": "elsewhere"},
    ],
    ids=["nothing", "unknown", "no-instant", "a-misspelled-shape", "an-unknown-site"],
)
def test_anything_else_is_refused(question: dict[str, object]) -> None:
    with pytest.raises((ValueError, KeyError)):
        answer(question, GridScript(7), {})


def test_only_a_site_with_a_charging_station_has_its_unit() -> None:
    clock = ManualClock(MORNING)
    homes = [make_site(home, clock, GridScript(7)) for home in make_fleet(3, 7)]
    assert [sorted(units_of(home)) for home in homes] == [
        ["battery", "meter", "pv"],
        ["battery", "meter", "pv"],
        ["battery", "evse", "meter", "pv"],
    ]


@pytest.mark.integration
async def test_every_site_answers_modbus_and_the_rig_may_ask_for_the_truth(tmp_path: Path) -> None:
    clock = tmp_path / "clock"
    PaceFile.create(clock, MORNING)
    config = {"sites": 2, "seed": 7, "day": "2021-08-12", "begins_at": MORNING.isoformat()}
    program = Program(
        "devices", "simulators.rig.world.devices_process", ("--clock", str(clock)), config=config
    )
    async with supervise(tmp_path) as children:
        [devices] = await children.start(program)
        sites = devices.ports["sites"]
        assert sorted(sites) == ["site-01", "site-02"]
        for site in sites.values():
            link = ModbusLink(LinkSettings(host="127.0.0.1", port=site["port"]))
            assert await link.read(site["units"]["battery"], 40_000, 2) == SUNSPEC
            await link.close()
        truth = await devices.ask({"ask": "truth", "site": "site-01"})
        assert 0.4 <= truth["state_of_charge"] <= 0.7
        with pytest.raises(LocalFault, match="dance"):
            await devices.ask({"ask": "dance"})
