"""The ``fleet`` command: many homes in one process, on a grid that they may move."""

import argparse
import asyncio
import contextlib
import signal
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from rich.console import Console

from simulators.fleet import make_fleet
from simulators.grid.feeder import Feeder, street
from simulators.grid.script import GridScript
from simulators.grid.swing import Area, SwingGrid
from simulators.grid.trace import RECORDING, STEPS, After, Shape, replay
from simulators.programs.arguments import instant, number, port, whole
from simulators.programs.site import DEFAULT_START, SPEED_MAX
from simulators.running.journal import Entry, Journal
from simulators.running.ports import FleetPorts, check_ports, list_kind, make_room, write_list
from simulators.running.screen import Screen, status
from simulators.running.tick import Lag, run_ticks
from simulators.running.world import Feedback, FleetWorld, Grid
from vpp_core.clock import Clock, Pace, PacedClock, SystemClock, monotonic_host_s
from vpp_core.faults import ConfigurationFault, fault_in

SITES_MAX = 10_000
CLIENTS_A_SITE = 2
SCRIPT, SWING, TRACE = "script", "swing", "trace"
TICK_S, LOG_EVERY_S, STATUS_EVERY_S = 0.05, 0.2, 1.0
REDISPATCH_S = 900.0
"""With the meters as feedback: house load and sun wander, and an operator would follow them."""
FOR_S_MAX = 366 * 86_400.0

_AREA_OPTIONS = {
    "base_mw": ("base-mw", "MW", "power of the area that is 1 per unit"),
    "inertia_s": ("inertia", "S", "inertia constant H"),
    "damping_pu": ("damping", "PU", "load damping D"),
    "droop_pu": ("droop", "PU", "droop R of the governor"),
    "governor_s": ("governor-s", "S", "time constant of the governor"),
    "turbine_s": ("turbine-s", "S", "time constant of the turbine"),
    "reheat_s": ("reheat-s", "S", "time constant of a reheater; 0 is none"),
    "headroom_pu": ("headroom", "PU", "how much power the governor can add"),
    "fleet_scale": ("fleet-scale", "N", "how many such fleets there are"),
}


