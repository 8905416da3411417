"""``vpp-hil``: put a device, a gateway or a site through procedures, and say PASS or FAIL with the reason.

Exit code 0 is PASS, 1 is FAIL, 2 a fault (no connection, a configuration that cannot be), 130 an
interruption (Ctrl-C, SIGTERM, a terminal that is closed), 141 that nobody reads what is printed; the device
is given back as it was found in every case.
"""

import argparse
import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path

from simulators.rig.hil_bench.settings import (
    AgentTarget,
    DeviceTarget,
    HilSettings,
    load_settings,
    quick_settings,
)
from simulators.rig.hil_gateway import run_real_gateway
from simulators.rig.hil_progress import Progress
from simulators.rig.hil_report.folder import RunFolder, read_results
from simulators.rig.hil_run import Order, choose, run_real
from simulators.rig.hil_simulated import run_on_bench, simulated_settings
from simulators.rig.procedures.catalogue import PROCEDURES
from simulators.rig.procedures.fault_reasons import FAULT_REASONS
from simulators.rig.procedures.procedure import Procedure
from simulators.rig.procedures.result import RunResult, Verdict
from simulators.rig.procedures.runner import GIVE_BACK
from vpp_core.clock import SystemClock
from vpp_core.faults import EXIT_FAULT, ConfigurationFault, Fault, fault_in

EXIT_FAIL = 1
EXIT_INTERRUPTED = 130
EXIT_UNREAD = 141
"""What a shell says of a program that SIGPIPE ended; a run that was cut short so has not passed."""
PORT_MAX = 65_535
UNIT_MAX = 247


