"""Where a run is: one line a procedure, and on a terminal what it is doing just now and for how long."""

import sys
from collections.abc import Sequence
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import Progress as Live
from rich.progress import SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

from simulators.rig.procedures.procedure import Procedure
from simulators.rig.procedures.result import ProcedureResult, Verdict

_COLOURS = {Verdict.PASS: "green", Verdict.FAIL: "red", Verdict.NOT_RUN: "dim"}


class Progress:
    """Tells the console; a context manager."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console(file=sys.stdout, highlight=False, soft_wrap=True)
        columns = (
            SpinnerColumn(),
            TextColumn("{task.description}", markup=False),
            TimeElapsedColumn(),
            TextColumn("of about {task.fields[typical_s]:.0f} s", markup=False),
        )
        self._live = Live(*columns, console=self._console, transient=True)
        self._task: TaskID | None = None
        self._head = ""

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.stop()

    def on_procedure(self, procedure: Procedure, number: int, total: int) -> None:
        self._end()
        self._head = f"{number}/{total} {procedure.id}"
        self._task = self._live.add_task(self._head, total=None, typical_s=procedure.typical_s)

    def on_step(self, name: str) -> None:
        if self._task is not None:
            self._live.update(self._task, description=f"{self._head}: {name}")

    def on_result(self, result: ProcedureResult, samples: Sequence[object]) -> None:
        del samples
        self._end()
        colour = _COLOURS[result.verdict]
        checks = sum(len(step.checks) for step in result.steps)
        tail = result.not_run or f"{len(result.steps)} steps, {checks} checks, {result.duration_s:.0f} s"
        self._console.print(f"[{colour}]{result.verdict:<7}[/]  {result.id}: ", end="")
        self._console.print(tail, markup=False)
        for step in result.steps:
            for reason in step.reasons:
                self._console.print(f"         {step.name}: {reason}", markup=False)
        self._console.file.flush()

    def _end(self) -> None:
        if self._task is not None:
            self._live.remove_task(self._task)
            self._task = None
