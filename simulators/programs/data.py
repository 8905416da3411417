"""The ``data`` command: what the simulators replay, and where it comes from."""

import argparse

from simulators.data.extracts import EXTRACTS


def add_to(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    data = commands.add_parser("data", help="list the data files with source and licence")
    data.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    del options
    for extract in EXTRACTS:
        print(f"{extract.file}\n  {extract.shows}\n  source: {extract.source}\n  licence: {extract.licence}")
    print("house load\n  SYNTHETIC: a seeded rule, measured nowhere")
    return 0
