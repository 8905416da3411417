"""The ``faults`` command: what may be raised on a simulated device."""

import argparse
import textwrap

from simulators.devices.faults.catalogue import CATALOGUE
from simulators.devices.faults.kind import SimulatedFault
from simulators.devices.faults.parameters import parameters_of

WIDTH = 100


def add_to(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    faults = commands.add_parser("faults", help="list the faults that simulated devices can have")
    faults.add_argument("name", nargs="?", choices=tuple(CATALOGUE), metavar="NAME", help="only this one")
    faults.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    chosen = [CATALOGUE[options.name]] if options.name else CATALOGUE.values()
    print("\n\n".join(described(kind) for kind in chosen))
    return 0


def described(kind: type[SimulatedFault]) -> str:
    """What a fault does, what ought to be seen of it, and what it takes."""
    lines = [f"{kind.name} ({kind.layer})", *_wrapped(kind.summary), *_wrapped(f"seen as: {kind.sees}")]
    for each in parameters_of(kind):
        unit = f" {each.unit}" if each.unit else ""
        lines += _wrapped(f"{each.name} = {each.default}{unit} ({each.range}): {each.says}", indent="    ")
    return "\n".join(lines)


def _wrapped(sentence: str, indent: str = "  ") -> list[str]:
    return textwrap.wrap(sentence, WIDTH, initial_indent=indent, subsequent_indent=f"{indent}  ")
