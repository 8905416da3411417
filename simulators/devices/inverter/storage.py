"""The cells: an energy between empty and full that never leaves its window."""

import math

from vpp_core.units import SECONDS_PER_HOUR

RESUME_PU = 0.005
"""What must have become free (or filled) before a full (empty) battery charges (discharges) again."""
ROUNDING_WH = 1e-6
"""Nearer than this to a border is at the border."""


class Storage:
    """Energy in the cells, in Wh; all powers are at the cells and magnitudes.

    The window of a step ends exactly at its borders: a step that would cross one gets just the power that
    reaches it. From then on that direction is blocked until :data:`RESUME_PU` of the capacity lies between
    the energy and the border, so that nothing flutters at full or empty.
    """

    def __init__(self, capacity_wh: float, state_of_charge: float) -> None:
        self.capacity_wh = capacity_wh
        self.energy_wh = capacity_wh * state_of_charge
        self._full = self._empty = False
        self._floor_wh = 0.0
        self._mind_the_borders()

    @property
    def state_of_charge(self) -> float:
        return self.energy_wh / self.capacity_wh

    @property
    def full(self) -> bool:
        return self._full

    @property
    def empty(self) -> bool:
        """At or under the reserve (or at nothing), and not yet clear of it."""
        return self._empty

    def keep(self, reserve_pu: float) -> None:
        """Hold this part of the capacity back from discharging from now on."""
        floor_wh = self.capacity_wh * min(max(reserve_pu, 0.0), 1.0)
        if floor_wh == self._floor_wh:
            return
        self._floor_wh = floor_wh
        self._empty = self.energy_wh <= floor_wh + ROUNDING_WH

    def fill(self, state_of_charge: float, underway_wh: float) -> None:
        """Exchange the cells for others with this state of charge; a bench's way, no device's.

        Args:
            state_of_charge: 0 .. 1.
            underway_wh: what the step that has begun will still take or give; so much room is left.
        """
        room_wh = min(underway_wh, self.capacity_wh / 2)
        self.energy_wh = min(max(self.capacity_wh * state_of_charge, room_wh), self.capacity_wh - room_wh)
        self._full = self._empty = False
        self._mind_the_borders()

    def charge_w_max(self, dt_s: float) -> float:
        """The power at which the cells would be full after ``dt_s``."""
        return 0.0 if self._full else (self.capacity_wh - self.energy_wh) * SECONDS_PER_HOUR / dt_s

    def discharge_w_max(self, dt_s: float) -> float:
        """The power at which the cells would be down to the reserve after ``dt_s``."""
        if self._empty:
            return 0.0
        return max(0.0, self.energy_wh - self._floor_wh) * SECONDS_PER_HOUR / dt_s

    def give(self, power_w: float, dt_s: float) -> None:
        """Discharge (positive) or charge (negative) for ``dt_s``.

        Raises:
            AssertionError: the power was not within the window.
        """
        energy_wh = self.energy_wh - power_w * dt_s / SECONDS_PER_HOUR
        assert -ROUNDING_WH <= energy_wh <= self.capacity_wh + ROUNDING_WH, (  # noqa: S101
            f"{energy_wh} Wh is not within 0 .. {self.capacity_wh} Wh"
        )
        self.energy_wh = min(max(energy_wh, 0.0), self.capacity_wh)
        self._mind_the_borders()

    def calm_steps(self, power_w: float, dt_s: float, power_w_max: float) -> float:
        """For how many steps of ``power_w`` (discharging positive) no border binds that does not bind now.

        Args:
            power_w: constant power of the cells.
            dt_s: length of a step.
            power_w_max: a window wider than this does not bind.

        Returns:
            A whole number, or infinity; 0 where a border is near.
        """
        near_wh = power_w_max * dt_s / SECONDS_PER_HOUR
        room_wh, inside_wh = self.capacity_wh - self.energy_wh, self.energy_wh - self._floor_wh
        if (not self._full and room_wh <= near_wh) or (not self._empty and inside_wh <= near_wh):
            return 0.0
        if power_w == 0.0:
            return math.inf
        if power_w > 0.0:
            way_wh = 0.0 if self._empty else inside_wh - near_wh
            if self._full:
                way_wh = min(way_wh, RESUME_PU * self.capacity_wh - room_wh)
        else:
            way_wh = 0.0 if self._full else room_wh - near_wh
            if self._empty:
                way_wh = min(way_wh, RESUME_PU * self.capacity_wh - inside_wh)
        step_wh = max(abs(power_w) * dt_s / SECONDS_PER_HOUR, ROUNDING_WH * ROUNDING_WH)
        return max(0.0, math.floor(way_wh / step_wh) - 2.0)

    def _mind_the_borders(self) -> None:
        free_wh = self.capacity_wh - self.energy_wh
        if free_wh <= ROUNDING_WH:
            self._full = True
        elif self._full and free_wh > RESUME_PU * self.capacity_wh:
            self._full = False
        above_wh = self.energy_wh - self._floor_wh
        if above_wh <= ROUNDING_WH:
            self._empty = True
        elif self._empty and (above_wh > RESUME_PU * self.capacity_wh or free_wh <= ROUNDING_WH):
            self._empty = False
