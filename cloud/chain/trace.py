"""A record with everything that it follows from and everything that follows from it."""

from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

import msgspec
from rich.console import Group
from rich.text import Text
from rich.tree import Tree

from cloud.chain.records import AnyRecord
from cloud.chain.summary import STAGE_BY_KIND, kind_of, summary
from vpp_core.ids import RecordId

SIBLINGS_MAX = 8


class Trace(msgspec.Struct, frozen=True):
    """The chain around one record; both tuples run from the origin to the end.

    ``ancestors`` and ``descendants`` are complete: every predecessor of an ancestor is an ancestor.
    """

    record: AnyRecord
    ancestors: tuple[AnyRecord, ...]
    descendants: tuple[AnyRecord, ...]

    @property
    def records(self) -> tuple[AnyRecord, ...]:
        """All of them, each after its predecessors."""
        return (*self.ancestors, self.record, *self.descendants)

    def as_json(self) -> dict[str, Any]:
        """The trace as plain JSON values: ``record``, ``ancestors`` and ``descendants`` with bodies."""
        return {
            "record": _node(self.record),
            "ancestors": [_node(record) for record in self.ancestors],
            "descendants": [_node(record) for record in self.descendants],
        }

    def render(self, *, siblings_max: int = SIBLINGS_MAX) -> Group:
        """Two trees for a terminal: what the record follows from, and what follows from it.

        Args:
            siblings_max: of one record's neighbours of one kind, this many are drawn and the rest counted.
        """
        by_id = {record.id: record for record in self.records}
        successors: dict[RecordId, list[AnyRecord]] = {}
        for record in self.records:
            for predecessor in record.predecessors:
                successors.setdefault(predecessor, []).append(record)
        origins = Tree(Text("follows from", style="bold"))
        ends = Tree(Text("leads to", style="bold"))
        _grow(
            origins,
            self.record,
            lambda record: [by_id[key] for key in record.predecessors if key in by_id],
            siblings_max,
        )
        _grow(ends, self.record, lambda record: successors.get(record.id, []), siblings_max)
        return Group(_line(self.record), origins, ends)


def _node(record: AnyRecord) -> dict[str, Any]:
    return {
        "id": record.id,
        "kind": kind_of(record),
        "stage": STAGE_BY_KIND[type(record)],
        "summary": summary(record),
        "body": msgspec.to_builtins(record),
    }


def _grow(
    root: Tree,
    origin: AnyRecord,
    neighbours: Callable[[AnyRecord], Iterable[AnyRecord]],
    siblings_max: int,
) -> None:
    """Add the neighbours of a record below it, nearest first; each record is opened once."""
    opened = {origin.id}
    waiting = [(root, origin)]
    while waiting:
        branch, record = waiting.pop(0)
        drawn: Counter[str] = Counter()
        for neighbour in neighbours(record):
            drawn[kind_of(neighbour)] += 1
            if drawn[kind_of(neighbour)] > siblings_max:
                continue
            if neighbour.id in opened:
                branch.add(_line(neighbour, again=True))
                continue
            opened.add(neighbour.id)
            waiting.append((branch.add(_line(neighbour)), neighbour))
        for kind, count in drawn.items():
            if count > siblings_max:
                branch.add(Text(f"and {count - siblings_max} more {kind}", style="dim"))


def _line(record: AnyRecord, *, again: bool = False) -> Text:
    head = f"{STAGE_BY_KIND[type(record)]} {kind_of(record)} "
    if again:
        return Text.assemble((head, "dim"), (f"{record.id} (shown elsewhere)", "dim"))
    return Text.assemble((head, "bold cyan"), summary(record), " ", (record.id, "dim"))
