"""Simulated time that the processes of a rig share: a small mapped file that holds one `Pace`.

One process keeps the pace, any number read it, and nobody ever waits. The file has two slots; the
keeper fills the one that is not in force and then moves the sequence number on. A reader copies the
slot in force and takes the copy only if the number stood still meanwhile and the checksum agrees, so
it never sees half of one pace and half of another.
"""

import math
import mmap
import struct
import zlib
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Self

from vpp_core.clock import Pace, PacedClock, SystemClock, monotonic_host_s
from vpp_core.faults import LocalFault

_MAGIC: Final = b"GCPACE01"
_SEQUENCE_WORD: Final = 1
_SLOTS_AT: Final = 16
_VALUES: Final = struct.Struct("=4d")
_CHECKSUM: Final = struct.Struct("=Q")
_SLOT_BYTES: Final = _VALUES.size + _CHECKSUM.size
_FILE_BYTES: Final = _SLOTS_AT + 2 * _SLOT_BYTES
_READS_MAX: Final = 1_000


class PaceFile:
    """The shared pace; made by `create` in the one process that keeps it, by `open` in the others."""

    def __init__(self, path: Path, mapped: mmap.mmap) -> None:
        self.path = path
        self._map = mapped
        self._words = memoryview(mapped).cast("Q")
        self._cached = (-1, Pace(0.0, 0.0, 0.0))

    @classmethod
    def create(cls, path: Path, at: datetime) -> Self:
        """A clock that reads ``at`` and stands still.

        Raises:
            LocalFault: the file cannot be written.
        """
        try:
            with path.open("wb+") as file:
                file.write(_MAGIC.ljust(_FILE_BYTES, b"\0"))
                file.flush()
                pace_file = cls(path, mmap.mmap(file.fileno(), _FILE_BYTES))
        except OSError as error:
            raise LocalFault(f"The clock file {path} cannot be written: {error.strerror}.") from error
        pace_file._write(Pace(at.timestamp(), monotonic_host_s(), 0.0))
        return pace_file

    @classmethod
    def open(cls, path: Path) -> Self:
        """The pace that another process keeps.

        Raises:
            LocalFault: the file is missing, or is not a clock file.
        """
        try:
            with path.open("rb") as file:
                mapped = mmap.mmap(file.fileno(), _FILE_BYTES, access=mmap.ACCESS_READ)
        except (OSError, ValueError) as error:
            raise LocalFault(f"The clock file {path} cannot be read: {error}.") from error
        if mapped[: len(_MAGIC)] != _MAGIC:
            mapped.close()
            raise LocalFault(f"{path} is not a clock file of this rig.")
        return cls(path, mapped)

    def read(self) -> Pace:
        """The pace in force.

        Raises:
            LocalFault: the file is damaged.
        """
        for _ in range(_READS_MAX):
            sequence = self._words[_SEQUENCE_WORD]
            known, pace = self._cached
            if sequence == known:
                return pace
            start = _slot_at(sequence)
            raw = self._map[start : start + _SLOT_BYTES]
            values, checksum = raw[: _VALUES.size], _CHECKSUM.unpack(raw[_VALUES.size :])[0]
            if self._words[_SEQUENCE_WORD] == sequence and zlib.crc32(values) == checksum:
                pace = Pace(*_VALUES.unpack(values))
                self._cached = (sequence, pace)
                return pace
        raise LocalFault(f"The clock file {self.path} is damaged; start the run again.")

    def now(self) -> datetime:
        """Simulated time at this moment."""
        return datetime.fromtimestamp(self.read().at(monotonic_host_s()), UTC)

    def clock(self) -> PacedClock:
        return PacedClock(self.read)

    def set_speed(self, speed: float) -> None:
        """Go on from the present instant at ``speed`` simulated seconds a real second; 0 holds.

        Raises:
            ValueError: negative or not finite: time never runs backwards.
        """
        if not (math.isfinite(speed) and speed >= 0.0):
            raise ValueError(f"a speed is zero or more, not {speed}")
        host_s = monotonic_host_s()
        self._write(Pace(self.read().at(host_s), host_s, speed))

    async def run_until(self, instant: datetime, speed: float) -> None:
        """Run at ``speed`` until ``instant`` and stand still there, exactly; at once if it has passed."""
        host, host_s, pace = SystemClock(), monotonic_host_s(), self.read()
        until_s = max(instant.timestamp(), pace.at(host_s))
        self._write(Pace(pace.at(host_s), host_s, speed, until_s))
        while (left_s := until_s - self.read().at(monotonic_host_s())) > 0.0:
            await host.sleep(left_s / speed)
        self._write(Pace(until_s, monotonic_host_s(), 0.0))

    def close(self) -> None:
        self._words.release()
        self._map.close()

    def _write(self, pace: Pace) -> None:
        sequence = self._words[_SEQUENCE_WORD] + 1
        values, start = _VALUES.pack(*pace), _slot_at(sequence)
        self._map[start : start + _SLOT_BYTES] = values + _CHECKSUM.pack(zlib.crc32(values))
        self._words[_SEQUENCE_WORD] = sequence


def _slot_at(sequence: int) -> int:
    return _SLOTS_AT + sequence % 2 * _SLOT_BYTES
