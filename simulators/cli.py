"""``vpp-sim``: one simulated site on real registers, and the data that it replays."""

import argparse
import asyncio
import signal
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from simulators.data.extracts import EXTRACTS
from simulators.devices.site import UNITS, SimulatedSite
from simulators.fleet import make_fleet, make_site
from simulators.grid.script import Dip, GridScript
from vpp_core.clock import Pace, PacedClock, monotonic_host_s
from vpp_core.faults import EXIT_FAULT, Fault

DEFAULT_START = "2021-08-12T12:00:00-05:00"
SPEED_MAX = 10_000.0
DIP_AFTER_S_MAX = 86_400.0
YEAR_MIN, YEAR_MAX = 1970, 2200


def main(arguments: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    try:
        if options.command == "data":
            _show_data()
        else:
            asyncio.run(_run_site(options))
    except Fault as fault:
        print(f"vpp-sim: {fault}", file=sys.stderr)
        return EXIT_FAULT
    except KeyboardInterrupt:
        pass
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="vpp-sim", description="Simulated devices of a home.")
    commands = parser.add_subparsers(dest="command", required=True)
    site = commands.add_parser(
        "site",
        help="run one site until Ctrl-C",
        description="Run one site as a SunSpec Modbus/TCP server until Ctrl-C: grid meter (unit 1), battery "
        "(2), PV inverter (3) and, at every third site, a charging station (4).",
    )
    site.add_argument("--host", default="127.0.0.1", help="address to listen on (default %(default)s)")
    site.add_argument(
        "--port", type=_port, default=0, help="port to listen on; 0, the default, takes a free one"
    )
    site.add_argument(
        "--number", type=_number, default=3, help="which site of the fleet (default %(default)s)"
    )
    site.add_argument(
        "--seed", type=int, default=0, help="seed of the fleet and the grid (default %(default)s)"
    )
    site.add_argument(
        "--start", type=_instant, default=DEFAULT_START, help="simulated time (default %(default)s)"
    )
    site.add_argument(
        "--speed", type=_speed, default=1.0, help="simulated seconds a second (default %(default)s)"
    )
    site.add_argument(
        "--dip-after", type=_dip_after, metavar="S", help="a dip to 59.5 Hz S simulated seconds later"
    )
    commands.add_parser("data", help="list the data files with source and licence")
    return parser


def _show_data() -> None:
    for extract in EXTRACTS:
        print(f"{extract.file}\n  {extract.shows}\n  source: {extract.source}\n  licence: {extract.licence}")
    print("house load\n  SYNTHETIC: a seeded rule, measured nowhere")


async def _run_site(options: argparse.Namespace) -> None:
    start: datetime = options.start
    pace = Pace(start.timestamp(), monotonic_host_s(), options.speed)
    clock = PacedClock(lambda: pace)
    grid = GridScript(options.seed)
    if options.dip_after is not None:
        grid.add_dip(Dip(at=start + timedelta(seconds=options.dip_after)))
    config = make_fleet(options.number, options.seed, start.date())[-1]
    site = make_site(config, clock, grid)
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    port = await site.start(options.host, options.port)
    try:
        print(_announcement(site, options.host, port), flush=True)
        await stopped.wait()
    finally:
        await site.stop()


def _announcement(site: SimulatedSite, host: str, port: int) -> str:
    units = ", ".join(f"{name} {unit}" for name, unit in UNITS.items() if unit in site.images)
    return f"{site.config.site_id} listens on {host}:{port}; units: {units}; Ctrl-C ends it"


def _port(text: str) -> int:
    return _whole(text, 0, 65_535)


def _number(text: str) -> int:
    return _whole(text, 1, 10_000)


def _whole(text: str, low: int, high: int) -> int:
    if not text.isdecimal() or not low <= int(text) <= high:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from {low} to {high}")
    return int(text)


def _speed(text: str) -> float:
    try:
        speed = float(text)
    except ValueError:
        speed = -1.0
    if not 0.0 <= speed <= SPEED_MAX:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 0 to {SPEED_MAX:.0f}")
    return speed


def _dip_after(text: str) -> float:
    try:
        after_s = float(text)
    except ValueError:
        after_s = -1.0
    if not 0.0 <= after_s <= DIP_AFTER_S_MAX:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 0 to {DIP_AFTER_S_MAX:.0f}")
    return after_s


def _instant(text: str) -> datetime:
    try:
        instant = datetime.fromisoformat(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is not an ISO 8601 time") from error
    if instant.tzinfo is None:
        raise argparse.ArgumentTypeError(f"{text!r} needs a time zone, such as {text}Z")
    if not YEAR_MIN <= instant.year <= YEAR_MAX:
        raise argparse.ArgumentTypeError(f"{text!r} lies outside the years {YEAR_MIN} to {YEAR_MAX}")
    return instant.astimezone(UTC)


if __name__ == "__main__":
    sys.exit(main())
