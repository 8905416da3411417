"""The ``replay`` command: recorded answers of an oracle beside those of the simulated unit."""

import argparse
import difflib
import hashlib
import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec
from rich.console import Console
from rich.progress import track
from rich.table import Table

from simulators.replay.play import Played
from simulators.replay.result import Case, CaseResult, Result, Verdict, replay, summarize
from simulators.replay.vectors import DynamicCase, Vectors, read_vectors
from vpp_core.faults import ConfigurationFault, LocalFault

EXIT_FAILED = 1
PLAIN_WIDTH = 120
"""Characters a line where no terminal says how many it has."""


def add_to(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    command = commands.add_parser(
        "replay",
        help="hold the simulated unit's autonomous functions to recorded answers",
        description="Run a file of the format vpp-edge-oracle through the autonomous functions of the "
        "simulated unit. Exit code 0: every case passes; 1: some fail, and are named; 2: the file cannot be "
        "used.",
    )
    command.add_argument("file", type=Path, metavar="FILE", help="the recorded answers, as JSON")
    command.add_argument(
        "--out", type=Path, metavar="RESULT.json", help="write computed values beside the expected ones"
    )
    command.add_argument(
        "--case", action="append", default=[], metavar="ID", help="only this case; may be repeated"
    )
    command.add_argument("--plot", type=Path, metavar="DIR", help="write a picture of each dynamic case")
    command.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    vectors = read_vectors(options.file)
    cases = _chosen(vectors, options.case)
    results = []
    console = Console(stderr=True)
    progress = track(
        replay(vectors, cases),
        description="Replaying",
        total=len(cases),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )
    for case, (result, played) in zip(cases, progress, strict=True):
        results.append(result)
        if options.plot is not None:
            _plot(case, played, result, options.plot)
    sha256 = hashlib.sha256(options.file.read_bytes()).hexdigest()
    summary = summarize(results, file=options.file.name, sha256=sha256, oracle=vectors.oracle)
    if options.out is not None:
        _write(options.out, msgspec.json.encode(summary) + b"\n")
    _show(summary)
    return 0 if summary.passed else EXIT_FAILED


def _chosen(vectors: Vectors, ids: Sequence[str]) -> list[Case]:
    every: list[Case] = [*vectors.static, *vectors.dynamic]
    known = [case.id for case in every]
    for name in ids:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=3)
            hint = f"; near it are {', '.join(near)}" if near else ""
            raise ConfigurationFault(f"There is no case {name!r} in the file{hint}.")
    chosen = [case for case in every if not ids or case.id in ids]
    if not chosen:
        raise ConfigurationFault("The file holds no case.")
    return chosen


def _plot(case: Case, played: Played | None, result: CaseResult, folder: Path) -> None:
    if not isinstance(case, DynamicCase) or played is None:
        return
    from simulators.replay.plots import plot

    try:
        folder.mkdir(parents=True, exist_ok=True)
        plot(case, played, result, folder)
    except OSError as error:
        raise LocalFault(f"Cannot write pictures to {folder}: {error.strerror}") from error


def _write(path: Path, content: bytes) -> None:
    try:
        path.write_bytes(content)
    except OSError as error:
        raise LocalFault(f"Cannot write {path}: {error.strerror}") from error


def _show(result: Result) -> None:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("kind", no_wrap=True)
    for title in ("cases", "points", "checks", "alike", "worst pu", "fail"):
        table.add_column(title, justify="right", no_wrap=True)
    table.add_column("worst case", overflow="fold")
    for name, kind in result.kinds.items():
        table.add_row(
            name,
            str(kind.cases),
            str(kind.points or "-"),
            str(kind.checks or "-"),
            "-" if kind.points else str(kind.same_shape),
            f"{kind.worst_pu:.6f}",
            f"[red]{kind.failed}[/red]" if kind.failed else "0",
            kind.worst_id,
        )
    console = Console(file=sys.stdout, highlight=False)
    if not console.is_terminal:
        console.width = PLAIN_WIDTH
    console.print(table)
    open_ids = [case.id for case in result.cases if case.verdict is Verdict.NOT_JUDGED]
    if open_ids:
        console.print(f"Not judged, the oracle's own choice: {', '.join(open_ids)}")
    for case in result.cases:
        if case.verdict is Verdict.FAIL:
            console.print(f"[red]FAIL[/red] {case.id}: {_why(case)}", soft_wrap=True)
    passed = sum(case.verdict is Verdict.PASS for case in result.cases)
    console.print(
        f"{passed} of {len(result.cases)} cases pass against {result.oracle}; "
        f"worst {result.worst_pu:.6f} per unit in {result.worst_id}."
    )


def _why(case: CaseResult) -> str:
    """What fails a case, in a few words."""
    wrong = [
        f"{check.check.__struct_config__.tag}: {check.says}" for check in case.checks if not check.passed
    ]
    if points := sum(not point.passed for point in case.points):
        wrong.append(f"{points} of {len(case.points)} points, worst {case.error_pu:.6f} per unit")
    if case.shape and not case.shape.same and not case.model_only:
        wrong.append(
            f"{100.0 * case.shape.within_share:.1f} % of samples within tolerance, "
            f"{100.0 * case.shape.mode_share:.1f} % in the same mode"
        )
    return "; ".join(wrong)
