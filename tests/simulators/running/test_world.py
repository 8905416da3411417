"""Homes move the grid that moves them: powers, voltages and frequency of one small world."""

import struct
from datetime import UTC, datetime

import pytest

from simulators.devices.site import UNITS, SimulatedSite
from simulators.fleet import make_fleet
from simulators.grid.bench import BenchGrid
from simulators.grid.feeder import Feeder, street
from simulators.grid.script import GridScript
from simulators.grid.swing import Area, SwingGrid
from simulators.running.world import Feedback, FleetWorld, Grid
from vpp_core.clock import ManualClock

NOON = datetime(2021, 8, 12, 17, tzinfo=UTC)
NOON_S = NOON.timestamp()
HOMES = 6
TICK_S = 0.05


class Town:
    """A few homes, their clock, and ticks."""

    def __init__(self, grid: Grid, *, on_feeder: bool = False, feedback: Feedback = Feedback.BATTERY) -> None:
        self.clock = ManualClock(NOON)
        found = street(HOMES)
        feeder = Feeder(grid, found.sections) if on_feeder else None
        self.world = FleetWorld(self.clock, grid, feeder=feeder, feedback=feedback)
        for home, node in zip(make_fleet(HOMES, 1), found.node_of_home, strict=True):
            self.world.add(home, node)
        self.world.settle()

    def run(self, duration_s: float) -> list[float]:
        """The frequency after each tick."""
        seen_hz = []
        for _ in range(round(duration_s / TICK_S)):
            self.clock.advance(TICK_S)
            self.world.advance(self.clock.now().timestamp())
            seen_hz.append(self.world.reading().frequency_hz)
        return seen_hz


def order(site: SimulatedSite, setpoint_w: int) -> None:
    """Write a setpoint to the registers of a battery, as a gateway does."""
    image = site.images[UNITS["battery"]]
    for name, value in (("WSet", struct.pack(">i", setpoint_w)), ("WSetEna", b"\0\1")):
        address, size = image.locate(704, name)
        answer = image.respond(struct.pack(">BHHB", 16, address, size, 2 * size) + value)
        assert answer[0] == 16


def register_701(site: SimulatedSite, name: str) -> int:
    image = site.images[UNITS["meter"]]
    address, size = image.locate(701, name)
    return int.from_bytes(image.respond(struct.pack(">BHH", 3, address, size))[2:], "big")


def swing(scale: float = 1_000.0) -> SwingGrid:
    grid = SwingGrid(Area(fleet_scale=scale), NOON_S)
    grid.disturb(NOON_S + 1.0, 50.0)
    return grid


def test_an_idle_fleet_moves_no_frequency_before_the_disturbance() -> None:
    assert set(Town(swing()).run(0.9)) == {60.0}


def test_batteries_that_discharge_raise_the_nadir() -> None:
    idle, helping = Town(swing()), Town(swing())
    for town in (idle, helping):
        town.run(1.5)
    for site in helping.world.sites:
        order(site, 3_000)
    assert min(helping.run(5.0)) > min(idle.run(5.0)) + 0.03
    reading = helping.world.reading()
    assert reading.battery_w == pytest.approx(HOMES * 3_000.0)
    assert reading.lost_mw == 50.0


def test_the_frequency_that_the_fleet_made_stands_in_its_registers() -> None:
    town = Town(swing())
    town.run(3.0)
    shown_hz = register_701(town.world.sites[0], "Hz") / 1_000.0
    assert shown_hz == pytest.approx(town.world.reading().frequency_hz, abs=6e-4)
    assert shown_hz < 59.9


def test_what_batteries_did_before_the_start_is_scheduled() -> None:
    grid = SwingGrid(Area(fleet_scale=1_000.0), NOON_S)
    town = Town(grid)
    for site in town.world.sites:
        order(site, 3_000)
    town.clock.advance(2.0)
    town.world.advance(town.clock.now().timestamp())
    town.world.settle()
    assert grid.scheduled_w == pytest.approx(HOMES * 3_000.0)


def test_with_the_meters_as_feedback_the_whole_exchange_is_scheduled() -> None:
    grid = SwingGrid(Area(), NOON_S)
    town = Town(grid, feedback=Feedback.METER)
    assert grid.scheduled_w == pytest.approx(sum(site.power_w() for site in town.world.sites))
    assert grid.scheduled_w != 0.0


def test_homes_that_charge_lower_the_voltage_of_their_street() -> None:
    town = Town(BenchGrid(), on_feeder=True)
    town.run(0.1)
    before = town.world.reading()
    for site in town.world.sites:
        order(site, -3_500)
    town.run(3.0)
    after = town.world.reading()
    assert after.voltage_pu_min < before.voltage_pu_min - 0.005
    shown_v = register_701(town.world.sites[0], "LNV") / 10.0
    assert shown_v == pytest.approx(240.0 * after.voltage_pu_min, abs=0.06)


def test_without_model_and_feeder_nobody_has_to_advance_the_grid() -> None:
    town = Town(GridScript(1))
    assert not town.world.is_coupled
    assert Town(swing()).world.is_coupled
    assert Town(BenchGrid(), on_feeder=True).world.is_coupled
    reading = town.world.reading()
    assert reading.voltage_pu_min == reading.voltage_pu_max
    assert reading.meter_w == pytest.approx(sum(site.power_w() for site in town.world.sites))


def test_the_same_seed_and_the_same_orders_give_the_same_run() -> None:
    runs = []
    for _ in range(2):
        town = Town(swing(), on_feeder=True)
        before_hz = town.run(2.0)
        order(town.world.sites[0], 4_000)
        runs.append((before_hz, town.run(2.0), town.world.reading()))
    assert runs[0] == runs[1]
