"""One control area by its swing equation, in which the power of the simulated fleet feeds back.

With the deviation of speed ``x`` per unit, the deviations of powers per unit of the area's base, and the
governor ``y``, the steam chest ``c`` and the reheater ``r``::

    2 H x' = m + fleet - lost - D x         m = c, or F c + (1 - F) r with reheat
    T_g y' = clip(-x / R, headroom) - y     T_t c' = y - c      T_r r' = c - r

Source: P. Kundur, Power System Stability and Control (1994), chapters 3.9 and 11.1.
"""

import math
from bisect import insort
from dataclasses import dataclass
from typing import NamedTuple

from simulators.grid.bench import FREQUENCY_HZ_MAX, FREQUENCY_HZ_MIN, NOMINAL_HZ, checked
from simulators.grid.script import VOLTAGE_NOMINAL_V
from vpp_core.faults import ConfigurationFault

STEP_S = 0.01
"""Time constants lie far above it, so the classical Runge-Kutta step is exact to some 1e-8."""
STEPS_MAX = 6_000
"""In one call, so that it is bounded; what lies further back is skipped."""
HISTORY_STEPS = 12_000
DISTURBANCES_MAX = 1_000
DEVIATION_PU_MAX = 0.25
"""Where protection would have separated the area long before; there the frequency stays."""
W_PER_MW = 1e6

State = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Area:
    """What makes one area swing as it does; values of a small thermal system by default."""

    nominal_hz: float = NOMINAL_HZ
    base_mw: float = 1_000.0
    """What 1 per unit of power is."""
    inertia_s: float = 4.0
    """H: kinetic energy at nominal speed over the base."""
    damping_pu: float = 1.0
    """D: by how much per unit the load falls with 1 per unit of frequency."""
    droop_pu: float = 0.05
    """R: the fall of frequency that opens the governor fully."""
    governor_s: float = 0.2
    turbine_s: float = 0.5
    reheat_s: float = 0.0
    """Time constant of the reheater; 0 is none."""
    high_pressure_share: float = 0.3
    """F: share of power that does not wait for the reheater."""
    headroom_pu: float = 0.2
    """By how much the governor can raise or lower the power."""
    fleet_scale: float = 1.0
    """How many fleets such as the simulated one there are: 200 homes may stand for many."""
    redispatch_s: float = math.inf
    """Time constant with which the scheduled power follows what the fleet does; infinity keeps it."""

    def __post_init__(self) -> None:
        checked("nominal_hz", self.nominal_hz, FREQUENCY_HZ_MIN, FREQUENCY_HZ_MAX)
        checked("base_mw", self.base_mw, 1e-3, 1e7)
        checked("inertia_s", self.inertia_s, 0.1, 60.0)
        checked("damping_pu", self.damping_pu, 0.0, 20.0)
        checked("droop_pu", self.droop_pu, 0.005, 10.0)
        checked("governor_s", self.governor_s, 5.0 * STEP_S, 60.0)
        checked("turbine_s", self.turbine_s, 5.0 * STEP_S, 60.0)
        checked("headroom_pu", self.headroom_pu, 0.0, 1.0)
        checked("high_pressure_share", self.high_pressure_share, 0.0, 1.0)
        checked("fleet_scale", self.fleet_scale, 0.0, 1e9)
        if self.reheat_s != 0.0:
            checked("reheat_s", self.reheat_s, 5.0 * STEP_S, 600.0)
        if not self.redispatch_s >= 1.0:
            raise ConfigurationFault(f"redispatch_s = {self.redispatch_s!r} is not 1 or more.")


class Disturbance(NamedTuple):
    """Generation that trips or load that comes (MW); negative: load that goes."""

    at_s: float
    lost_mw: float
    for_s: float = math.inf


