"""The table of a run: rows in groups, and how they read in ``docs/benchmarks.md``."""

import os
import platform
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import NamedTuple

from tests.benchmarks.measuring import Comparison, Timing

COMMAND = "make bench"
SHARED_LOAD = 0.5
"""Load average a core beyond which absolute times say little."""
_HEAD = f"""\
# Benchmarks

Written by `{COMMAND}`; not edited by hand. Every figure stands beside a peer or a floor that was measured
in the same run, in turn with it: absolute times belong to the machine, the ratio (ours / peer, median over
the rounds) to the code. p99 is the slowest sample where there are fewer than 100.
"""
_COLUMNS = ("what", "p50", "p99", "samples", "peer or floor", "its p50", "its p99", "ratio")
_UNITS = ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs"))


class Row(NamedTuple):
    what: str
    ours: Timing
    peer_name: str = ""
    peer: Timing | None = None
    ratio: float | None = None

    def cells(self) -> tuple[str, ...]:
        return (
            self.what,
            shown_s(self.ours.p50_s),
            shown_s(self.ours.p99_s),
            str(len(self.ours.samples_s)),
            self.peer_name,
            "" if self.peer is None else shown_s(self.peer.p50_s),
            "" if self.peer is None else shown_s(self.peer.p99_s),
            "" if self.ratio is None else shown_ratio(self.ratio),
        )


class Group:
    """Rows about one part of the system, and what must be said about them."""

    def __init__(self) -> None:
        self.rows: list[Row] = []
        self.notes: list[str] = []

    def add(self, what: str, measured: Comparison, peer: str) -> None:
        self.rows.append(Row(what, measured.ours, peer, measured.peer, measured.ratio))

    def add_alone(self, what: str, timing: Timing) -> None:
        """Something that is itself a floor."""
        self.rows.append(Row(what, timing))

    def note(self, text: str) -> None:
        self.notes.append(text)


class Table:
    """All groups of a run, in the order in which they were begun."""

    def __init__(self) -> None:
        self.groups: dict[str, Group] = {}
        self.started_at = datetime.now(UTC)
        self.load_before = os.getloadavg()[0]

    def group(self, title: str) -> Group:
        return self.groups.setdefault(title, Group())

    def markdown(self) -> str:
        return "\n".join([_HEAD, *self._facts(), *self._groups()])

    def _facts(self) -> Iterator[str]:
        yield f"- date: {self.started_at:%Y-%m-%d %H:%M} UTC"
        yield f"- command: `{COMMAND}`"
        yield (
            f"- machine: {os.cpu_count()} cores, {platform.machine()}, {platform.system()}; "
            f"load average (1 min) {self.load_before:.1f} before the run"
        )
        if self.load_before > SHARED_LOAD * (os.cpu_count() or 1):
            yield "- **the machine was shared with other work**: take the ratios, not the absolute times"
        yield f"- Python {platform.python_version()} ({platform.python_implementation()})"

    def _groups(self) -> Iterator[str]:
        for title, group in self.groups.items():
            yield f"\n## {title}\n"
            if group.rows:
                yield _line(_COLUMNS)
                yield _line([":--", "--:", "--:", "--:", ":--", "--:", "--:", "--:"])
                yield from (_line(row.cells()) for row in group.rows)
            if group.notes:
                yield ""
                yield from (f"- {note}" for note in group.notes)
        yield ""


def shown_s(duration_s: float) -> str:
    """Three digits in the unit that suits: ``12.3 ms``."""
    scale, unit = next((pair for pair in _UNITS if duration_s >= pair[0]), _UNITS[-1])
    value = duration_s / scale
    return f"{value:,.{max(0, 2 - len(str(int(value))) + 1)}f} {unit}"


def shown_ratio(ratio: float) -> str:
    """``2.1``, or ``1/37`` where ours is much faster."""
    if ratio < 0.2:
        return f"1/{1 / ratio:,.0f}"
    return f"{ratio:,.0f}" if ratio >= 20 else f"{ratio:.2g}"


def _line(cells: tuple[str, ...] | list[str]) -> str:
    return f"| {' | '.join(cells)} |"
