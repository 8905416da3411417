"""The ``site`` command: one home on real registers."""

import argparse
from datetime import datetime, timedelta

from simulators.devices.site import UNITS, SimulatedSite
from simulators.fleet import make_fleet, make_site
from simulators.grid.script import Dip, GridScript
from simulators.programs.arguments import instant, number, port, whole
from simulators.programs.serving import serve, stop_signals
from vpp_core.clock import Pace, PacedClock, monotonic_host_s

DEFAULT_START = "2021-08-12T12:00:00-05:00"
SPEED_MAX = 10_000.0
DIP_AFTER_S_MAX = 86_400.0


def add_to(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    site = commands.add_parser(
        "site",
        help="run one site until Ctrl-C",
        description="Run one site as a SunSpec Modbus/TCP server until Ctrl-C: grid meter (unit 1), battery "
        "(2), PV inverter (3) and, at every third site, a charging station (4).",
    )
    site.add_argument("--host", default="127.0.0.1", help="address to listen on (default %(default)s)")
    site.add_argument(
        "--port", type=port, default=0, help="port to listen on; 0, the default, takes a free one"
    )
    site.add_argument(
        "--number", type=whole(1, 10_000), default=3, help="which site of the fleet (default %(default)s)"
    )
    site.add_argument(
        "--seed", type=int, default=0, help="seed of the fleet and the grid (default %(default)s)"
    )
    site.add_argument(
        "--start", type=instant, default=DEFAULT_START, help="simulated time (default %(default)s)"
    )
    site.add_argument(
        "--speed",
        type=number(0.0, SPEED_MAX),
        default=1.0,
        help="simulated seconds a second (default %(default)s)",
    )
    site.add_argument(
        "--dip-after",
        type=number(0.0, DIP_AFTER_S_MAX),
        metavar="S",
        help="a dip to 59.5 Hz S simulated seconds later",
    )
    site.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    serve(_run_site(options))
    return 0


async def _run_site(options: argparse.Namespace) -> None:
    start: datetime = options.start
    pace = Pace(start.timestamp(), monotonic_host_s(), options.speed)
    clock = PacedClock(lambda: pace)
    grid = GridScript(options.seed)
    if options.dip_after is not None:
        grid.add_dip(Dip(at=start + timedelta(seconds=options.dip_after)))
    config = make_fleet(options.number, options.seed, start.date())[-1]
    site = make_site(config, clock, grid)
    stopped = stop_signals()
    port = await site.start(options.host, options.port)
    try:
        print(_announcement(site, options.host, port), flush=True)
        await stopped.wait()
    finally:
        await site.stop()


def _announcement(site: SimulatedSite, host: str, port: int) -> str:
    units = ", ".join(f"{name} {unit}" for name, unit in UNITS.items() if unit in site.images)
    return f"{site.config.site_id} listens on {host}:{port}; units: {units}; Ctrl-C ends it"
