"""The record of a frequency excursion: what came before, what was asked for, what was measured.

A ring of fast samples runs all the time; leaving the dead-band triggers a record, which ends some
seconds after the return.
"""

from collections import deque
from datetime import datetime
from typing import NamedTuple

import msgspec

from vpp_core.messages import EventTrace

SAMPLES_MAX = 4_000
"""More make a message larger than a broker takes; a longer excursion continues in the next record."""
RING_SAMPLES_MAX = 1_024


class Sample(NamedTuple):
    """One tick: monotonic seconds, Hz, and the change of injection demanded and measured (W)."""

    at_s: float
    frequency_hz: float
    demanded_w: float = 0.0
    measured_w: float = 0.0


class Excursion(msgspec.Struct, frozen=True):
    """A finished record."""

    triggered_at: datetime
    trace: EventTrace


class ExcursionRecorder:
    """Cuts fast samples into records.

    Args:
        before_s: how much of the time before the trigger belongs to the record.
        settle_s: a record ends when frequency has been back for so long.
        duration_s_max: a record ends after so long, whatever frequency does.
    """

    def __init__(self, *, before_s: float, settle_s: float, duration_s_max: float) -> None:
        self._before_s = before_s
        self._settle_s = settle_s
        self._duration_s_max = duration_s_max
        self._ring: deque[Sample] = deque(maxlen=RING_SAMPLES_MAX)
        self._samples: list[Sample] = []
        self._trigger: tuple[datetime, float] | None = None
        self._outside_s = 0.0

    @property
    def recording(self) -> bool:
        return self._trigger is not None

    def add(self, sample: Sample, *, outside: bool, now: datetime) -> Excursion | None:
        """Take one tick in; the finished record, if this tick ends one."""
        if self._trigger is None:
            if not outside:
                self._ring.append(sample)
                return None
            self._trigger = (now, sample.at_s)
            self._samples = [old for old in self._ring if sample.at_s - old.at_s <= self._before_s]
            self._ring.clear()
        self._samples.append(sample)
        self._outside_s = sample.at_s if outside else self._outside_s
        return self.close() if self._over(sample.at_s) else None

    def close(self) -> Excursion | None:
        """End the record that is running, if one is."""
        if self._trigger is None:
            return None
        triggered_at, zero_s = self._trigger
        trace = EventTrace(
            offset_s=tuple(round(sample.at_s - zero_s, 4) for sample in self._samples),
            frequency_hz=tuple(round(sample.frequency_hz, 4) for sample in self._samples),
            demanded_w=tuple(round(sample.demanded_w, 1) for sample in self._samples),
            measured_w=tuple(round(sample.measured_w, 1) for sample in self._samples),
        )
        self._trigger, self._samples = None, []
        return Excursion(triggered_at, trace)

    def _over(self, now_s: float) -> bool:
        assert self._trigger is not None  # noqa: S101 - asked only while recording
        settled = now_s - self._outside_s >= self._settle_s
        long = now_s - self._trigger[1] >= self._duration_s_max
        return settled or long or len(self._samples) >= SAMPLES_MAX
