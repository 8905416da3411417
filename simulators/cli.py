"""``vpp-sim``: simulated devices on real registers, the grid around them, and the data that they replay."""

import argparse
import os
import sys
from collections.abc import Sequence

from simulators.programs import data, device, faults, fleet, replay, site, tell, thermostat
from vpp_core.faults import EXIT_FAULT, Fault

EXIT_UNREAD = 141
"""Nobody reads what is printed, as after ``| head -1``: what a shell says of a program that SIGPIPE ended."""
PROGRAMS = (device, site, fleet, tell, faults, replay, data, thermostat)


def main(arguments: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    try:
        code: int = options.run(options)
    except Fault as fault:
        print(f"vpp-sim: {fault}", file=sys.stderr)
        return EXIT_FAULT
    except KeyboardInterrupt:
        return 0
    except BrokenPipeError:
        # What is left in the buffer goes nowhere, or Python would complain of it at the very end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_UNREAD
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="vpp-sim", description="Simulated devices on real registers, and the grid around them."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    for program in PROGRAMS:
        program.add_to(commands)
    return parser


if __name__ == "__main__":
    sys.exit(main())
