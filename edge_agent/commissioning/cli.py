"""``vpp-commission``: find devices, test them, and check profiles."""

import argparse
import asyncio
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec
from rich.console import Console

from edge_agent.commissioning.endpoint import add_endpoint, link_settings
from edge_agent.commissioning.lint import findings
from edge_agent.commissioning.step_test import step_test
from edge_agent.commissioning.tables import (
    Report,
    checks_table,
    identity_line,
    map_table,
    profile_details,
    profiles_table,
)
from edge_agent.devices.driver import discover
from edge_agent.devices.links import open_link
from edge_agent.devices.scan import scan
from firmware_profiles import load_profiles, profile_schema
from firmware_profiles.book import load_profile
from vpp_core.clock import SystemClock
from vpp_core.der import DerKind
from vpp_core.faults import EXIT_FAULT, ConfigurationFault, Fault

EXIT_FAILED = 1
"""Every device answered, and some check failed."""
_INTERRUPTED = 130
_UNIT_MAX = 255
_TIMER_S = 10.0


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; 0 done, 1 a check failed, 2 a fault."""
    options = _parser().parse_args(arguments)
    try:
        code = int(options.run(options))
        sys.stdout.flush()
    except BrokenPipeError:
        # Whoever reads, such as `head`, has seen enough; the interpreter would complain at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Fault as fault:
        sys.stderr.write(f"vpp-commission: {fault}\n")
        return EXIT_FAULT
    except KeyboardInterrupt:
        sys.stderr.write("vpp-commission: interrupted; the device was released or reverts by its timer\n")
        return _INTERRUPTED
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="vpp-commission", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    scanning = commands.add_parser("scan", help="show which SunSpec models a device has; writes nothing")
    add_endpoint(scanning)
    scanning.add_argument(
        "--unit", type=_unit, action="append", help="Modbus unit id; repeat it for more (1)"
    )
    scanning.set_defaults(run=_scan)

    testing = commands.add_parser("test", help="step the device's power and measure its reversion")
    add_endpoint(testing)
    testing.add_argument("--unit", type=_unit, required=True, help="Modbus unit id")
    testing.add_argument("--kind", choices=[kind.value for kind in DerKind], help="what the device is")
    testing.add_argument("--profile", help="the only profile to take, by its name; by default the best fit")
    testing.add_argument("--timer-s", type=float, default=_TIMER_S, help="reversion timer of the step (10)")
    testing.add_argument("--profiles", type=Path, help="directory of profiles; by default those shipped")
    testing.add_argument("--yes", action="store_true", help="write to the device without asking")
    testing.add_argument("--out", type=Path, help="write the result to this JSON file as well")
    testing.set_defaults(run=_test)

    profile = commands.add_parser("profile", help="list or check device profiles")
    of_profile = profile.add_subparsers(required=True, metavar="ACTION")
    listing = of_profile.add_parser("list", help="show the profiles")
    listing.add_argument("path", type=Path, nargs="?", help="directory; by default those shipped")
    listing.set_defaults(run=_list_profiles)
    showing = of_profile.add_parser("show", help="tell all about one profile, its quirks and sources too")
    showing.add_argument("name", help="of the profile")
    showing.add_argument("--profiles", type=Path, help="directory of profiles; by default those shipped")
    showing.set_defaults(run=_show_profile)
    linting = of_profile.add_parser("lint", help="check profiles against their form and against SunSpec")
    linting.add_argument("path", type=Path, nargs="?", help="file or directory; by default those shipped")
    linting.set_defaults(run=_lint_profiles)
    schema = of_profile.add_parser("schema", help="print the form of a profile as JSON Schema")
    schema.set_defaults(run=_print_schema)
    return parser


def _unit(text: str) -> int:
    unit = int(text)
    if not 0 <= unit <= _UNIT_MAX:
        raise argparse.ArgumentTypeError(f"a unit id lies in 0 .. {_UNIT_MAX}, not {unit}")
    return unit


def _scan(options: argparse.Namespace) -> int:
    settings = link_settings(options)

    async def run() -> None:
        link = open_link(settings)
        try:
            for unit in options.unit or [1]:
                found = await scan(link, unit)
                print(identity_line(options.endpoint, unit, found))
                Console().print(map_table(found))
        finally:
            await link.close()

    asyncio.run(run())
    return 0


def _test(options: argparse.Namespace) -> int:
    settings = link_settings(options)
    profiles = load_profiles(options.profiles)
    kind = DerKind(options.kind) if options.kind else None
    if not options.yes:
        _ask(f"This changes the power of unit {options.unit} at {options.endpoint} for a short time.")

    async def run() -> Report:
        clock = SystemClock()
        link = open_link(settings)
        try:
            device = await discover(link, options.unit, profiles, clock, kind=kind, profile=options.profile)
            if device.profile.control is None:
                raise ConfigurationFault(f"{device} is a meter: there is nothing to step")
            checks = await step_test(device, clock, options.timer_s)
        finally:
            await link.close()
        return Report(
            endpoint=options.endpoint,
            unit=options.unit,
            profile=device.profile.name,
            at=clock.now().isoformat(),
            passed=all(check.passed for check in checks),
            checks=checks,
        )

    report = asyncio.run(run())
    title = f"{report.endpoint} unit {report.unit}, profile {report.profile}"
    Console().print(checks_table(title, report.checks))
    if options.out is not None:
        _write(options.out, msgspec.json.format(msgspec.json.encode(report)))
    return 0 if report.passed else EXIT_FAILED


def _list_profiles(options: argparse.Namespace) -> int:
    Console().print(profiles_table(load_profiles(options.path)))
    return 0


def _show_profile(options: argparse.Namespace) -> int:
    Console().print(profile_details(load_profiles(options.profiles)[options.name]))
    return 0


def _lint_profiles(options: argparse.Namespace) -> int:
    if options.path is not None and options.path.is_file():
        profiles = [load_profile(options.path)]
    else:
        profiles = list(load_profiles(options.path))
    problems = [f"{profile.name}: {finding}" for profile in profiles for finding in findings(profile)]
    if problems:
        raise ConfigurationFault("; ".join(problems))
    print(f"{len(profiles)} profiles are sound")
    return 0


def _print_schema(_: argparse.Namespace) -> int:
    print(json.dumps(profile_schema(), indent=2, sort_keys=True))
    return 0


def _ask(warning: str) -> None:
    if not sys.stdin.isatty():
        raise ConfigurationFault(f"{warning} Add --yes to allow it.")
    try:
        answer = input(f"{warning} Go on? [y/N] ")
    except EOFError:
        answer = ""
    if answer.strip().lower() not in {"y", "yes"}:
        raise ConfigurationFault("not allowed, nothing was written")


def _write(path: Path, content: bytes) -> None:
    try:
        path.write_bytes(content + b"\n")
    except OSError as error:
        raise ConfigurationFault(f"cannot write the report to {path}: {error.strerror}") from error


if __name__ == "__main__":
    sys.exit(main())
