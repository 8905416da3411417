"""``vpp-demo``: the whole value stream on one command.

`main` reads the options, prepares the folder and opens a world (`Stage`): real processes on a shared
clock, or with ``--virtual`` everything in one process on virtual time. In it `play` lets the `Story` play
the market day and gathers what it left behind; then the scorecard is shown, and ``scorecard.json``,
``report.html`` and the owners' statements are written.

Exit codes: 0; 1 if money was not conserved; 2 with one sentence on a fault or bad option; 130 after
Ctrl-C and 143 after SIGTERM, with nothing left running.
"""

import argparse
import asyncio
import fcntl
import shlex
import shutil
import signal
import sys
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import BinaryIO

from rich.console import Console

from cloud.chain.records import EnrolledSite
from simulators.data.extracts import day_ahead_prices
from simulators.rig.report.gather import Gatherer
from simulators.rig.report.outcome import ReportData, Run
from simulators.rig.report.scorecard import show_scorecard, write_scorecard
from simulators.rig.scenario.progress import Progress
from simulators.rig.scenario.stage import Options, Stage
from simulators.rig.scenario.story import Story, sites_of, victim_of
from simulators.rig.scenario.timetable import SPEED, ZONE, Timetable
from simulators.rig.virtual.virtual_time import VirtualTimeLoop
from simulators.rig.world.broker import parse_url
from simulators.rig.world.process_stage import ProcessStage, process_stage
from vpp_core.clock import SystemClock, VirtualClock
from vpp_core.der import DerDescription
from vpp_core.faults import EXIT_FAULT, ConfigurationFault, Fault, LocalFault, fault_in

SITES, SITES_MIN, SITES_MAX = 12, 4, 100
SPEED_MIN, SPEED_MAX = 60.0, 10_000.0
DAY = date(2021, 8, 12)
DAYS_BEFORE = 8
"""Days of prices that must lie before the market day: a week to expect prices from, and the eve."""
OUT = Path("demo-out")
SCORECARD, REPORT = "scorecard.json", "report.html"
EXIT_NOT_CONSERVED = 1
EXIT_SIGNAL = 128

_FOLDERS = ("rig", "cloud", "sites", "logs", "statements")
_MARK = ".gridchorus-run"
_HOUR_S = 3_600.0


def main(arguments: Sequence[str] | None = None) -> int:
    """Entry point; the exit code."""
    console, complaints = Console(), Console(stderr=True)
    parsed = _parser().parse_args(arguments)
    try:
        options = check(parsed)
        with (
            prepare(options.out),
            asyncio.Runner(loop_factory=VirtualTimeLoop if parsed.virtual else None) as runner,
        ):
            return runner.run(_run(options, console, virtual=parsed.virtual))
    except KeyboardInterrupt:
        return _stopped(complaints, signal.SIGINT)
    except asyncio.CancelledError:
        return _stopped(complaints, signal.SIGTERM)
    except (Fault, BaseExceptionGroup) as error:
        if (fault := fault_in(error)) is None:
            raise
        complaints.print(f"vpp-demo: {fault}", highlight=False, markup=False, soft_wrap=True)
        return EXIT_FAULT


