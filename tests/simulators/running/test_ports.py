"""One port a site, a list of them, and room for as many as the machine allows."""

import asyncio
import csv
import json
import resource
from datetime import UTC, datetime
from pathlib import Path

import pytest

from simulators.fleet import make_fleet, make_site
from simulators.grid.bench import BenchGrid
from simulators.running.ports import (
    FILES_OF_OUR_OWN,
    Endpoint,
    FleetPorts,
    check_ports,
    make_room,
    write_list,
)
from vpp_core.clock import ManualClock
from vpp_core.faults import ConfigurationFault, LocalFault, StorageFault

HELLO = bytes.fromhex("000100000006 01 03 9c40 0002")
ENDPOINTS = [
    Endpoint(site="site-01", host="127.0.0.1", port=5_020, units={"meter": 1, "battery": 2, "pv": 3}),
    Endpoint(
        site="site-03", host="127.0.0.1", port=5_022, units={"meter": 1, "battery": 2, "pv": 3, "evse": 4}
    ),
]


async def test_every_site_answers_on_its_own_port_and_clients_are_counted() -> None:
    clock, ports = ManualClock(datetime(2021, 8, 12, 17, tzinfo=UTC)), FleetPorts("127.0.0.1", 0)
    for home in make_fleet(3):
        await ports.open(make_site(home, clock, BenchGrid()))
    assert [each.site for each in ports.endpoints] == ["site-01", "site-02", "site-03"]
    assert [sorted(each.units) for each in ports.endpoints][2] == ["battery", "evse", "meter", "pv"]
    assert len({each.port for each in ports.endpoints}) == 3
    writers = []
    for each in ports.endpoints:
        reader, writer = await asyncio.open_connection(each.host, each.port)
        writer.write(HELLO)
        assert (await reader.readexactly(13))[9:] == b"SunS"
        writers.append(writer)
    assert ports.clients == 3
    await ports.close()
    for writer in writers:
        writer.close()
    with pytest.raises(ConnectionError):
        await asyncio.open_connection("127.0.0.1", ports.endpoints[0].port)


async def test_a_port_in_use_is_one_sentence() -> None:
    clock = ManualClock(datetime(2021, 8, 12, 17, tzinfo=UTC))
    site = make_site(make_fleet(1)[0], clock, BenchGrid())
    first = FleetPorts("127.0.0.1", 0)
    taken = (await first.open(site)).port
    with pytest.raises(LocalFault, match="it is in use"):
        await FleetPorts("127.0.0.1", taken).open(site)
    await first.close()


def test_ports_beyond_the_last_one_are_refused() -> None:
    check_ports(65_000, 536)
    check_ports(0, 10_000)
    with pytest.raises(ConfigurationFault, match="537 ports from 65000 on end beyond 65535"):
        check_ports(65_000, 537)


def test_the_list_as_json_says_who_is_where(tmp_path: Path) -> None:
    file = tmp_path / "fleet.json"
    write_list(file, ENDPOINTS)
    assert json.loads(file.read_text(encoding="utf-8"))[1] == {
        "site": "site-03",
        "host": "127.0.0.1",
        "port": 5_022,
        "units": {"meter": 1, "battery": 2, "pv": 3, "evse": 4},
    }


def test_the_list_as_csv_has_a_column_for_the_unit_of_each_device(tmp_path: Path) -> None:
    file = tmp_path / "fleet.csv"
    write_list(file, ENDPOINTS)
    with file.open(encoding="utf-8", newline="") as text:
        rows = list(csv.DictReader(text))
    assert [row["port"] for row in rows] == ["5020", "5022"]
    assert [row["evse_unit"] for row in rows] == ["", "4"]
    assert rows[0]["battery_unit"] == "2"


def test_a_list_of_no_known_kind_and_one_that_cannot_be_written_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationFault, match=r"must end in \.json or \.csv"):
        write_list(tmp_path / "fleet.txt", ENDPOINTS)
    with pytest.raises(StorageFault, match="cannot be written"):
        write_list(tmp_path / "nowhere" / "fleet.json", ENDPOINTS)


@pytest.fixture
def limits(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """What the machine allows (soft, hard), last one in force; setting it appends."""
    state = [(1_024, 4_096)]
    monkeypatch.setattr(resource, "getrlimit", lambda _: state[-1])
    monkeypatch.setattr(resource, "setrlimit", lambda _, wanted: state.append(wanted))
    return state


def test_the_limit_of_open_files_is_raised_as_far_as_it_goes(limits: list[tuple[int, int]]) -> None:
    assert make_room(2_000) == 4_096 - 2_000 - FILES_OF_OUR_OWN
    assert limits[-1] == (4_096, 4_096)


def test_a_machine_without_a_limit_is_asked_for_a_large_one(limits: list[tuple[int, int]]) -> None:
    limits.append((1_024, resource.RLIM_INFINITY))
    assert make_room(2_000) > 1_000_000


def test_more_sites_than_files_are_refused_with_both_numbers(limits: list[tuple[int, int]]) -> None:
    with pytest.raises(
        ConfigurationFault, match="5000 sites need 5064 open files, and this process may have 4096"
    ):
        make_room(5_000)
    assert limits[-1] == (4_096, 4_096)


def test_a_machine_that_forbids_raising_is_taken_as_it_is(
    limits: list[tuple[int, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def forbid(*_: object) -> None:
        raise ValueError

    monkeypatch.setattr(resource, "setrlimit", forbid)
    assert make_room(100) == 1_024 - 100 - FILES_OF_OUR_OWN
    assert len(limits) == 1