class SwingGrid:
    """Frequency from the swing equation; reading it never changes it.

    Only :meth:`advance` moves time, in whole steps of :data:`STEP_S`. Between two calls a reader after the
    last step is given the last step.

    Args:
        area: what swings.
        begins_s: Unix seconds of the beginning, in balance at nominal frequency.
        scheduled_w: power of the simulated fleet that the area counts on; deviations from it feed back.
        voltage_pu: this model has no voltage; what it says instead.
    """

    def __init__(
        self, area: Area, begins_s: float, *, scheduled_w: float = 0.0, voltage_pu: float = 1.0
    ) -> None:
        self.area = area
        self.scheduled_w = scheduled_w
        self.skipped_s = 0.0
        """How much time was skipped because a call of :meth:`advance` came too late."""
        self._voltage_pu = checked("voltage_pu", voltage_pu, 0.0, 2.0)
        self._begins_s = checked("begins_s", begins_s, 0.0, 1e11)
        self._state: State = (0.0, 0.0, 0.0, 0.0)
        self._steps = 0
        self._disturbances: list[Disturbance] = []
        self._history_hz = [area.nominal_hz]
        self._history_from = 0
        """Number of the step that is first in the history."""

    @property
    def now_s(self) -> float:
        """Unix seconds of the last step."""
        return self._begins_s + self._steps * STEP_S

    @property
    def disturbances(self) -> tuple[Disturbance, ...]:
        return tuple(self._disturbances)

    def disturb(self, at_s: float, lost_mw: float, for_s: float = math.inf) -> None:
        """Lose generation (or, negative, load) from ``at_s`` on for ``for_s`` seconds; several add up.

        Raises:
            ConfigurationFault: a value that is not a number, more than the area has, or too many at once.
        """
        checked("at_s", at_s, 0.0, 1e11)
        checked("lost_mw", lost_mw, -self.area.base_mw, self.area.base_mw)
        if not for_s > 0.0:
            raise ConfigurationFault(f"for_s = {for_s!r} is not above 0.")
        self._disturbances = [each for each in self._disturbances if each.at_s + each.for_s > self.now_s]
        if len(self._disturbances) >= DISTURBANCES_MAX:
            raise ConfigurationFault(f"More than {DISTURBANCES_MAX} disturbances at once; leave some out.")
        insort(self._disturbances, Disturbance(at_s, lost_mw, for_s))

    def lost_mw(self, at_s: float) -> float:
        """What all disturbances take away at an instant."""
        return math.fsum(
            each.lost_mw for each in self._disturbances if each.at_s <= at_s < each.at_s + each.for_s
        )

    def advance(self, to_s: float, fleet_power_w: float = 0.0) -> None:
        """Move on to the last whole step before ``to_s`` (Unix seconds), the fleet at ``fleet_power_w``.

        The power is that of the simulated fleet, injection positive, unscaled. An instant that is past
        changes nothing. At most :data:`STEPS_MAX` steps are made; ``skipped_s`` counts what lay before.

        Raises:
            ValueError: the power is not a finite number.
        """
        if not math.isfinite(fleet_power_w):
            raise ValueError(f"fleet_power_w = {fleet_power_w!r} is not a finite number")
        # A hair is forgiven: begins + n steps, computed by the caller, is step n.
        steps = math.floor((to_s - self._begins_s) / STEP_S + 1e-3) - self._steps
        if steps > STEPS_MAX:
            self._skip(steps - STEPS_MAX)
            steps = STEPS_MAX
        for _ in range(steps):
            self._step(fleet_power_w)
        excess = len(self._history_hz) - HISTORY_STEPS
        if excess > HISTORY_STEPS:
            del self._history_hz[:excess]
            self._history_from += excess

    def frequency_hz(self, at_s: float) -> float:
        """The frequency; before what is remembered its beginning, after the last step that step."""
        steps = (at_s - self._begins_s) / STEP_S - self._history_from
        last = len(self._history_hz) - 1
        if steps >= last:
            return self._history_hz[-1]
        if steps <= 0.0:
            return self._history_hz[0]
        index = int(steps)
        before_hz, after_hz = self._history_hz[index], self._history_hz[index + 1]
        return before_hz + (after_hz - before_hz) * (steps - index)

    def rocof_hz_per_s(self, window_s: float = 0.1) -> float:
        """Rate of change of frequency over the latest ``window_s`` seconds of the history."""
        return (self._history_hz[-1] - self.frequency_hz(self.now_s - window_s)) / window_s

    def voltage_pu(self, at_s: float) -> float:
        del at_s
        return self._voltage_pu

    def voltage_v(self, at_s: float) -> float:
        return VOLTAGE_NOMINAL_V * self.voltage_pu(at_s)

    def _skip(self, steps: int) -> None:
        self.skipped_s += steps * STEP_S
        self._steps += steps
        self._history_from = self._steps
        self._history_hz = self._history_hz[-1:]

    def _step(self, fleet_power_w: float) -> None:
        area, start = self.area, self._state
        deviation_w = fleet_power_w - self.scheduled_w
        self.scheduled_w += deviation_w * STEP_S / area.redispatch_s
        # In the middle of the step: neither of its ends decides alone when a disturbance begins on one.
        lost_mw = self.lost_mw(self.now_s + STEP_S / 2) if self._disturbances else 0.0
        surplus_pu = (area.fleet_scale * deviation_w / W_PER_MW - lost_mw) / area.base_mw
        first = self._slopes(start, surplus_pu)
        second = self._slopes(_moved(start, first, STEP_S / 2), surplus_pu)
        third = self._slopes(_moved(start, second, STEP_S / 2), surplus_pu)
        fourth = self._slopes(_moved(start, third, STEP_S), surplus_pu)
        speed_pu, *others = (
            value + STEP_S / 6 * (a + 2 * b + 2 * c + d)
            for value, a, b, c, d in zip(start, first, second, third, fourth, strict=True)
        )
        speed_pu = min(max(speed_pu, -DEVIATION_PU_MAX), DEVIATION_PU_MAX)
        self._state = (speed_pu, others[0], others[1], others[2])
        self._steps += 1
        self._history_hz.append(area.nominal_hz * (1.0 + speed_pu))

    def _slopes(self, state: State, surplus_pu: float) -> State:
        area = self.area
        speed_pu, governor_pu, chest_pu, reheater_pu = state
        wanted_pu = min(max(-speed_pu / area.droop_pu, -area.headroom_pu), area.headroom_pu)
        if area.reheat_s > 0.0:
            share = area.high_pressure_share
            mechanical_pu = share * chest_pu + (1.0 - share) * reheater_pu
            reheater_slope = (chest_pu - reheater_pu) / area.reheat_s
        else:
            mechanical_pu, reheater_slope = chest_pu, 0.0
        return (
            (mechanical_pu + surplus_pu - area.damping_pu * speed_pu) / (2.0 * area.inertia_s),
            (wanted_pu - governor_pu) / area.governor_s,
            (governor_pu - chest_pu) / area.turbine_s,
            reheater_slope,
        )


def _moved(state: State, slopes: State, duration_s: float) -> State:
    a, b, c, d = state
    slope_a, slope_b, slope_c, slope_d = slopes
    return (
        a + slope_a * duration_s,
        b + slope_b * duration_s,
        c + slope_c * duration_s,
        d + slope_d * duration_s,
    )
