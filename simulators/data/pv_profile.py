"""Measured PV power as a continuous function of time, replayed on another year."""

from bisect import bisect_right
from collections.abc import Sequence
from datetime import datetime, timedelta, timezone
from itertools import accumulate, pairwise

from vpp_core.units import SECONDS_PER_HOUR

REPLAY_YEAR = 2021
REPLAY_ZONE = timezone(timedelta(hours=-6))
"""Central Standard Time, without daylight saving, as the sources count."""


class PvProfile:
    """Power in per unit of the rating, straight lines between the samples, zero outside them.

    Args:
        times_s: Unix seconds of the samples, growing.
        powers_pu: power at those instants; what lies below zero (night-time own use) counts as zero.
    """

    def __init__(self, times_s: Sequence[float], powers_pu: Sequence[float]) -> None:
        self._times_s = list(times_s)
        self._powers_pu = [max(0.0, power_pu) for power_pu in powers_pu]
        pieces = zip(pairwise(self._times_s), pairwise(self._powers_pu), strict=True)
        energies_pu_h = ((t1 - t0) * (p0 + p1) / 2 / SECONDS_PER_HOUR for (t0, t1), (p0, p1) in pieces)
        self._energies_pu_h = list(accumulate(energies_pu_h, initial=0.0))

    @classmethod
    def replay(cls, stamps: Sequence[datetime], powers_pu: Sequence[float]) -> "PvProfile":
        """The samples on the same month, day and wall-clock time of 2021, in Central Standard Time."""
        moved = [stamp.replace(year=REPLAY_YEAR, tzinfo=REPLAY_ZONE).timestamp() for stamp in stamps]
        return cls(moved, powers_pu)

    @property
    def start_s(self) -> float:
        return self._times_s[0]

    @property
    def end_s(self) -> float:
        return self._times_s[-1]

    def power_pu(self, at_s: float) -> float:
        if not self.start_s <= at_s < self.end_s:
            return 0.0
        before = bisect_right(self._times_s, at_s) - 1
        return self._on_line(before, at_s)

    def next_sample_s(self, at_s: float) -> float:
        """The first sample after ``at_s``: until then the power is a straight line; infinity at the end."""
        after = bisect_right(self._times_s, at_s)
        return self._times_s[after] if after < len(self._times_s) else float("inf")

    def energy_pu_h(self, start_s: float, end_s: float) -> float:
        """The exact integral from ``start_s`` to ``end_s``, in hours at full rating."""
        return self._integral_pu_h(end_s) - self._integral_pu_h(start_s)

    def _integral_pu_h(self, at_s: float) -> float:
        at_s = min(max(at_s, self.start_s), self.end_s)
        before = min(bisect_right(self._times_s, at_s) - 1, len(self._times_s) - 2)
        passed_s = at_s - self._times_s[before]
        mean_pu = (self._powers_pu[before] + self._on_line(before, at_s)) / 2
        return self._energies_pu_h[before] + passed_s * mean_pu / SECONDS_PER_HOUR

    def _on_line(self, before: int, at_s: float) -> float:
        t0, t1 = self._times_s[before], self._times_s[before + 1]
        p0, p1 = self._powers_pu[before], self._powers_pu[before + 1]
        return p0 + (p1 - p0) * (at_s - t0) / (t1 - t0)
