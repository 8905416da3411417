"""What the demo is doing now: a list of steps with simulated and elapsed time, or plain lines.

On a terminal the list is redrawn in place; elsewhere (a file, CI) each step is one line when it ends.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Self
from zoneinfo import ZoneInfo

from rich.console import Console, RenderableType
from rich.live import Live
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from vpp_core.clock import cpu_s


@dataclass(slots=True)
class Step:
    """One step of the story."""

    title: str
    started_s: float
    detail: str = ""
    ended_s: float | None = None
    failed: bool = False


class Progress:
    """Shows the steps of a run.

    Args:
        console: where to; asked whether it is a terminal.
        simulated: the present of the simulated clock, or nothing before there is one.
        zone: in which simulated time is shown.
        elapsed_s: a counter of real seconds.
    """

    def __init__(
        self,
        console: Console,
        simulated: Callable[[], datetime | None],
        zone: ZoneInfo,
        elapsed_s: Callable[[], float] = cpu_s,
    ) -> None:
        self._console = console
        self._simulated = simulated
        self._zone = zone
        self._elapsed_s = elapsed_s
        self._start_s = elapsed_s()
        self._steps: list[Step] = []
        self._spinner = Spinner("dots", style="cyan")
        self._live = (
            Live(console=console, get_renderable=self._draw, refresh_per_second=8, transient=False)
            if console.is_terminal
            else None
        )

    def __enter__(self) -> Self:
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._live is not None:
            self._live.stop()

    @property
    def elapsed_s(self) -> float:
        """Real seconds since the run began."""
        return self._elapsed_s() - self._start_s

    @contextmanager
    def step(self, title: str) -> Iterator[Step]:
        """One step; set its ``detail`` while or after it runs."""
        step = Step(title, self._elapsed_s())
        self._steps.append(step)
        try:
            yield step
        except BaseException:
            step.failed = True
            raise
        finally:
            step.ended_s = self._elapsed_s()
            if self._live is None:
                self._console.print(self._plain(step), highlight=False)

    def note(self, text: str) -> None:
        """A line that stays, above the list."""
        self._console.print(text, highlight=False)

    def _plain(self, step: Step) -> str:
        detail = f": {step.detail}" if step.detail else ""
        took_s = (step.ended_s or step.started_s) - step.started_s
        failed = "FAILED " if step.failed else ""
        return f"[{self.elapsed_s:5.1f} s] {self._when()}{failed}{step.title}{detail} ({took_s:.1f} s)"

    def _draw(self) -> RenderableType:
        table = Table.grid(padding=(0, 1))
        table.add_column(width=2)
        table.add_column()
        table.add_column(justify="right", style="dim")
        for step in self._steps:
            ended_s = self._elapsed_s() if step.ended_s is None else step.ended_s
            words = Text.assemble(step.title, (f"  {step.detail}", "dim") if step.detail else "")
            table.add_row(self._mark(step), words, f"{ended_s - step.started_s:.1f} s")
        table.add_row("", Text(f"{self._when()}{self.elapsed_s:.0f} s elapsed", style="cyan"), "")
        return table

    def _mark(self, step: Step) -> RenderableType:
        if step.failed:
            return Text("✗", style="bold red")
        return self._spinner if step.ended_s is None else Text("✓", style="green")

    def _when(self) -> str:
        simulated = self._simulated()
        return "" if simulated is None else f"{simulated.astimezone(self._zone):%a %d %b %H:%M:%S}  "
