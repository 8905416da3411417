"""Capability and priority (IEEE 1547-2018, 5.2): how much active and reactive power go together."""

from math import inf, sqrt

import msgspec

_LOW_POWER_PU, _FULL_POWER_PU = 0.05, 0.2
_LOW_POWER_SHARE = 0.25
"""Of the reactive capability, at 5 % of the rating; all of it from 20 %."""

REACTIVE_FIRST = inf
"""Priority of all reactive power."""
ACTIVE_FIRST = 0.0
"""Priority of active power."""


class Capability(msgspec.Struct, frozen=True, kw_only=True):
    """What the device can do, per unit of its ratings."""

    injection_min_pu: float = 0.0
    """0 for PV, -1 for storage."""
    apparent_pu: float = 1.0
    reactive_injected_pu: float = 0.44
    reactive_absorbed_pu: float = 0.44
    reduced_at_low_power: bool = False
    """Reactive capability shrinks below 20 % of active power and is nothing below 5 %."""
    reactive_first_pu: float = 0.44
    """Up to so much reactive power goes before active power, what is beyond it after."""

    def fit(self, injection_pu: float, reactive_pu: float) -> tuple[float, float]:
        """Active and reactive power that are possible together; signs stay as they are."""
        share = self._share(abs(injection_pu)) if self.reduced_at_low_power else 1.0
        low_pu, high_pu = -self.reactive_absorbed_pu * share, self.reactive_injected_pu * share
        reactive_pu = min(max(reactive_pu, low_pu), high_pu)
        first_pu = min(abs(reactive_pu), self.reactive_first_pu)
        active_high_pu = _beside(self.apparent_pu, first_pu)
        injection_pu = min(max(injection_pu, -active_high_pu), active_high_pu)
        if abs(reactive_pu) > first_pu:
            # Never below what has priority: the square root may be a rounding error smaller.
            reactive_high_pu = max(_beside(self.apparent_pu, injection_pu), first_pu)
            reactive_pu = min(max(reactive_pu, -reactive_high_pu), reactive_high_pu)
        return injection_pu, reactive_pu

    def _share(self, active_pu: float) -> float:
        if active_pu >= _FULL_POWER_PU:
            return 1.0
        if active_pu < _LOW_POWER_PU:
            return 0.0
        risen = (active_pu - _LOW_POWER_PU) / (_FULL_POWER_PU - _LOW_POWER_PU)
        return _LOW_POWER_SHARE + (1.0 - _LOW_POWER_SHARE) * risen


def _beside(apparent_pu: float, other_pu: float) -> float:
    """What is left of the apparent power beside a part of it."""
    return sqrt(max(apparent_pu * apparent_pu - other_pu * other_pu, 0.0))
