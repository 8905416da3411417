"""What a running fleet shows: a bar while it starts, one line that stays up to date while it runs."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TypeVar

from rich.console import Console
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.text import Text

from simulators.running.tick import Lag
from simulators.running.world import Reading

PLAIN_EVERY = 10
"""Where the line cannot be redrawn (a file, CI), one of so many is printed."""
W_PER_MW = 1e6

Item = TypeVar("Item")


class Screen:
    """Writes to a console, redrawing where it is a terminal."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._live: Live | None = None
        self._shown = 0

    def bar(self, items: Sequence[Item], what: str) -> Iterator[Item]:
        """The items one by one, with a bar on a terminal."""
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
        hidden = not self._console.is_terminal
        with Progress(*columns, console=self._console, transient=True, disable=hidden) as progress:
            yield from progress.track(items, description=what)

    def say(self, text: str) -> None:
        self._console.print(text, highlight=False, markup=False, soft_wrap=True)

    @contextmanager
    def running(self) -> Iterator[None]:
        """While it lasts, the status line of a terminal stays at the bottom."""
        if not self._console.is_terminal:
            yield
            return
        with Live(console=self._console, auto_refresh=False, transient=True) as live:
            self._live = live
            try:
                yield
            finally:
                self._live = None

    def show(self, line: str) -> None:
        """The newest status line."""
        if self._live is not None:
            self._live.update(Text(line, style="cyan", no_wrap=True), refresh=True)
        elif self._shown % PLAIN_EVERY == 0:
            self.say(line)
        self._shown += 1


def status(reading: Reading, clients: int, lag: Lag, speed: float) -> str:
    """One line: time, frequency, powers, voltages, clients, and how late the tick was at worst."""
    stamp = datetime.fromtimestamp(reading.at_s, UTC)
    parts = [
        f"{stamp:%H:%M:%S} UTC",
        f"{reading.frequency_hz:.3f} Hz",
        f"fleet {reading.meter_w / W_PER_MW:+.4f} MW (batteries {reading.battery_w / W_PER_MW:+.4f} MW)",
    ]
    low, high = f"{reading.voltage_pu_min:.3f}", f"{reading.voltage_pu_max:.3f}"
    parts.append(f"{low} pu" if low == high else f"{low} to {high} pu")
    late_ms = 1_000.0 * lag.worst_s() / speed if speed > 0.0 else 0.0
    parts.append(f"{clients} client{'' if clients == 1 else 's'}")
    parts.append(f"tick late by {late_ms:.1f} ms at most, {lag.skipped} skipped")
    return ", ".join(parts)
