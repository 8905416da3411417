"""The station's side of the cable: offer, contactor, phase switching, fail-safe and energy."""

import math
from dataclasses import dataclass
from typing import Protocol

from simulators.devices.charging.charger import PluggedVehicle
from simulators.devices.charging.readings import EvseReadings, Phase, Pilot
from simulators.devices.charging.vehicle import CURRENT_A_MIN, ImpossibleVisit, Visit, in_order
from vpp_core.units import SECONDS_PER_HOUR

PHASES = 3
MAINS_PU_MIN = 0.5
"""Below it the station has no mains."""
_INSTANT_S = 1e-6
"""Two instants this close are one."""


class Grid(Protocol):
    """Voltage over Unix seconds, per unit of nominal."""

    def voltage_pu(self, at_s: float) -> float: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class EvseUnitConfig:
    """One charging station.

    Raises:
        ImpossibleVisit: figures that no station has.
    """

    phases: int = 3
    """That are wired: 1 or 3."""
    current_a_max: float = 32.0
    """What cable and contactor carry, a phase."""
    voltage_nominal_v: float = 230.0
    """Line to neutral."""
    switches_phases: bool = True
    """It can change between three phases and one (only where three are wired)."""
    switch_pause_s: float = 8.0
    """How long the contactor stays open while it does."""
    ventilated: bool = False
    """Vehicles that need ventilation are charged too."""
    patience_s: float = 6.0
    """After this long without an offer the contactor opens under load."""
    failsafe_current_a: float = 0.0
    """In force after ``failsafe_timeout_s`` without a sign of life; under 6 A pauses."""
    failsafe_timeout_s: float = 0.0
    """0 switches the fail-safe off."""
    startup_s: float = 5.0
    """After a reboot."""
    step_s: float = 0.1

    def __post_init__(self) -> None:
        if self.phases not in {1, PHASES}:
            raise ImpossibleVisit(f"A station is wired with 1 or 3 phases, not with {self.phases}.")
        if not CURRENT_A_MIN <= self.current_a_max <= 80.0:  # noqa: PLR2004 - what IEC 61851-1 can signal
            raise ImpossibleVisit(f"A station carries 6 to 80 A, not {self.current_a_max:g} A.")
        if self.step_s <= 0.0 or self.voltage_nominal_v <= 0.0:
            raise ImpossibleVisit("step_s and voltage_nominal_v are above zero.")


@dataclass(slots=True)
class _Failsafe:
    current_a: float
    timeout_s: float


