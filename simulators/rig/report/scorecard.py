"""The scorecard on the terminal and as a file: seven stages, each figure with its unit and note."""

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich import box
from rich.console import Console
from rich.padding import Padding
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from simulators.rig.report.outcome import STAGES, BookMoney, Scorecard
from simulators.rig.report.wording import say, say_cents
from vpp_core.faults import LocalFault

SCHEMA = 1
_TITLE = "bold cyan"
_INDENT = (0, 0, 0, 2)


def show_scorecard(console: Console, scorecard: Scorecard) -> None:
    """Print the scorecard."""
    console.print()
    console.print(_header(scorecard))
    console.print(Padding(_figures(scorecard), _INDENT))
    console.print(Padding(_money(scorecard), _INDENT))
    console.print(Padding(_verdict(scorecard), (0, 0, 0, 5)))
    if scorecard.synthetic:
        made_up = "; ".join(scorecard.synthetic)
        console.print(Padding(Text(f"Synthetic: {made_up}.", style="yellow"), (0, 0, 0, 5)))


def scorecard_document(scorecard: Scorecard) -> dict[str, Any]:
    """The scorecard as it is written to ``scorecard.json``."""
    run = scorecard.run
    return {
        "schema": SCHEMA,
        "day": run.day.isoformat(),
        "seed": run.seed,
        "sites": run.sites,
        "enrolled_w": run.enrolled_w,
        "wall_s": round(run.wall_s, 3),
        "broker": run.broker,
        "clock": run.clock,
        "currency": scorecard.currency,
        "conserved": scorecard.conserved,
        "books": [
            {
                "book": book.book,
                "counterparty": book.counterparty,
                "invoice_cents": book.invoice_cents,
                "owners_cents": book.owners_cents,
                "operator_cents": book.operator_cents,
                "owners": book.owners,
                "lines": [{"what": line.what, "cents": line.cents} for line in book.lines],
                "trace_id": book.trace_id,
            }
            for book in scorecard.books
        ],
        "synthetic": list(scorecard.synthetic),
        "kpis": [
            {
                "id": kpi.id,
                "stage": kpi.stage,
                "label": kpi.label,
                "value": kpi.value,
                "unit": kpi.unit,
                "definition": kpi.definition,
                "note": kpi.note,
                "trace_id": kpi.trace_id,
            }
            for kpi in scorecard.kpis
        ],
    }


def write_scorecard(path: Path, scorecard: Scorecard) -> None:
    """Write ``scorecard.json``, whole or not at all.

    Raises:
        LocalFault: the file cannot be written.
    """
    write_whole(path, json.dumps(scorecard_document(scorecard), indent=2, ensure_ascii=False) + "\n")


def write_whole(path: Path, text: str) -> None:
    """Write a file so that nobody ever sees half of it.

    Raises:
        LocalFault: the file cannot be written.
    """
    draft = path.with_name(f".{path.name}.draft")
    try:
        with draft.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise LocalFault(f"{path} cannot be written: {error.strerror}.") from error


def _header(scorecard: Scorecard) -> Panel:
    run = scorecard.run
    facts = Table.grid(padding=(0, 3))
    rows = (
        ("market day", f"{run.day:%A, %d %B %Y} ({run.zone.key})"),
        ("fleet", f"{run.sites} sites, {say(run.enrolled_w, 'W')} enrolled"),
        ("run", f"seed {run.seed}, {say(run.wall_s, 's')} of wall time, clock {run.clock}"),
        ("broker", run.broker),
    )
    for name, fact in rows:
        facts.add_row(Text(name, style="dim"), fact)
    return Panel(facts, title="[bold]Gridchorus scorecard", title_align="left", box=box.ROUNDED, expand=False)


def _figures(scorecard: Scorecard) -> Table:
    table = _table()
    table.add_column(justify="right", no_wrap=True)
    table.add_column(style="dim", ratio=4)
    for stage, title in STAGES.items():
        kpis = [kpi for kpi in scorecard.kpis if kpi.stage == stage]
        if not kpis:
            continue
        table.add_row()
        table.add_row(Text(str(stage), style=_TITLE), Text(title, style=_TITLE))
        said = ""
        for kpi in kpis:
            style = "dim" if kpi.value is None else "bold"
            note = "" if kpi.note == said else kpi.note
            said = kpi.note
            table.add_row("", kpi.label, Text(say(kpi.value, kpi.unit), style=style), note)
    return table


def _money(scorecard: Scorecard) -> Table:
    table = _table()
    for _ in range(3):
        table.add_column(justify="right", no_wrap=True)
    heads = (Text(head, style="dim") for head in ("invoiced", "to owners", "operator"))
    table.add_row()
    table.add_row(Text("$", style=_TITLE), Text(f"Money, {scorecard.currency}", style=_TITLE), *heads)
    for book in scorecard.books:
        who = f"{book.book}: {book.counterparty}, {book.owners} owners"
        table.add_row("", who, *_amounts([book]))
    if len(scorecard.books) > 1:
        table.add_row("", "together", *_amounts(scorecard.books), style="bold")
    return table


def _amounts(books: Sequence[BookMoney]) -> tuple[str, str, str]:
    return (
        say_cents(sum(book.invoice_cents for book in books)),
        say_cents(sum(book.owners_cents for book in books)),
        say_cents(sum(book.operator_cents for book in books)),
    )


def _verdict(scorecard: Scorecard) -> Text:
    if scorecard.conserved:
        return Text("Conserved: owners and operator get what was invoiced, to the cent.", style="green")
    return Text("NOT conserved: owners and operator do not get what was invoiced.", style="bold red")


def _table() -> Table:
    """Columns: a narrow margin, the label; the caller adds the rest."""
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0), pad_edge=False)
    table.add_column(width=1)
    table.add_column(ratio=3)
    return table
