"""The vehicle's side of the cable: it sees the pilot, and draws current as it likes to."""

from collections import deque

from simulators.devices.charging.vehicle import CURRENT_A_MIN, Visit

_FULL = 1.0 - 1e-9
_SATISFIED_WH = 1e-6
_INSTANT_S = 1e-6
"""Two instants this close are one."""


class PluggedVehicle:
    """A vehicle during its visit. Currents are RMS magnitudes, the same in each phase that it uses."""

    def __init__(self, visit: Visit) -> None:
        self.visit, self.vehicle = visit, visit.vehicle
        self.state_of_charge = visit.state_of_charge
        self.drawn_wh = 0.0
        self.current_a = 0.0
        self.supplied = False
        self.asleep = False
        self._offered_a = 0.0
        self._offers: deque[tuple[float, float]] = deque()
        """What the pilot has said and the vehicle has not noticed: when it will, and the offer."""
        self._last_offer_a = 0.0
        self._paused_s = 0.0

    @property
    def satisfied(self) -> bool:
        """It has what it came for, and ends charging by itself."""
        return self.drawn_wh >= self.visit.wanted_wh - _SATISFIED_WH or self.state_of_charge >= _FULL

    @property
    def requests(self) -> bool:
        """It has seen an offer and takes it: pilot state C or D, else B."""
        return self._offered_a >= CURRENT_A_MIN and not self.satisfied and not self.asleep

    def see(self, offered_a: float, now_s: float) -> None:
        """The pilot offers a current (A a phase); 0 is no offer at all."""
        if offered_a != self._last_offer_a:
            self._last_offer_a = offered_a
            self._offers.append((now_s + self.vehicle.reaction_s, offered_a))

    def supply(self) -> None:
        """The contactor has closed."""
        self.supplied = True

    def cut(self) -> None:
        """The contactor has opened: no current, at once."""
        self.supplied = False
        self.current_a = 0.0

    def step(self, now_s: float, dt_s: float) -> None:
        """Go on for ``dt_s`` from ``now_s`` with the contactor as it is: open, nothing can be drawn."""
        while self._offers and self._offers[0][0] <= now_s + _INSTANT_S:
            self._offered_a = self._offers.popleft()[1]
        self._tire(dt_s)
        target_a = self._target_a() if self.supplied else 0.0
        if target_a >= self.current_a:
            self.current_a = min(target_a, self.current_a + self.vehicle.rise_a_per_s * dt_s)
        else:
            self.current_a = max(target_a, self.current_a - self.vehicle.fall_a_per_s * dt_s)

    def take(self, energy_wh: float) -> None:
        """Energy has come through the cable."""
        self.drawn_wh += energy_wh
        stored_wh = energy_wh * self.vehicle.efficiency
        self.state_of_charge = min(1.0, self.state_of_charge + stored_wh / self.vehicle.capacity_wh)

    def _target_a(self) -> float:
        if not self.requests:
            return 0.0
        return min(self._offered_a, self.vehicle.acceptable_a(self.state_of_charge))

    def _tire(self, dt_s: float) -> None:
        sleeps_after_s = self.vehicle.sleeps_after_s
        self._paused_s = self._paused_s + dt_s if self._offered_a < CURRENT_A_MIN else 0.0
        if sleeps_after_s is not None and self._paused_s > sleeps_after_s:
            self.asleep = True