def main(arguments: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    try:
        code: int = options.act(options)
        sys.stdout.flush()
    except BrokenPipeError:
        # Whoever reads, such as `head`, has seen enough; the interpreter would complain at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_UNREAD
    except (Fault, BaseExceptionGroup) as error:
        fault = fault_in(error)
        if fault is None:
            raise
        print(f"vpp-hil: {fault}", file=sys.stderr)
        return EXIT_FAULT
    except KeyboardInterrupt:
        print("vpp-hil: interrupted", file=sys.stderr)
        return EXIT_INTERRUPTED
    return code


def _list(options: argparse.Namespace) -> int:
    if options.json:
        print(json.dumps([_described(procedure) for procedure in PROCEDURES.values()], indent=2))
        return 0
    if options.faults:
        for row in FAULT_REASONS:
            print(f"{row.fault}: {row.procedure}, step '{row.step} ...': {row.reason}")
        return 0
    width = max(map(len, PROCEDURES))
    for procedure in PROCEDURES.values():
        print(f"{procedure.id:<{width}}  {procedure.purpose}")
    return 0


def _described(procedure: Procedure) -> dict[str, object]:
    needs = procedure.needs
    return {
        "id": procedure.id,
        "title": procedure.title,
        "group": procedure.group,
        "clause": procedure.clause,
        "purpose": procedure.purpose,
        "targets": sorted(needs.targets),
        "needs_models": list(needs.models),
        "needs_grid": needs.grid,
        "needs_storage": needs.storage,
        "parameters": procedure.configure({}).model_dump(mode="json"),
    }


def _check_config(options: argparse.Namespace) -> int:
    settings = load_settings(options.config)
    choose(settings, list(PROCEDURES))
    print(json.dumps(settings.model_dump(mode="json"), indent=2))
    return 0


def _report(options: argparse.Namespace) -> int:
    result = read_results(options.folder)
    folder = RunFolder(options.folder)
    folder.render(result)
    print(f"{result.verdict}: {folder.path / 'report.html'}")
    return 0


def _run(options: argparse.Namespace) -> int:
    settings = _settings(options)
    names = list(PROCEDURES) if options.all else options.procedure
    if not names:
        raise ConfigurationFault("Say which procedures to run, or --all; vpp-hil list names them.")
    stamp = SystemClock().now()
    folder = RunFolder(options.out or Path("hil-results") / f"{stamp:%Y%m%dT%H%M%SZ}")
    result = _empty(stamp, settings)
    with Progress() as progress, _ended_as_by_ctrl_c():
        order = Order(settings, choose(settings, names), result, folder, progress)
        try:
            _start(order, options.simulated)
        except KeyboardInterrupt:
            print(f"vpp-hil: interrupted; {_left(result)}", file=sys.stderr)
            return EXIT_INTERRUPTED
        finally:
            folder.write(result)
    print(f"verdict: {result.verdict} ({_counted(result)}), {folder.path / 'report.html'}")
    return 0 if result.verdict is Verdict.PASS else EXIT_FAIL


@contextlib.contextmanager
def _ended_as_by_ctrl_c() -> Iterator[None]:
    """SIGTERM, or the end of the terminal, must not leave a device with the rig's commands."""
    former = {each: signal.getsignal(each) for each in (signal.SIGTERM, signal.SIGHUP)}
    ours = [each for each, handler in former.items() if handler is signal.SIG_DFL]
    for each in ours:
        signal.signal(each, lambda *_: signal.raise_signal(signal.SIGINT))
    try:
        yield
    finally:
        for each in ours:
            signal.signal(each, former[each])


def _left(result: RunResult) -> str:
    """How an interrupted run left the device."""
    steps = result.procedures[-1].steps if result.procedures else []
    failed = [step.fault for step in steps if step.name == GIVE_BACK]
    return f"the device was NOT given back: {failed[-1]}" if failed else "the device was given back"


def _start(order: Order, simulated: str | None) -> None:
    """Run the order where its target is: on the network, or in this process on simulated time."""
    if simulated == "device":
        run_on_bench(order)
    elif simulated is not None:
        from simulators.rig.hil_own_agent import run_own_agent

        run_own_agent(order, simulated)
    elif isinstance(order.settings.target, DeviceTarget):
        asyncio.run(run_real(order, SystemClock()))
    else:
        asyncio.run(run_real_gateway(order, SystemClock()))


def _settings(options: argparse.Namespace) -> HilSettings:
    given = [options.config is not None, options.target is not None, options.simulated is not None]
    if sum(given) != 1:
        raise ConfigurationFault("Say what to test by exactly one of --config, --target or --simulated.")
    if options.config is not None:
        return load_settings(options.config)
    if options.target is not None:
        host, port = options.target
        return quick_settings(host, port, options.unit)
    if options.simulated == "device":
        return simulated_settings()
    return HilSettings(target=AgentTarget(kind="agent"))


def _empty(started_at: datetime, settings: HilSettings) -> RunResult:
    return RunResult(
        started_at=started_at,
        target="",
        grid="",
        instruments="",
        clock="",
        configuration=settings.model_dump(mode="json"),
    )


def _counted(result: RunResult) -> str:
    counts = ((result.count(verdict), verdict) for verdict in Verdict)
    return ", ".join(f"{count} {verdict}" for count, verdict in counts if count)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="vpp-hil", description="Hardware-in-the-loop tests.")
    commands = parser.add_subparsers(dest="command", required=True)
    listing = commands.add_parser("list", help="list the procedures")
    listing.set_defaults(act=_list)
    listing.add_argument("--json", action="store_true", help="with needs and parameters")
    listing.add_argument(
        "--faults",
        action="store_true",
        help="which procedure finds which simulated fault, and how it says so",
    )
    check = commands.add_parser("check-config", help="check a configuration and print it with its defaults")
    check.set_defaults(act=_check_config)
    check.add_argument("config", type=Path, metavar="FILE")
    report = commands.add_parser("report", help="write the report and JUnit XML of a run again")
    report.set_defaults(act=_report)
    report.add_argument("folder", type=Path, metavar="DIR")
    test = commands.add_parser(
        "run",
        help="run procedures",
        description="Run procedures. They command real power, and, with a grid source, abnormal voltage and "
        "frequency. Exit code 0 is PASS, 1 is FAIL, 2 is a fault, 130 an interruption.",
    )
    test.set_defaults(act=_run)
    test.add_argument("procedure", nargs="*", choices=(*PROCEDURES, []), metavar="PROCEDURE")
    test.add_argument("--all", action="store_true", help="every procedure that the target allows")
    test.add_argument("--config", type=Path, metavar="FILE", help="what is on the rig (TOML)")
    test.add_argument("--target", type=_target, metavar="HOST:PORT", help="a device, with no grid source")
    test.add_argument("--unit", type=_unit, default=1, metavar="N", help="of --target: 1 to 247")
    test.add_argument(
        "--simulated",
        nargs="?",
        const="device",
        choices=("device", "agent", "site"),
        help="a target that is built in, on simulated time",
    )
    test.add_argument("--out", type=Path, metavar="DIR", help="default: hil-results/TIME")
    return parser


def _target(text: str) -> tuple[str, int]:
    host, colon, port = text.rpartition(":")
    if not (host and colon and port.isdecimal() and 0 < int(port) <= PORT_MAX):
        raise argparse.ArgumentTypeError(f"{text!r} is not HOST:PORT")
    return host, int(port)


def _unit(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= UNIT_MAX:
        raise argparse.ArgumentTypeError(f"{text!r} is not a unit id from 1 to {UNIT_MAX}")
    return int(text)


if __name__ == "__main__":
    sys.exit(main())
