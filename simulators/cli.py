"""``vpp-sim``: simulated devices on real registers, the grid around them, and the data that they replay."""

import argparse
import sys
from collections.abc import Sequence

from simulators.programs import data, device, faults, fleet, replay, site, tell, thermostat
from vpp_core.faults import EXIT_FAULT, Fault

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
