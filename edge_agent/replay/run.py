"""Replay a file: play every case, judge it, write the result, and show how it goes."""

import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec
from rich.console import Console
from rich.markup import escape
from rich.progress import Progress
from rich.table import Table

from edge_agent.replay.judge import SAMPLE_PU_MAX, DynamicVerdict, StaticVerdict, judge_dynamic, judge_static
from edge_agent.replay.play import Player
from edge_agent.replay.vectors import DynamicCase, StaticCase, Vectors, load_vectors
from vpp_core.faults import ConfigurationFault, StorageFault

EXIT_FAILED = 1
"""A case failed; what could not be replayed at all is a fault."""


Verdict = StaticVerdict | DynamicVerdict


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    static_cases: int
    static_points: int
    static_worst_pu: float
    dynamic_cases: int
    samples: int
    samples_within: int
    dynamic_worst_pu: float
    checks: int
    checks_passed: int
    failing: list[str]
    """Ids of the cases that failed."""


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """What is written: per unit, positive = injection."""

    format: str = "gridchorus-replay"
    format_version: int = 1
    file: str
    passed: bool
    summary: Summary
    static: list[StaticVerdict]
    dynamic: list[DynamicVerdict]


def run_replay(file: Path, out: Path, case_id: str | None = None) -> int:
    """Replay a file, write the result, say in short what came out; the exit code, 0 or 1.

    Raises:
        Fault: a bad file, an unknown case, or a result that cannot be written.
    """
    vectors = load_vectors(file)
    cases = _chosen(vectors, file, case_id)
    player = Player(vectors)
    console = Console(stderr=True)
    verdicts: list[Verdict] = []
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        for case in progress.track(cases, description="Replay"):
            verdicts.append(_judged(player, case))  # noqa: PERF401 - the bar follows
    result = make_result(file, verdicts)
    try:
        out.write_bytes(msgspec.json.format(msgspec.json.encode(result), indent=1))
    except OSError as error:
        raise StorageFault(
            f"cannot write {out}: {error.strerror}; name a file in a folder that exists"
        ) from error
    shown = Console(file=sys.stdout)
    shown.print(_table(verdicts))
    shown.print(_sentence(result.summary, out), markup=False, highlight=False, soft_wrap=True)
    return 0 if result.passed else EXIT_FAILED


def make_result(file: Path, verdicts: Sequence[Verdict]) -> Result:
    """Everything about the cases of a file, and their sum."""
    static = [verdict for verdict in verdicts if isinstance(verdict, StaticVerdict)]
    dynamic = [verdict for verdict in verdicts if isinstance(verdict, DynamicVerdict)]
    checks = [check for verdict in dynamic for check in verdict.checks]
    failing = [verdict.id for verdict in verdicts if not verdict.passed]
    summary = Summary(
        static_cases=len(static),
        static_points=sum(len(verdict.points) for verdict in static),
        static_worst_pu=max((verdict.worst_pu for verdict in static), default=0.0),
        dynamic_cases=len(dynamic),
        samples=sum(verdict.samples for verdict in dynamic),
        samples_within=sum(verdict.samples_within for verdict in dynamic),
        dynamic_worst_pu=max((verdict.worst_pu for verdict in dynamic), default=0.0),
        checks=len(checks),
        checks_passed=sum(check.passed for check in checks),
        failing=failing,
    )
    return Result(file=file.name, passed=not failing, summary=summary, static=static, dynamic=dynamic)


def _chosen(vectors: Vectors, file: Path, case_id: str | None) -> list[StaticCase | DynamicCase]:
    cases: list[StaticCase | DynamicCase] = [*vectors.static, *vectors.dynamic]
    if case_id is None:
        return cases
    chosen = [case for case in cases if case.id == case_id]
    if not chosen:
        raise ConfigurationFault(f"{file} has no case {case_id!r}; leave out --case to replay all of them")
    return chosen


def _judged(player: Player, case: StaticCase | DynamicCase) -> Verdict:
    if isinstance(case, StaticCase):
        return judge_static(case, player.play_static(case))
    return judge_dynamic(case, player.play_dynamic(case))


def _table(verdicts: Sequence[Verdict]) -> Table:
    """One row a kind of case, and one for every case that failed."""
    table = Table("kind", "cases", "values", "worst error", "failed", box=None, pad_edge=False)
    for column in table.columns[1:4]:
        column.justify = "right"
    for kind in dict.fromkeys(verdict.kind for verdict in verdicts):
        rows = [verdict for verdict in verdicts if verdict.kind == kind]
        failed = [verdict.id for verdict in rows if not verdict.passed]
        values = sum(_values(verdict) for verdict in rows)
        worst_pu = max(verdict.worst_pu for verdict in rows)
        table.add_row(
            kind, str(len(rows)), str(values), f"{worst_pu:.6f} pu", escape(", ".join(failed)) or "none"
        )
    return table


def _values(verdict: Verdict) -> int:
    return len(verdict.points) if isinstance(verdict, StaticVerdict) else verdict.samples


def _sentence(summary: Summary, out: Path) -> str:
    checks = f"{summary.checks_passed} of {summary.checks} checks pass"
    shape = f"{summary.samples_within} of {summary.samples} samples within {SAMPLE_PU_MAX:g} pu"
    failed = len(summary.failing)
    verdict = "all cases pass" if failed == 0 else f"{failed} case{'s' if failed > 1 else ''} failed"
    return f"{verdict}; {summary.static_points} points, {shape}, {checks}; written to {out}"
