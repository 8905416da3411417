"""Plain physics of a battery inverter: ratings, efficiencies, state of charge, ramp and standby."""

import math
from dataclasses import dataclass

from simulators.devices.controls import Controls, Ratings
from simulators.devices.piece import FOREVER_S, STEP_S_MIN, Piece
from vpp_core.units import SECONDS_PER_HOUR

ROUNDING_WH = 0.1
BORDER_WH = 1e-4
"""Nearer than this to a border of the energy window is at the border."""
RESUME_FRACTION = 0.005
"""A full (empty) battery charges (discharges) again once this part of its capacity has become free."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BatteryConfig:
    """What the name plate says, and how full the battery is at first."""

    power_w_max: int = 5_000
    """At the terminals, both ways."""
    energy_capacity_wh: int = 13_500
    """Usable energy: a state of charge of 0 .. 1 is all of it."""
    charge_efficiency: float = 0.95
    discharge_efficiency: float = 0.95
    ramp_w_per_s: float = 10_000.0
    standby_w: float = 5.0
    """What the electronics draw from the cells for as long as there is something in them."""
    state_of_charge: float = 0.5
    reversion_works: bool = True
    """False: the reversion timers count down and nothing happens."""

    @property
    def ratings(self) -> Ratings:
        return Ratings(float(self.power_w_max), float(self.power_w_max))


class Battery:
    """Power follows the setpoint of the controls along the ramp; without a setpoint it goes to zero.

    Where the energy reaches a border of its window, power in that direction stops at once.
    """

    def __init__(self, config: BatteryConfig) -> None:
        self.config = config
        self.controls = Controls(config.ratings, reversion_works=config.reversion_works)
        self.power_w = 0.0
        """At the terminals, injection positive."""
        self.energy_wh = config.state_of_charge * config.energy_capacity_wh
        self.standby_wh = 0.0
        """What standby has taken from the cells since the start."""
        self._full = config.state_of_charge >= 1.0
        self._empty = config.state_of_charge <= 0.0

    @property
    def state_of_charge(self) -> float:
        return self.energy_wh / self.config.energy_capacity_wh

    def next_piece(self, now_s: float) -> Piece:
        del now_s
        start_w, target_w = self.power_w, self._target_w()
        if start_w * target_w < 0.0:
            if self._ramp_s(start_w) < STEP_S_MIN:
                start_w = 0.0
            else:
                target_w = 0.0
        ramp_s = self._ramp_s(target_w - start_w)
        piece = Piece.hold(target_w) if ramp_s < STEP_S_MIN else Piece(ramp_s, start_w, target_w)
        return piece.over(min(piece.duration_s, self._border_s(piece)))

    def follow(self, piece: Piece, now_s: float) -> None:
        del now_s
        standby_wh = self._standby_w() * piece.duration_s / SECONDS_PER_HOUR
        energy_wh = self.energy_wh + self._into_cells(piece) * piece.energy_wh - standby_wh
        capacity_wh = float(self.config.energy_capacity_wh)
        assert -ROUNDING_WH < energy_wh < capacity_wh + ROUNDING_WH, (  # noqa: S101
            f"state of charge out of range: {energy_wh} Wh"
        )
        self.standby_wh += standby_wh
        self.energy_wh = min(max(energy_wh, 0.0), capacity_wh)
        self.power_w = piece.end_w
        self._mind_the_borders()

    def _target_w(self) -> float:
        bound_w = self.controls.limit_fraction() * self.config.power_w_max
        target_w = min(max(self.controls.setpoint_w() or 0.0, -bound_w), bound_w)
        blocked = (self._full and target_w < 0.0) or (self._empty and target_w > 0.0)
        return 0.0 if blocked else target_w

    def _ramp_s(self, change_w: float) -> float:
        return abs(change_w) / self.config.ramp_w_per_s

    def _into_cells(self, piece: Piece) -> float:
        """Factor from the energy of a piece at the terminals to that into the cells."""
        charging = piece.start_w + piece.end_w < 0.0
        return -self.config.charge_efficiency if charging else -1.0 / self.config.discharge_efficiency

    def _standby_w(self) -> float:
        return 0.0 if self._empty else self.config.standby_w

    def _border_s(self, piece: Piece) -> float:
        """Seconds until the energy reaches a level at which the rules change; infinity if it does not."""
        factor, standby_w = self._into_cells(piece), self._standby_w()
        start_w, end_w = factor * piece.start_w - standby_w, factor * piece.end_w - standby_w
        slope = (end_w - start_w) / piece.duration_s
        capacity_wh = self.config.energy_capacity_wh
        above_wh = RESUME_FRACTION * capacity_wh if self._empty else capacity_wh
        below_wh = (1.0 - RESUME_FRACTION) * capacity_wh if self._full else 0.0
        return min(
            _reach_s(SECONDS_PER_HOUR * max(0.0, above_wh - self.energy_wh), start_w, slope),
            _reach_s(SECONDS_PER_HOUR * max(0.0, self.energy_wh - below_wh), -start_w, -slope),
        )

    def _mind_the_borders(self) -> None:
        capacity_wh = self.config.energy_capacity_wh
        if self.energy_wh >= capacity_wh - BORDER_WH:
            self._full, self.power_w = True, max(self.power_w, 0.0)
        elif self.energy_wh < (1.0 - RESUME_FRACTION) * capacity_wh:
            self._full = False
        if self.energy_wh <= BORDER_WH:
            self._empty, self.power_w = True, min(self.power_w, 0.0)
        elif self.energy_wh > RESUME_FRACTION * capacity_wh:
            self._empty = False


def _reach_s(energy_ws: float, power_w: float, slope_w_per_s: float) -> float:
    """The first time at which ``power t + slope t^2 / 2`` has become ``energy_ws`` (not negative)."""
    root = power_w * power_w + 2.0 * slope_w_per_s * energy_ws
    if root < 0.0 or (divisor := power_w + math.sqrt(root)) <= 0.0:
        return FOREVER_S
    return 2.0 * energy_ws / divisor
