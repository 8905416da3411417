"""Where a run is: one line a procedure, and on a terminal what it is doing just now."""

import sys
from collections.abc import Sequence
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.status import Status

from simulators.rig.procedures.procedure import Procedure
from simulators.rig.procedures.result import ProcedureResult, Verdict

_COLOURS = {Verdict.PASS: "green", Verdict.FAIL: "red", Verdict.NOT_RUN: "dim"}


class Progress:
    """Tells the console; a context manager."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console(file=sys.stdout, highlight=False, soft_wrap=True)
        self._status: Status | None = None
        self._head = ""

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._status = self._console.status("opening the rig")
            self._status.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._status is not None:
            self._status.stop()

    def on_procedure(self, procedure: Procedure, number: int, total: int) -> None:
        self._head = f"{number}/{total} {procedure.id}"
        self._show(self._head)

    def on_step(self, name: str) -> None:
        self._show(f"{self._head}: {name}")

    def on_result(self, result: ProcedureResult, samples: Sequence[object]) -> None:
        del samples
        colour = _COLOURS[result.verdict]
        checks = sum(len(step.checks) for step in result.steps)
        tail = result.not_run or f"{len(result.steps)} steps, {checks} checks, {result.duration_s:.0f} s"
        self._console.print(f"[{colour}]{result.verdict:<7}[/]  {result.id}: ", end="")
        self._console.print(tail, markup=False)
        for step in result.steps:
            for reason in step.reasons:
                self._console.print(f"         {step.name}: {reason}", markup=False)
        self._console.file.flush()

    def _show(self, text: str) -> None:
        if self._status is not None:
            self._status.update(text)