class EvseUnit:
    """One charging station; time moves only by :meth:`advance`, in fixed steps while a vehicle is there.

    A command takes effect at the next step. Nothing depends on how often the unit is looked at.

    Args:
        visits: who comes; a vehicle that is there at ``begins_s`` is plugged in at that moment.
    """

    def __init__(
        self, config: EvseUnitConfig, grid: Grid, visits: tuple[Visit, ...], begins_s: float
    ) -> None:
        self.config = config
        self._grid = grid
        self._visits = [visit for visit in in_order(visits) if visit.departure_s > begins_s]
        self._vehicle: PluggedVehicle | None = None
        self._anchor_s, self._steps = begins_s, 0
        self._heard_s = begins_s
        self._limit_a = config.current_a_max
        self.enabled = True
        self._ends_wh: float | None = None
        self._failsafe = _Failsafe(config.failsafe_current_a, config.failsafe_timeout_s)
        self._persisted = _Failsafe(config.failsafe_current_a, config.failsafe_timeout_s)
        self._phases = config.phases
        self._switches_to: int | None = None
        self._open_s = 0.0
        """For how long the contactor has been open for phase switching."""
        self._without_offer_s = 0.0
        self._locked = False
        self._error = 0
        self._starts_until_s = begins_s
        self._session_wh = self._total_wh = 0.0

    @property
    def now_s(self) -> float:
        """Unix seconds up to which everything is computed."""
        return self._anchor_s + self._steps * self.config.step_s

    def advance(self, now_s: float) -> float:
        """Move to ``now_s`` (Unix seconds), and say where we are; an earlier instant changes nothing."""
        while True:
            if self._vehicle is None and self._switches_to is None:
                arrival_s = self._visits[0].arrival_s if self._visits else math.inf
                self._move_to(min(max(now_s, self.now_s), max(arrival_s, self.now_s)))
                if self.now_s < arrival_s:
                    return self.now_s
            if self.now_s + self.config.step_s > now_s + _INSTANT_S:
                return self.now_s
            self._come_and_go()
            self._step(self.config.step_s)

    # -- what a controller may do --------------------------------------------------------------------

    def heard(self, now_s: float) -> None:
        """A controller has shown a sign of life."""
        self._heard_s = now_s

    def set_limit(self, limit_a: float) -> None:
        """A phase; under 6 A the vehicle pauses, more than the hardware carries is held there."""
        self._limit_a = max(0.0, limit_a)

    def enable(self, *, enabled: bool) -> None:
        """Offer current, or none."""
        self.enabled = enabled

    def end_session_at(self, energy_wh: float | None) -> None:
        """End this session, or the next one, when the vehicle has drawn so much; ``None`` lifts it."""
        self._ends_wh = energy_wh

    def set_failsafe(self, *, current_a: float | None = None, timeout_s: float | None = None) -> None:
        """Change what is given; it lasts until a reboot unless :meth:`keep_failsafe` follows."""
        if current_a is not None:
            self._failsafe.current_a = current_a
        if timeout_s is not None:
            self._failsafe.timeout_s = timeout_s

    def keep_failsafe(self) -> None:
        """The present fail-safe survives a reboot."""
        self._persisted = _Failsafe(self._failsafe.current_a, self._failsafe.timeout_s)

    @property
    def failsafe(self) -> tuple[float, float]:
        """Its current (A) and its time-out (s)."""
        return self._failsafe.current_a, self._failsafe.timeout_s

    def switch_phases(self, phases: int) -> None:
        """Change to 1 or 3 phases: the vehicle is paused, the contactor opens, waits, and closes again.

        Raises:
            ValueError: the station cannot do that.
        """
        if phases not in {1, PHASES} or phases > self.config.phases or not self.config.switches_phases:
            raise ValueError(f"this station cannot switch to {phases} phases")
        if phases != (self._switches_to or self._phases):
            self._switches_to, self._open_s = phases, 0.0

    def unlock(self) -> None:
        """Release the plug.

        Raises:
            ValueError: current is offered; suspend the session first.
        """
        if self._charging():
            raise ValueError("the plug stays locked while the vehicle charges")
        self._locked = False

    # -- what else may happen ------------------------------------------------------------------------

    def plug(self, visit: Visit) -> None:
        """A vehicle comes now instead of what was planned until it leaves."""
        self._visits = [visit, *(each for each in self._visits if each.arrival_s >= visit.departure_s)]
        self._vehicle = None

    def unplug(self) -> None:
        """The vehicle that is there leaves now."""
        if self._vehicle is not None:
            self._visits.pop(0)
            self._leave()

    def fail(self, error: int) -> None:
        """The station is out of order from now on; 0 repairs it."""
        self._error = error

    def reboot(self) -> None:
        """Forget what was commanded; the vehicle stays, the contactor opens."""
        if self._vehicle is not None:
            self._vehicle.cut()
        self._limit_a, self.enabled, self._ends_wh = self.config.current_a_max, True, None
        self._failsafe = _Failsafe(self._persisted.current_a, self._persisted.timeout_s)
        self._starts_until_s = self.now_s + self.config.startup_s
        self._heard_s = self.now_s

    # -- instruments ---------------------------------------------------------------------------------

    def readings(self) -> EvseReadings:
        """Everything at the present of the unit."""
        voltage_v = self._grid.voltage_pu(self.now_s) * self.config.voltage_nominal_v
        vehicle = self._vehicle
        current_a = vehicle.current_a if vehicle else 0.0
        active = self._active_phases()
        currents_a = [current_a if phase < active else 0.0 for phase in range(PHASES)]
        factor = vehicle.vehicle.power_factor if vehicle and current_a else 1.0
        powers_w = [-voltage_v * each_a * factor for each_a in currents_a]
        wired_v = [voltage_v if phase < self.config.phases else 0.0 for phase in range(PHASES)]
        return EvseReadings(
            at_s=self.now_s,
            pilot=self._pilot(),
            phase=self._phase(),
            error=self._error,
            plugged=vehicle is not None,
            locked=self._locked,
            enabled=self.enabled,
            limit_a=self._limit(),
            offered_a=self._offer_a(),
            failsafe=self._is_abandoned(),
            phases=self._phases,
            switching=self._switches_to is not None,
            phase_voltage_v=(wired_v[0], wired_v[1], wired_v[2]),
            phase_current_a=(currents_a[0], currents_a[1], currents_a[2]),
            phase_power_w=(powers_w[0], powers_w[1], powers_w[2]),
            power_w=sum(powers_w),
            reactive_var=-voltage_v * current_a * active * math.sqrt(1.0 - factor**2),
            power_factor=factor,
            session_wh=self._session_wh,
            total_wh=self._total_wh,
        )

    @property
    def vehicle(self) -> PluggedVehicle | None:
        """The vehicle that is there, as it truly is."""
        return self._vehicle

    def power_w(self) -> float:
        """True present power, injection positive: never above zero."""
        return -self._drawn_w(self._grid.voltage_pu(self.now_s))

    def _move_to(self, now_s: float) -> None:
        self._anchor_s, self._steps = now_s, 0

    def _come_and_go(self) -> None:
        if self._vehicle is not None and self._visits[0].departure_s <= self.now_s + _INSTANT_S:
            self.unplug()
        if self._vehicle is None and self._visits and self._visits[0].arrival_s <= self.now_s + _INSTANT_S:
            self._vehicle = PluggedVehicle(self._visits[0])
            self._locked, self._session_wh = True, 0.0
            self._move_to(self.now_s)

    def _leave(self) -> None:
        self._vehicle, self._locked, self._ends_wh = None, False, None
        self._without_offer_s = 0.0

    def _step(self, dt_s: float) -> None:
        now_s, vehicle = self.now_s, self._vehicle
        voltage_pu = self._grid.voltage_pu(now_s)
        if vehicle is not None:
            offered_a = self._offer_a()
            vehicle.see(offered_a, now_s)
            self._move_contactor(vehicle, dt_s, offered_a, voltage_pu)
        self._switch(dt_s)
        if vehicle is not None:
            start_w = self._drawn_w(voltage_pu)
            vehicle.step(now_s, dt_s)
            end_w = self._drawn_w(self._grid.voltage_pu(now_s + dt_s))
            energy_wh = 0.5 * (start_w + end_w) * dt_s / SECONDS_PER_HOUR
            vehicle.take(energy_wh)
            self._session_wh += energy_wh
            self._total_wh += energy_wh
        self._steps += 1

    def _move_contactor(
        self, vehicle: PluggedVehicle, dt_s: float, offered_a: float, voltage_pu: float
    ) -> None:
        """Close it for a vehicle that takes an offer; open it without current, and at last under load."""
        if voltage_pu < MAINS_PU_MIN or self._error:
            vehicle.cut()
        elif offered_a > 0.0 and vehicle.requests:
            self._without_offer_s = 0.0
            vehicle.supply()
        elif vehicle.supplied:
            self._without_offer_s += dt_s
            if vehicle.current_a == 0.0 or self._without_offer_s > self.config.patience_s:
                vehicle.cut()

    def _switch(self, dt_s: float) -> None:
        if self._switches_to is None or (self._vehicle is not None and self._vehicle.supplied):
            return
        self._open_s += dt_s
        if self._open_s >= self.config.switch_pause_s - _INSTANT_S:
            self._phases, self._switches_to = self._switches_to, None

    def _is_abandoned(self) -> bool:
        timeout_s = self._failsafe.timeout_s
        return timeout_s > 0.0 and self.now_s - self._heard_s >= timeout_s - _INSTANT_S

    def _limit(self) -> float:
        limit_a = self._failsafe.current_a if self._is_abandoned() else self._limit_a
        return min(limit_a, self.config.current_a_max)

    def _ended(self) -> bool:
        return self._ends_wh is not None and self._session_wh >= self._ends_wh

    def _offer_a(self) -> float:
        """What the pilot says now, in A a phase; 0 is no offer."""
        vehicle, limit_a = self._vehicle, self._limit()
        holds_back = (
            vehicle is None
            or self._pilot() in {Pilot.E, Pilot.F}
            or not self.enabled
            or self._ended()
            or self._switches_to is not None
            or self.now_s < self._starts_until_s
            or (vehicle.vehicle.needs_ventilation and not self.config.ventilated)
        )
        return 0.0 if holds_back or limit_a < CURRENT_A_MIN else limit_a

    def _active_phases(self) -> int:
        return min(self._phases, self._vehicle.vehicle.phases) if self._vehicle else 0

    def _drawn_w(self, voltage_pu: float) -> float:
        """Consumption as a magnitude."""
        if self._vehicle is None or self._vehicle.current_a == 0.0:
            return 0.0
        apparent_va = voltage_pu * self.config.voltage_nominal_v * self._vehicle.current_a
        return apparent_va * self._active_phases() * self._vehicle.vehicle.power_factor

    def _charging(self) -> bool:
        return self._vehicle is not None and self._vehicle.supplied

    def _pilot(self) -> Pilot:
        if self._error:
            return Pilot.F
        if self._grid.voltage_pu(self.now_s) < MAINS_PU_MIN:
            return Pilot.E
        if self._vehicle is None:
            return Pilot.A
        if not self._vehicle.requests:
            return Pilot.B
        return Pilot.D if self._vehicle.vehicle.needs_ventilation else Pilot.C

    def _phase(self) -> Phase:
        if self._error:
            return Phase.FAILED
        if self.now_s < self._starts_until_s:
            return Phase.STARTING
        if self._vehicle is not None and self._vehicle.supplied:
            return Phase.CHARGING
        if self._vehicle is None:
            return Phase.IDLE if self.enabled else Phase.SUSPENDED
        if self._ended():
            return Phase.ENDED
        return Phase.OFFERING if self._offer_a() > 0.0 else Phase.SUSPENDED
