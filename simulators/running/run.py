"""One run of a fleet, from its first port to its picture."""

import asyncio
import contextlib
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from rich.console import Console

from simulators.devices.control_port import ControlPort, Controls, Disturb, SetGrid
from simulators.fleet import make_fleet
from simulators.grid.bench import BenchGrid
from simulators.grid.feeder import Feeder, street
from simulators.grid.swing import SwingGrid
from simulators.running.journal import Entry, Journal
from simulators.running.ports import FleetPorts, check_ports, list_kind, make_room, write_list
from simulators.running.screen import Screen, status
from simulators.running.tick import Lag, run_ticks
from simulators.running.world import Feedback, FleetWorld, Grid
from vpp_core.clock import Pace, PacedClock, SystemClock, monotonic_host_s
from vpp_core.faults import ConfigurationFault

CLIENTS_A_SITE = 2
STATUS_EVERY_S = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetSettings:
    """What a run is asked for; durations in simulated seconds."""

    sites: int
    seed: int
    host: str
    base_port: int
    control_port: int | None
    """For commands; 0 takes a free one, None has none."""
    start: datetime
    speed: float
    for_s: float | None
    """None runs until it is stopped."""
    tick_s: float
    """Step of sites and grid where they move one another."""
    on_feeder: bool
    feedback: Feedback
    list_file: Path | None
    log_file: Path | None
    log_every_s: float
    plot_file: Path | None
    grid_name: str
    """For the picture."""