def check(parsed: argparse.Namespace) -> Options:
    """The options, if they make sense together and the data that they need is there.

    Raises:
        ConfigurationFault: they do not, or it is not; one sentence.
    """
    if not SITES_MIN <= parsed.sites <= SITES_MAX:
        raise ConfigurationFault(f"--sites is a number from {SITES_MIN} to {SITES_MAX}, not {parsed.sites}.")
    if not SPEED_MIN <= parsed.speed <= SPEED_MAX:
        span = f"{SPEED_MIN:.0f} to {SPEED_MAX:.0f}"
        raise ConfigurationFault(f"--speed is a number from {span}, not {parsed.speed:g}.")
    if parsed.virtual and (parsed.serve or parsed.broker):
        raise ConfigurationFault("--virtual runs in memory: it has no broker, and nothing to serve.")
    if parsed.broker:
        parse_url(parsed.broker)
    hours = [hour for hour, _ in day_ahead_prices()]
    first = hours[0].start.astimezone(ZONE).date() + timedelta(days=DAYS_BEFORE)
    last = (hours[-1].end.astimezone(ZONE) - timedelta(days=1)).date()
    if not first <= parsed.day <= last:
        raise ConfigurationFault(f"--day must lie from {first} to {last}, where there are prices.")
    out = parsed.out.expanduser().resolve()
    return Options(
        sites=parsed.sites,
        speed=parsed.speed,
        seed=parsed.seed,
        day=parsed.day,
        out=out,
        broker=parsed.broker,
        serve=parsed.serve,
    )


def prepare(out: Path) -> BinaryIO:
    """An empty folder for the run; what an earlier run left there is removed, nothing else is.

    Returns:
        the folder's mark, locked against another run until it is closed.

    Raises:
        LocalFault: the folder holds something that is not ours, is in use, or cannot be written.
    """
    mark = out / _MARK
    try:
        if out.exists() and not mark.exists() and any(out.iterdir()):
            raise LocalFault(f"The folder {out} is not empty and not from an earlier run; name another one.")
        out.mkdir(parents=True, exist_ok=True)
        held = _hold(mark)
    except BlockingIOError as error:
        raise LocalFault(
            f"Another run is at work in {out}; wait for its end, or name another one."
        ) from error
    except OSError as error:
        raise _unusable(out, error) from error
    try:
        for name in _FOLDERS:
            if (out / name).exists():
                shutil.rmtree(out / name)
        for name in (SCORECARD, REPORT):
            (out / name).unlink(missing_ok=True)
    except OSError as error:
        held.close()
        raise _unusable(out, error) from error
    return held


async def play(options: Options, stage: Stage, progress: Progress) -> ReportData:
    """Let the story play, and gather what it left behind.

    Raises:
        Fault: a part of the world refused, failed or did not answer.
    """
    story = Story(options, stage, progress)
    figures = await story.play()
    with progress.step("Read everything back from the API") as step:
        gatherer = Gatherer(story.cloud, options)
        sites = await gatherer.records(EnrolledSite)
        run = Run(
            day=options.day,
            zone=ZONE,
            sites=len(sites),
            enrolled_w=sum(_size_w(der) for site in sites for der in site.ders),
            seed=options.seed,
            wall_s=progress.elapsed_s,
            broker=stage.broker,
            clock=stage.pace,
        )
        data = await gatherer.report(run, figures)
        step.detail = f"{len(data.scorecard.kpis)} figures, {len(data.statements)} statements"
    return data


def _hold(mark: Path) -> BinaryIO:
    held = mark.open("ab")
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        held.close()
        raise
    return held


def _unusable(out: Path, error: OSError) -> LocalFault:
    return LocalFault(f"The folder {out} cannot be used: {error.strerror or error}.")


async def _run(options: Options, console: Console, *, virtual: bool) -> int:
    task = asyncio.current_task()
    assert task is not None  # noqa: S101  (a coroutine that a runner runs is in a task)
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    simulated = _Simulated()
    async with AsyncExitStack() as world:
        with Progress(console, simulated.now, ZONE) as progress:
            with progress.step("Everything starts") as step:
                stage = await world.enter_async_context(_world(options, virtual=virtual))
                simulated.follow(options, stage, virtual=virtual)
                step.detail = stage.broker
            data = await play(options, stage, progress)
            with progress.step("Scorecard and report are written"):
                from simulators.rig.report.page import write_report

                write_scorecard(options.out / SCORECARD, data.scorecard)
                write_report(options.out / REPORT, data)
        show_scorecard(console, data.scorecard)
        _say_where(console, options)
        if options.serve and isinstance(stage, ProcessStage):
            await _keep_serving(console, stage)
    return 0 if data.scorecard.conserved else EXIT_NOT_CONSERVED


