"""A log of a running simulation: what is true over time, as CSV."""

import csv
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from vpp_core.faults import StorageFault

Row = Mapping[str, float | int | str | None]


class Recorder:
    """Writes rows under the names of the first one; each is on the disk's way when :meth:`write` returns.

    Raises:
        StorageFault: the file cannot be opened or written.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._file = path.open("w", encoding="utf-8", newline="")
        except OSError as error:
            raise self._fault(error) from error
        self._writer = csv.writer(self._file, lineterminator="\n")
        self._names: list[str] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with suppress(OSError):  # a full disk has been told by the write
            self._file.close()

    def write(self, row: Row) -> None:
        try:
            if not self._names:
                self._names = list(row)
                self._writer.writerow(self._names)
            self._writer.writerow([_text(row.get(name)) for name in self._names])
            self._file.flush()
        except OSError as error:
            raise self._fault(error) from error

    def _fault(self, error: OSError) -> StorageFault:
        return StorageFault(f"Cannot write the log {self._path} ({error.strerror}); choose another file.")


def _text(value: float | str | None) -> str:
    if value is None:
        return ""
    return f"{value:.6g}" if isinstance(value, float) and abs(value) < 1e6 else str(value)  # noqa: PLR2004