class FleetRun:
    """Opens the ports, lets time run, and tidies up.

    Args:
        settings: what is asked for.
        grid: above everything.
        console: where progress is shown.

    Raises:
        ConfigurationFault: the ports do not fit, the list has no known ending, or the picture no folder.
    """

    def __init__(self, settings: FleetSettings, grid: Grid, console: Console) -> None:
        check_ports(settings.base_port, settings.sites)
        if settings.list_file:
            list_kind(settings.list_file)
        if settings.plot_file and not settings.plot_file.parent.is_dir():
            raise ConfigurationFault(
                f"There is no folder for the picture {settings.plot_file}; make it first."
            )
        self._settings, self._grid = settings, grid
        self._begins_s = settings.start.timestamp()
        self._pace = Pace(self._begins_s, monotonic_host_s(), 0.0)
        """Time stands still until every port is open."""
        self._clock = PacedClock(lambda: self._pace)
        homes = street(settings.sites)
        self._nodes = homes.node_of_home
        self._world = FleetWorld(
            self._clock,
            grid,
            feeder=Feeder(grid, homes.sections) if settings.on_feeder else None,
            feedback=settings.feedback,
            begins_at=settings.start,
        )
        self._ports = FleetPorts(settings.host, settings.base_port)
        self._screen = Screen(console)
        self._lag = Lag()

    async def run(self, stopped: asyncio.Event) -> None:
        """Serve until ``stopped`` is set, or the time is over.

        Raises:
            LocalFault: a port cannot be had, a file cannot be written, or the feeder collapses; the last
                two perhaps inside an exception group.
        """
        settings = self._settings
        async with contextlib.AsyncExitStack() as cleanly:
            cleanly.push_async_callback(self._ports.close)
            await self._open_ports(stopped)
            if stopped.is_set():
                return
            control = await self._open_control(cleanly)
            journal = Journal(self._begins_s, settings.log_file)
            cleanly.callback(journal.close)
            self._screen.say(self._announcement() + control)
            self._pace = Pace(self._begins_s, monotonic_host_s(), settings.speed)
            with self._screen.running():
                await self._play(journal, stopped)
        if settings.plot_file:
            self._draw(settings.plot_file, journal)

    async def _open_ports(self, stopped: asyncio.Event) -> None:
        """Make the sites and listen for each; leave early where the user does."""
        settings = self._settings
        room = make_room(settings.sites)
        if room < CLIENTS_A_SITE * settings.sites:
            self._screen.say(
                f"The limit of open files leaves room for {room} clients; raise it (ulimit -Hn) for more."
            )
        homes = make_fleet(settings.sites, settings.seed, settings.start.date())
        for home, node in self._screen.bar(list(zip(homes, self._nodes, strict=True)), "opening ports"):
            await self._ports.open(self._world.add(home, node))
            if stopped.is_set():
                return
        self._world.settle()
        if settings.list_file:
            write_list(settings.list_file, self._ports.endpoints)

    async def _open_control(self, cleanly: contextlib.AsyncExitStack) -> str:
        if self._settings.control_port is None:
            return ""
        controls = Controls(
            grid=self._tell_grid if isinstance(self._grid, BenchGrid) else None,
            disturb=self._tell_disturb if isinstance(self._grid, SwingGrid) else None,
            status=self._tell_status,
        )
        control = ControlPort(controls, port=self._settings.control_port)
        cleanly.push_async_callback(control.stop)
        return f"; commands on port {await control.start()}"

    def _announcement(self) -> str:
        ports = [each.port for each in self._ports.endpoints]
        return (
            f"{len(ports)} sites listen on {self._settings.host}, ports {min(ports)} to {max(ports)}; units: "
            "meter 1, battery 2, pv 3 and at every third site evse 4; Ctrl-C ends it"
        )

    async def _play(self, journal: Journal, stopped: asyncio.Event) -> None:
        every_s, next_row_s = self._settings.log_every_s, self._begins_s

        def tick(now_s: float) -> None:
            nonlocal next_row_s
            self._world.advance(now_s)
            if now_s >= next_row_s:
                next_row_s += every_s * (1 + (now_s - next_row_s) // every_s)
                reading, clients = self._world.reading(), self._ports.clients
                journal.add(Entry(reading=reading, clients=clients, late_s=self._lag.late_s))

        async with asyncio.TaskGroup() as tasks:
            running = [
                tasks.create_task(run_ticks(self._clock, self._tick_s, tick, self._lag), name="tick"),
                tasks.create_task(self._show(journal), name="status"),
                tasks.create_task(self._end(stopped), name="end"),
            ]
            await stopped.wait()
            for task in running:
                task.cancel()

    @property
    def _tick_s(self) -> float:
        """Sites that nobody feels move when somebody looks: a client, the log, the status line."""
        settings = self._settings
        if self._world.is_coupled:
            return settings.tick_s
        if settings.log_file or settings.plot_file:
            return settings.log_every_s
        return STATUS_EVERY_S * max(1.0, settings.speed)

    async def _show(self, journal: Journal) -> None:
        """The status line, by the wall clock."""
        while True:
            await SystemClock().sleep(STATUS_EVERY_S)
            journal.flush()
            reading, clients = self._world.reading(), self._ports.clients
            self._screen.show(status(reading, clients, self._lag, self._settings.speed))

    async def _end(self, stopped: asyncio.Event) -> None:
        if self._settings.for_s is not None:
            await self._clock.sleep(self._begins_s + self._settings.for_s - self._now_s())
            stopped.set()

    def _draw(self, file: Path, journal: Journal) -> None:
        # Matplotlib takes half a second to come, and most runs draw nothing.
        from simulators.running.picture import draw

        settings = self._settings
        begins = f"{settings.start:%Y-%m-%d %H:%M} UTC"
        title = f"{settings.sites} sites, grid: {settings.grid_name}, from {begins}"
        draw(file, title, journal.begins_s, journal.points)
        self._screen.say(f"The run is drawn in {file}.")

    def _now_s(self) -> float:
        return self._clock.now().timestamp()

    def _tell_grid(self, order: SetGrid) -> None:
        assert isinstance(self._grid, BenchGrid)  # noqa: S101
        self._grid.apply(
            self._now_s(),
            frequency_hz=order.frequency_hz,
            voltage_pu=order.voltage_pu,
            ramp_s=order.ramp_s,
        )

    def _tell_disturb(self, order: Disturb) -> None:
        assert isinstance(self._grid, SwingGrid)  # noqa: S101
        for_s = float("inf") if order.for_s is None else order.for_s
        self._grid.disturb(self._now_s(), order.lost_mw, for_s)

    def _tell_status(self) -> dict[str, object]:
        """The world at the last tick."""
        told: dict[str, object] = asdict(self._world.reading())
        lag = {"ticks": self._lag.ticks, "skipped": self._lag.skipped}
        return {**told, **lag, "sites": len(self._world.sites), "clients": self._ports.clients}