def _world(options: Options, *, virtual: bool) -> AbstractAsyncContextManager[Stage]:
    if virtual:
        from simulators.rig.virtual.virtual_stage import virtual_stage

        return virtual_stage(options, VirtualClock(Timetable(options.day).opens))
    return process_stage(options, alone=[victim_of(sites_of(options))])


class _Simulated:
    """The simulated clock as the display sees it, which draws from a thread of its own."""

    def __init__(self) -> None:
        self._read: Callable[[], datetime] | None = None

    def follow(self, options: Options, stage: Stage, *, virtual: bool) -> None:
        if virtual:
            loop, opens = asyncio.get_running_loop(), Timetable(options.day).opens
            self._read = lambda: opens + timedelta(seconds=loop.time())
        else:
            self._read = stage.clock.now

    def now(self) -> datetime | None:
        return self._read() if self._read is not None else None


def _say_where(console: Console, options: Options) -> None:
    program = Path(sys.executable).parent / "vpp-cloud"
    database = options.out / "cloud" / "gridchorus.sqlite"
    _say(
        console,
        "",
        f"  report     {options.out / REPORT}",
        f"  figures    {options.out / SCORECARD}",
        f"  trace one  {shlex.quote(str(program))} trace --database {shlex.quote(str(database))} ID",
    )


async def _keep_serving(console: Console, stage: ProcessStage) -> None:
    """Leave everything up, in real time, until a signal comes."""
    _say(
        console,
        "",
        f"  API        {stage.cloud_url} (described at {stage.cloud_url}/openapi.json)",
        f"  token      {stage.token_file}",
        "  Ctrl-C ends everything.",
    )
    stage.let_run()
    while True:
        await SystemClock().sleep(_HOUR_S)


def _say(console: Console, *lines: str) -> None:
    """Lines as they are: a path may hold what rich would take for a colour."""
    for line in lines:
        console.print(line, highlight=False, markup=False, soft_wrap=True)


def _size_w(der: DerDescription) -> float:
    """What a device is enrolled with; a meter has no rating."""
    return max(der.injection_w_max, der.absorption_w_max)


def _stopped(complaints: Console, number: signal.Signals) -> int:
    complaints.print("vpp-demo: stopped; nothing is left running.", highlight=False)
    return EXIT_SIGNAL + number


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="vpp-demo",
        description="Play one market day of a virtual power plant: consent, forecast, bids, awards, dispatch "
        "over MQTT, an OpenADR event with a gateway that dies, a frequency dip, meters, settlement, payment.",
        epilog="The same seed gives the same forecasts, bids and awards; with --virtual the whole run is the "
        "same to the cent.",
    )
    add = parser.add_argument
    add("--sites", type=int, default=SITES, metavar="N", help="homes in the fleet (default %(default)s)")
    add(
        "--speed",
        type=float,
        default=SPEED,
        metavar="X",
        help="simulated seconds a real second in ordinary hours (default %(default)s); the dip is played in "
        "real time",
    )
    add("--seed", type=int, default=0, metavar="S", help="seed of homes, grid and ids (default %(default)s)")
    add(
        "--day",
        type=_day,
        default=DAY,
        metavar="YYYY-MM-DD",
        help="the market day, with its real day-ahead prices (default %(default)s)",
    )
    add("--out", type=Path, default=OUT, metavar="DIR", help="folder of the results (default %(default)s)")
    add("--serve", action="store_true", help="leave the API up afterwards, until Ctrl-C")
    add("--virtual", action="store_true", help="all in one process on virtual time, without sockets")
    add(
        "--broker",
        metavar="URL",
        help="use the MQTT 5 broker at mqtt://127.0.0.1:PORT instead of mosquitto or the embedded one",
    )
    return parser


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is not a day; write YYYY-MM-DD") from error


if __name__ == "__main__":
    sys.exit(main())