def add_to(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    fleet = commands.add_parser(
        "fleet",
        help="run many sites in one process until Ctrl-C",
        description="Run many sites, one Modbus/TCP port each: grid meter (unit 1), battery (2), PV inverter "
        "(3) and, at every third site, a charging station (4). The grid is a script, a trace, or a model "
        "that feels what the fleet does.",
    )
    _add_sites(fleet)
    _add_time(fleet)
    _add_grid(fleet)
    _add_area(fleet)
    _add_output(fleet)
    fleet.set_defaults(run=run)


def _add_sites(fleet: argparse.ArgumentParser) -> None:
    fleet.add_argument(
        "--sites", type=whole(1, SITES_MAX), default=200, help="how many (default %(default)s)"
    )
    fleet.add_argument("--seed", type=int, default=0, help="seed of fleet and grid (default %(default)s)")
    fleet.add_argument("--host", default="127.0.0.1", help="address to listen on (default %(default)s)")
    fleet.add_argument(
        "--base-port",
        type=port,
        default=0,
        metavar="PORT",
        help="port of the first site; 0, the default, takes free ones",
    )


def _add_time(fleet: argparse.ArgumentParser) -> None:
    fleet.add_argument(
        "--start", type=instant, default=DEFAULT_START, help="simulated time (default %(default)s)"
    )
    fleet.add_argument(
        "--speed",
        type=number(0.0, SPEED_MAX),
        default=1.0,
        help="simulated seconds a second (default %(default)s)",
    )
    fleet.add_argument(
        "--for",
        dest="for_s",
        type=number(0.0, FOR_S_MAX),
        metavar="S",
        help="end after S simulated seconds; otherwise Ctrl-C ends it",
    )


def _add_grid(fleet: argparse.ArgumentParser) -> None:
    fleet.add_argument(
        "--grid",
        nargs="+",
        default=[SCRIPT],
        metavar="KIND",
        help=f"{SCRIPT} (a small seeded wander, the default), {SWING} (the swing equation of an area, which "
        f"feels the fleet), {STEPS} (built-in test steps), {RECORDING} (a recorded day) or {TRACE} FILE "
        "(.csv or .parquet with at_s and frequency_hz, voltage_pu)",
    )
    fleet.add_argument(
        "--trace-shape", type=Shape, choices=list(Shape), help="between the samples of a trace"
    )
    fleet.add_argument(
        "--trace-after", type=After, choices=list(After), help="after the last sample of a trace"
    )
    fleet.add_argument(
        "--feeder", action="store_true", help="a radial feeder gives every home the voltage of its place"
    )
    fleet.add_argument(
        "--tick",
        type=number(0.01, 60.0),
        default=TICK_S,
        metavar="S",
        help=f"step of sites and grid with {SWING} or --feeder (default %(default)s)",
    )


def _add_area(fleet: argparse.ArgumentParser) -> None:
    area = fleet.add_argument_group(f"the area, with --grid {SWING}")
    defaults = Area()
    for name, (option, unit, meaning) in _AREA_OPTIONS.items():
        area.add_argument(
            f"--{option}",
            dest=name,
            type=float,
            metavar=unit,
            help=f"{meaning} (default {getattr(defaults, name):g})",
        )
    area.add_argument(
        "--feedback",
        type=Feedback,
        choices=list(Feedback),
        help=f"which power of the fleet the area feels (default {Feedback.BATTERY})",
    )
    area.add_argument(
        "--disturb",
        type=disturbance,
        nargs="+",
        action="extend",
        metavar="AT:MW",
        help="AT:MW[:FOR]: AT seconds after the start MW of generation are lost (negative: load), for good "
        "or FOR seconds",
    )


def _add_output(fleet: argparse.ArgumentParser) -> None:
    fleet.add_argument(
        "--list", type=Path, metavar="FILE", help="write the endpoints to FILE.json or FILE.csv"
    )
    fleet.add_argument("--log", type=Path, metavar="FILE", help="write time series to FILE (CSV)")
    fleet.add_argument(
        "--log-every",
        type=number(0.01, 86_400.0),
        default=LOG_EVERY_S,
        metavar="S",
        help="simulated seconds from row to row (default %(default)s)",
    )
    fleet.add_argument("--plot", type=Path, metavar="FILE", help="at the end, draw the run to FILE (PNG)")


def disturbance(text: str) -> tuple[float, float, float | None]:
    """``AT:MW`` or ``AT:MW:FOR``, in seconds after the start, MW and seconds."""
    try:
        at_s, lost_mw, *rest = (float(part) for part in text.split(":"))
        (for_s,) = rest or (None,)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is not AT:MW or AT:MW:FOR, such as 30:50") from error
    if not 0.0 <= at_s <= FOR_S_MAX:
        raise argparse.ArgumentTypeError(f"{text!r} does not begin within a year after the start")
    return at_s, lost_mw, for_s


def run(options: argparse.Namespace) -> int:
    try:
        asyncio.run(_run_fleet(options))
    except BaseExceptionGroup as group:
        if fault := fault_in(group):
            raise fault from group
        raise
    return 0


class _Run:
    """One run of the command: the pieces that its options ask for."""

    def __init__(self, options: argparse.Namespace) -> None:
        check_ports(options.base_port, options.sites)
        if options.list:
            list_kind(options.list)
        self.options = options
        self.begins_s: float = options.start.timestamp()
        self.pace = Pace(self.begins_s, monotonic_host_s(), 0.0)
        """Time stands still until every port is open."""
        self.clock: Clock = PacedClock(lambda: self.pace)
        grid = make_grid(options)
        homes = street(options.sites)
        self.nodes = homes.node_of_home
        self.world = FleetWorld(
            self.clock,
            grid,
            feeder=Feeder(grid, homes.sections) if options.feeder else None,
            feedback=options.feedback or Feedback.BATTERY,
            begins_at=options.start,
        )
        self.ports = FleetPorts(options.host, options.base_port)
        self.screen = Screen(Console())
        self.lag = Lag()

    @property
    def tick_s(self) -> float:
        """Sites that nobody feels move when somebody looks: a client, the log, the status line."""
        if self.world.is_coupled:
            return float(self.options.tick)
        if self.options.log or self.options.plot:
            return float(self.options.log_every)
        return max(STATUS_EVERY_S, STATUS_EVERY_S * float(self.options.speed))

    async def start(self, stopped: asyncio.Event) -> None:
        """Make the sites and open their ports; leave early where the user does."""
        options = self.options
        room = make_room(options.sites)
        if room < CLIENTS_A_SITE * options.sites:
            self.screen.say(
                f"The limit of open files leaves room for {room} clients; raise it (ulimit -Hn) for more."
            )
        homes = make_fleet(options.sites, options.seed, options.start.date())
        for home, node in self.screen.bar(list(zip(homes, self.nodes, strict=True)), "opening ports"):
            await self.ports.open(self.world.add(home, node))
            if stopped.is_set():
                return
        self.world.settle()
        if options.list:
            write_list(options.list, self.ports.endpoints)

    def release(self) -> None:
        """Let time run."""
        self.pace = Pace(self.begins_s, monotonic_host_s(), self.options.speed)

    async def play(self, journal: Journal, stopped: asyncio.Event) -> None:
        next_row_s = self.begins_s

        def tick(now_s: float) -> None:
            nonlocal next_row_s
            self.world.advance(now_s)
            if now_s >= next_row_s:
                next_row_s += self.options.log_every * (1 + (now_s - next_row_s) // self.options.log_every)
                entry = Entry(
                    reading=self.world.reading(), clients=self.ports.clients, late_s=self.lag.late_s
                )
                journal.add(entry)

        async def show() -> None:
            while True:
                await SystemClock().sleep(STATUS_EVERY_S)
                journal.flush()
                line = status(self.world.reading(), self.ports.clients, self.lag, self.options.speed)
                self.screen.show(line)

        async def end() -> None:
            await self.clock.sleep(self.begins_s + self.options.for_s - self.clock.now().timestamp())
            stopped.set()

        async with asyncio.TaskGroup() as tasks:
            running = [
                tasks.create_task(run_ticks(self.clock, self.tick_s, tick, self.lag), name="tick"),
                tasks.create_task(show(), name="status"),
            ]
            if self.options.for_s is not None:
                running.append(tasks.create_task(end(), name="end"))
            await stopped.wait()
            for task in running:
                task.cancel()

    def announcement(self) -> str:
        ports = [each.port for each in self.ports.endpoints]
        return (
            f"{len(ports)} sites listen on {self.options.host}, ports {min(ports)} to {max(ports)}; units: "
            "meter 1, battery 2, pv 3 and at every third site evse 4; Ctrl-C ends it"
        )


async def _run_fleet(options: argparse.Namespace) -> None:
    fleet = _Run(options)
    stopped = asyncio.Event()
    for each in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(each, stopped.set)
    async with contextlib.AsyncExitStack() as cleanly:
        cleanly.push_async_callback(fleet.ports.close)
        await fleet.start(stopped)
        if stopped.is_set():
            return
        journal = Journal(fleet.begins_s, options.log)
        cleanly.callback(journal.close)
        fleet.screen.say(fleet.announcement())
        fleet.release()
        with fleet.screen.running():
            await fleet.play(journal, stopped)
    if options.plot:
        _draw(options, journal)
        fleet.screen.say(f"The run is drawn in {options.plot}.")


def make_grid(options: argparse.Namespace) -> Grid:
    """The grid that the options ask for.

    Raises:
        ConfigurationFault: they contradict one another, or the grid cannot be.
    """
    kind, *files = options.grid
    if len(files) != (kind == TRACE) or kind not in (SCRIPT, SWING, STEPS, RECORDING, TRACE):
        raise ConfigurationFault(
            f"--grid {' '.join(options.grid)} is not one of {SCRIPT}, {SWING}, {STEPS}, {RECORDING}, "
            f"{TRACE} FILE."
        )
    chosen = {name: value for name in _AREA_OPTIONS if (value := getattr(options, name)) is not None}
    if kind != SWING and (chosen or options.disturb or options.feedback):
        raise ConfigurationFault(f"Only --grid {SWING} has an area to describe or to disturb; add it.")
    if kind in (SCRIPT, SWING) and (options.trace_shape or options.trace_after):
        raise ConfigurationFault(f"--trace-shape and --trace-after need a trace; --grid {kind} is none.")
    begins_s = options.start.timestamp()
    if kind == SCRIPT:
        return GridScript(options.seed)
    if kind == SWING:
        return _swing(begins_s, chosen, options.feedback, options.disturb or ())
    source = files[0] if files else kind
    return replay(source, begins_s, shape=options.trace_shape, after=options.trace_after)


def _swing(
    begins_s: float,
    chosen: dict[str, Any],
    feedback: Feedback | None,
    disturbances: Sequence[tuple[float, float, float | None]],
) -> SwingGrid:
    if feedback is Feedback.METER:
        chosen = {**chosen, "redispatch_s": REDISPATCH_S}
    grid = SwingGrid(Area(**chosen), begins_s)
    for at_s, lost_mw, for_s in disturbances:
        if for_s is None:
            grid.disturb(begins_s + at_s, lost_mw)
        else:
            grid.disturb(begins_s + at_s, lost_mw, for_s)
    return grid


def _draw(options: argparse.Namespace, journal: Journal) -> None:
    from simulators.running.picture import draw

    start: datetime = options.start
    title = f"{options.sites} sites, grid: {' '.join(options.grid)}, from {start:%Y-%m-%d %H:%M} UTC"
    draw(options.plot, title, journal.begins_s, journal.points)
