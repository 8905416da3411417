"""``vpp-hil``: test a device by its registers and say PASS or FAIL with the measured numbers."""

import argparse
import asyncio
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

from simulators.rig.procedures import PROCEDURES, Check, DeviceUnderTest
from vpp_core.clock import Clock, SystemClock
from vpp_core.faults import EXIT_FAULT, Fault, LocalFault

EXIT_FAIL = 1
PORT_MAX = 65_535
UNIT_MAX = 247


def main(arguments: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    if options.command == "list":
        for name, procedure in PROCEDURES.items():
            print(f"{name}: {procedure.shows}")
        return 0
    try:
        report = asyncio.run(run(options.procedure, options.target, options.unit, SystemClock()))
        if options.out is not None:
            write_report(report, options.out)
    except Fault as fault:
        print(f"vpp-hil: {fault}", file=sys.stderr)
        return EXIT_FAULT
    except KeyboardInterrupt:
        print("vpp-hil: interrupted", file=sys.stderr)
        return EXIT_FAULT
    return 0 if report["verdict"] == "PASS" else EXIT_FAIL


async def run(name: str, target: tuple[str, int], unit: int, clock: Clock) -> dict[str, Any]:
    """Run one procedure against a device, print its checks, and return the result as JSON values.

    Raises:
        DeviceFault: the device does not answer, or lacks what the procedure needs.
    """
    started_at = clock.now()
    host, port = target
    async with DeviceUnderTest(host, port, unit) as device:
        identity = {point: await device.read_text(point) for point in ("Mn", "Md", "Vr", "SN")}
        print(f"{name}: {identity['Mn']} {identity['Md']} {identity['Vr']} ({identity['SN']})", flush=True)
        checks = await PROCEDURES[name].run(device, clock)
    report = _report(name, f"{host}:{port}", unit, started_at, checks) | {"device": identity}
    for check in checks:
        print(check)
    print(f"verdict: {report['verdict']}")
    return report


def write_report(report: dict[str, Any], directory: Path) -> Path:
    """Write the result as ``PROCEDURE.json``.

    Raises:
        LocalFault: the directory cannot be written.
    """
    path = directory / f"{report['procedure']}.json"
    try:
        directory.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    except OSError as error:
        raise LocalFault(f"Cannot write {path} ({error.strerror}); choose another --out.") from error
    return path


def _report(name: str, target: str, unit: int, started_at: datetime, checks: list[Check]) -> dict[str, Any]:
    return {
        "procedure": name,
        "target": target,
        "unit": unit,
        "started_at": started_at.isoformat(),
        "verdict": "PASS" if all(check.passed for check in checks) else "FAIL",
        "checks": [asdict(check) | {"passed": check.passed} for check in checks],
    }


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="vpp-hil", description="Hardware-in-the-loop tests of a SunSpec device."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("list", help="list the procedures")
    test = commands.add_parser(
        "run",
        help="run one procedure",
        description="Run one procedure against a SunSpec device with models 701, 702 and 704. It commands "
        "real power. Exit code 0 is PASS, 1 is FAIL, 2 is a fault.",
    )
    test.add_argument("procedure", choices=tuple(PROCEDURES))
    test.add_argument("--target", type=_target, required=True, metavar="HOST:PORT")
    test.add_argument("--unit", type=_unit, required=True, metavar="N", help="Modbus unit id, 1 to 247")
    test.add_argument("--out", type=Path, metavar="DIR", help="write the result to DIR/PROCEDURE.json")
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
