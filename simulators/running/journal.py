"""What a running fleet leaves behind: a CSV file row by row, and a bounded memory of it for the picture."""

import csv
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TextIO

from simulators.running.world import Reading
from vpp_core.faults import StorageFault

POINTS_MAX = 20_000
_DIGITS = {"frequency_hz": 5, "voltage_pu_min": 5, "voltage_pu_max": 5, "late_s": 4}


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One row: the world, and how the process that plays it was doing."""

    reading: Reading
    clients: int
    late_s: float
    """Of the tick that wrote it, in simulated seconds."""

    def cells(self, begins_s: float) -> list[object]:
        reading = self.reading
        stamp = datetime.fromtimestamp(reading.at_s, UTC).isoformat(timespec="milliseconds")
        named = {each.name: getattr(reading, each.name) for each in fields(reading) if each.name != "at_s"}
        named["late_s"] = self.late_s
        shown = {name: round(value, _DIGITS.get(name, 1)) for name, value in named.items()}
        late_s = shown.pop("late_s")
        return [stamp, round(reading.at_s - begins_s, 3), *shown.values(), self.clients, late_s]


HEAD = ["at", "since_start_s", *(each.name for each in fields(Reading)[1:]), "clients", "late_s"]


class Journal:
    """Takes entries; writes them to a file where there is one.

    The memory is bounded: when it is full every second point goes, and from then on every second entry.

    Args:
        begins_s: Unix seconds of the beginning.
        file: CSV to write; none keeps the memory only.
    """

    def __init__(self, begins_s: float, file: Path | None = None) -> None:
        self.begins_s = begins_s
        self.points: list[Reading] = []
        self._every, self._count = 1, 0
        self._file, self._path = None, file
        self._writer: Any = None
        if file is not None:
            self._file = self._open(file)
            self._writer = csv.writer(self._file, lineterminator="\n")
            self._writer.writerow(HEAD)

    def add(self, entry: Entry) -> None:
        """Raises StorageFault where the file cannot be written."""
        if self._count % self._every == 0:
            self.points.append(entry.reading)
        self._count += 1
        if len(self.points) >= POINTS_MAX:
            del self.points[1::2]
            self._every *= 2
        if self._writer is not None:
            try:
                self._writer.writerow(entry.cells(self.begins_s))
            except OSError as error:
                raise self._fault(error) from error

    def flush(self) -> None:
        """Raises StorageFault where the file cannot be written."""
        if self._file is not None:
            try:
                self._file.flush()
            except OSError as error:
                raise self._fault(error) from error

    def close(self) -> None:
        if self._file is not None:
            self.flush()
            self._file.close()
            self._file = self._writer = None

    def _open(self, path: Path) -> TextIO:
        try:
            return path.open("w", encoding="utf-8", newline="")
        except OSError as error:
            raise self._fault(error) from error

    def _fault(self, error: OSError) -> StorageFault:
        return StorageFault(f"The log {self._path} cannot be written ({error.strerror}).")
