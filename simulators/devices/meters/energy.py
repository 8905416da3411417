"""Energy of one phase by direction and quadrant, as exact integrals of straight lines.

Quadrants are those of a meter (IEC 62053-23), seen from the grid: 1 imports active and reactive power, 2
exports active and imports reactive, 3 exports both, 4 imports active and exports reactive.
"""

from dataclasses import dataclass
from itertools import pairwise
from math import hypot
from typing import NamedTuple

from vpp_core.units import SECONDS_PER_HOUR


class Power(NamedTuple):
    """At one instant; injection into the grid positive, which a meter calls export."""

    power_w: float
    reactive_var: float = 0.0

    def plus(self, other: "Power") -> "Power":
        return Power(self.power_w + other.power_w, self.reactive_var + other.reactive_var)

    def times(self, factor: float) -> "Power":
        return Power(self.power_w * factor, self.reactive_var * factor)


@dataclass(slots=True)
class Energy:
    """Counters of one phase, or of all of them, as magnitudes that only grow."""

    exported_wh: float = 0.0
    imported_wh: float = 0.0
    exported_vah: float = 0.0
    imported_vah: float = 0.0
    """Apparent energy counts by the direction of the active power."""
    quadrant_1_varh: float = 0.0
    quadrant_2_varh: float = 0.0
    quadrant_3_varh: float = 0.0
    quadrant_4_varh: float = 0.0

    @property
    def imported_varh(self) -> float:
        return self.quadrant_1_varh + self.quadrant_2_varh

    @property
    def exported_varh(self) -> float:
        return self.quadrant_3_varh + self.quadrant_4_varh

    def count(self, start: Power, end: Power, duration_s: float) -> None:
        """Add a straight line from one power to another."""
        cuts = (_crossing(start.power_w, end.power_w), _crossing(start.reactive_var, end.reactive_var))
        if cuts == (None, None):
            self._add(start, end, duration_s / SECONDS_PER_HOUR)
            return
        instants = sorted({0.0, 1.0, *(cut for cut in cuts if cut is not None)})
        before = start
        for first, last in pairwise(instants):
            after = end if last == 1.0 else _between(start, end, last)
            self._add(before, after, duration_s * (last - first) / SECONDS_PER_HOUR)
            before = after

    def _add(self, start: Power, end: Power, duration_h: float) -> None:
        """Add a line that stays in one quadrant. Its apparent power is taken as straight, too."""
        energy_wh = 0.5 * (start.power_w + end.power_w) * duration_h
        energy_varh = 0.5 * (start.reactive_var + end.reactive_var) * duration_h
        energy_vah = 0.5 * (hypot(*start) + hypot(*end)) * duration_h
        exports, injects = energy_wh > 0.0, energy_varh > 0.0
        if exports:
            self.exported_wh += energy_wh
            self.exported_vah += energy_vah
        else:
            self.imported_wh -= energy_wh
            self.imported_vah += energy_vah
        match exports, injects:
            case False, False:
                self.quadrant_1_varh -= energy_varh
            case True, False:
                self.quadrant_2_varh -= energy_varh
            case True, True:
                self.quadrant_3_varh += energy_varh
            case _:
                self.quadrant_4_varh += energy_varh


def _crossing(start: float, end: float) -> float | None:
    """Where in 0 .. 1 a straight line changes its sign."""
    return start / (start - end) if start * end < 0.0 else None


def _between(start: Power, end: Power, share: float) -> Power:
    return start.times(1.0 - share).plus(end.times(share))
