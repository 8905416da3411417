"""Frequency and voltage as a pure function of time, with events that are placed while it runs."""

import math
import random
from dataclasses import dataclass
from datetime import datetime

WANDER_HZ_MAX = 0.015
"""The wander stays inside the dead-band of 36 mHz and inside 20 mHz."""
VOLTAGE_NOMINAL_V = 240.0
VOLTAGE_WANDER_V_MAX = 1.5

_WANDER_PERIODS_S = (7.0, 31.0, 97.0, 613.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Dip:
    """A disturbance: straight to the nadir, a hold, and straight back. A nadir above nominal is a rise."""

    at: datetime
    nadir_hz: float = 59.5
    fall_s: float = 1.0
    hold_s: float = 3.0
    recovery_s: float = 5.0

    def depth(self, at_s: float) -> float:
        """How far the disturbance has gone: 0 before and after, 1 at the nadir."""
        since_s = at_s - self.at.timestamp()
        until_s = self.fall_s + self.hold_s + self.recovery_s - since_s
        if since_s <= 0.0 or until_s <= 0.0:
            return 0.0
        falling = since_s / self.fall_s if self.fall_s > 0.0 else 1.0
        recovering = until_s / self.recovery_s if self.recovery_s > 0.0 else 1.0
        return min(1.0, falling, recovering)


class GridScript:
    """A grid of nominal frequency with a small seeded wander, and the dips that were added.

    Times are Unix seconds. Between two calls of :meth:`add_dip` it is a pure function of time.
    """

    def __init__(self, seed: int = 0, nominal_hz: float = 60.0) -> None:
        chance = random.Random(f"grid {seed}")  # noqa: S311
        self._nominal_hz = nominal_hz
        self._phases = tuple(chance.uniform(0.0, math.tau) for _ in _WANDER_PERIODS_S)
        self._dips: tuple[Dip, ...] = ()

    @property
    def dips(self) -> tuple[Dip, ...]:
        return self._dips

    def add_dip(self, dip: Dip) -> None:
        """Place a disturbance; where several overlap, the deepest one counts."""
        self._dips = (*self._dips, dip)

    def frequency_hz(self, at_s: float) -> float:
        """The frequency; at a nadir exactly that of the dip, without wander."""
        calm_hz = self._nominal_hz + WANDER_HZ_MAX * self._wander(at_s)
        shifts_hz = [dip.depth(at_s) * (dip.nadir_hz - calm_hz) for dip in self._dips]
        return calm_hz + max(shifts_hz, key=abs, default=0.0)

    def voltage_v(self, at_s: float) -> float:
        return VOLTAGE_NOMINAL_V + VOLTAGE_WANDER_V_MAX * self._wander(at_s / 3.0)

    def voltage_pu(self, at_s: float) -> float:
        """Per unit of :data:`VOLTAGE_NOMINAL_V`."""
        return self.voltage_v(at_s) / VOLTAGE_NOMINAL_V

    def _wander(self, at_s: float) -> float:
        """Within -1 .. 1."""
        waves = zip(_WANDER_PERIODS_S, self._phases, strict=True)
        return math.fsum(math.sin(math.tau * at_s / period_s + phase) for period_s, phase in waves) / len(
            _WANDER_PERIODS_S
        )
