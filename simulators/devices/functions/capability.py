"""What a unit can do in active and reactive power together, and what gives way (clause 5.2)."""

import math
from dataclasses import dataclass

from simulators.devices.functions.settings import Priority

Ratio = float
"""A quotient of two powers."""

LOW_PU, LOWEST_PU = 0.2, 0.05
LOWEST_SHARE = 0.25
"""Of the reactive capability, at the lowest active power (table 7, Category B: 0.11 of 0.44)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Capability:
    """A circle, cut off at the reactive ratings.

    Active power is per unit of its own rating, everything else per unit of the apparent power rating.
    """

    apparent_per_power: Ratio = 1.0
    """Apparent power rating over active power rating."""
    injected_max_pu: float = 0.44
    """Reactive power, over-excited."""
    absorbed_max_pu: float = 0.44
    """Reactive power, under-excited, as a magnitude."""
    reduced_at_low_power: bool = False
    """Below 0.2 of active power the reactive capability shrinks in a straight line to a quarter at 0.05, and
    is nothing below: the least that the standard asks of a unit without storage."""

    def share(self, power_pu: float, reactive_pu: float, priority: Priority) -> tuple[float, float]:
        """Active and reactive power that the unit can do of what is wanted."""
        injected_pu, absorbed_pu = self.injected_max_pu, self.absorbed_max_pu
        if self.reduced_at_low_power and power_pu < LOW_PU:
            share = self._share_at_low_power(power_pu)
            injected_pu, absorbed_pu = share * injected_pu, share * absorbed_pu
        if reactive_pu > injected_pu:
            reactive_pu = injected_pu
        elif reactive_pu < -absorbed_pu:
            reactive_pu = -absorbed_pu
        active_pu = power_pu / self.apparent_per_power
        if active_pu * active_pu + reactive_pu * reactive_pu <= 1.0:
            return power_pu, reactive_pu
        if priority is Priority.REACTIVE:
            reactive_pu = max(-1.0, min(1.0, reactive_pu))
            active_max_pu = math.sqrt(1.0 - reactive_pu * reactive_pu)
            return math.copysign(active_max_pu, power_pu) * self.apparent_per_power, reactive_pu
        active_pu = max(-1.0, min(1.0, active_pu))
        reactive_max_pu = math.sqrt(1.0 - active_pu * active_pu)
        return active_pu * self.apparent_per_power, math.copysign(
            min(reactive_max_pu, abs(reactive_pu)), reactive_pu
        )

    @staticmethod
    def _share_at_low_power(power_pu: float) -> float:
        # Charging counts by its magnitude: a unit that moves power has its inverter running.
        magnitude_pu = abs(power_pu)
        if magnitude_pu >= LOW_PU:
            return 1.0
        if magnitude_pu < LOWEST_PU:
            return 0.0
        return LOWEST_SHARE + (1.0 - LOWEST_SHARE) * (magnitude_pu - LOWEST_PU) / (LOW_PU - LOWEST_PU)
