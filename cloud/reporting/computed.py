"""A figure before it is recorded, and the small statistics that figures share."""

import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from cloud.chain.records import Record
from vpp_core.ids import RecordId
from vpp_core.units import PERCENT

HALF, MOST = 0.5, 0.95


class Computed(NamedTuple):
    kpi: str
    value: float | None
    records: tuple[RecordId, ...]
    """What it was computed from."""
    note: str = ""


def computed(kpi: str, value: float | None, records: Iterable[Record], note: str = "") -> Computed:
    """A figure with the ids of its records; where there is no value the note must say why.

    Raises:
        ValueError: neither a value nor a note.
    """
    if value is None and not note:
        raise ValueError(f"figure {kpi} has neither a value nor a reason")
    ids = dict.fromkeys(record.id for record in records)
    return Computed(kpi, value, tuple(ids), note)


def percentile(values: Sequence[float], part: float) -> float | None:
    """The smallest value that at least ``part`` of all values do not exceed (nearest rank)."""
    if not values:
        return None
    return sorted(values)[max(0, math.ceil(part * len(values)) - 1)]


def ratio_pct(part: float, whole: float) -> float | None:
    """``part`` of ``whole`` in percent, or nothing where the whole is zero."""
    return PERCENT * part / whole if whole else None
