"""The ``fleet`` command: many homes in one process, on a grid that they may move."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console

from simulators.grid.bench import BenchGrid
from simulators.grid.script import GridScript
from simulators.grid.swing import Area, SwingGrid
from simulators.grid.trace import RECORDING, STEPS, After, Shape, replay
from simulators.programs.arguments import instant, number, port, whole
from simulators.programs.serving import serve, stop_signals
from simulators.programs.site import DEFAULT_START, SPEED_MAX
from simulators.running.run import FleetRun, FleetSettings
from simulators.running.world import Feedback, Grid
from vpp_core.faults import ConfigurationFault

SITES_MAX = 10_000
SCRIPT, SWING, TRACE, BENCH = "script", "swing", "trace", "bench"
TICK_S, LOG_EVERY_S = 0.05, 0.2
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
    fleet.add_argument(
        "--control",
        type=port,
        metavar="PORT",
        help="listen here for `vpp-sim tell`: grid, disturb, status; 0 takes a free one",
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
        f"feels the fleet), {STEPS} (built-in test steps), {RECORDING} (a recorded day), {TRACE} FILE "
        f"(.csv or .parquet with at_s and frequency_hz, voltage_pu) or {BENCH} (nominal until it is told)",
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
    settings = FleetSettings(
        sites=options.sites,
        seed=options.seed,
        host=options.host,
        base_port=options.base_port,
        control_port=options.control,
        start=options.start,
        speed=options.speed,
        for_s=options.for_s,
        tick_s=options.tick,
        on_feeder=options.feeder,
        feedback=options.feedback or Feedback.BATTERY,
        list_file=options.list,
        log_file=options.log,
        log_every_s=options.log_every,
        plot_file=options.plot,
        grid_name=" ".join(options.grid),
    )
    fleet = FleetRun(settings, make_grid(options), Console())
    serve(_until_stopped(fleet))
    return 0


async def _until_stopped(fleet: FleetRun) -> None:
    await fleet.run(stop_signals())


def make_grid(options: argparse.Namespace) -> Grid:
    """The grid that the options ask for.

    Raises:
        ConfigurationFault: they contradict one another, or the grid cannot be.
    """
    kind, *files = options.grid
    if len(files) != (kind == TRACE) or kind not in (SCRIPT, SWING, STEPS, RECORDING, TRACE, BENCH):
        raise ConfigurationFault(
            f"--grid {' '.join(options.grid)} is not one of {SCRIPT}, {SWING}, {STEPS}, {RECORDING}, "
            f"{TRACE} FILE, {BENCH}."
        )
    chosen = {name: value for name in _AREA_OPTIONS if (value := getattr(options, name)) is not None}
    if kind != SWING and (chosen or options.disturb or options.feedback):
        raise ConfigurationFault(f"Only --grid {SWING} has an area to describe or to disturb; add it.")
    if kind in (SCRIPT, SWING, BENCH) and (options.trace_shape or options.trace_after):
        raise ConfigurationFault(f"--trace-shape and --trace-after need a trace; --grid {kind} is none.")
    begins_s = options.start.timestamp()
    if kind == SCRIPT:
        return GridScript(options.seed)
    if kind == BENCH:
        return BenchGrid()
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
