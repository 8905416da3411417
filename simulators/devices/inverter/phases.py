"""The wires: how power and voltage divide among one or three phases."""

import math
from typing import NamedTuple

SHARE_ERROR_MAX = 1e-9


class PhaseValues(NamedTuple):
    """One figure a phase; active and reactive power add up to the totals."""

    voltage_v: tuple[float, ...]
    current_a: tuple[float, ...]
    power_w: tuple[float, ...]
    reactive_var: tuple[float, ...]


class Phases:
    """A fixed division of power, and a fixed deviation of each phase's voltage.

    Args:
        voltage_nominal_v: line to neutral.
        shares: of active and reactive power; they add up to 1.
        deviations_pu: of each voltage from the mean; they add up to 0.

    Raises:
        ValueError: they do not, or one of them is beyond reason.
    """

    def __init__(
        self, voltage_nominal_v: float, shares: tuple[float, ...], deviations_pu: tuple[float, ...]
    ) -> None:
        if len(shares) != len(deviations_pu):
            raise ValueError(f"{len(shares)} phase shares and {len(deviations_pu)} voltage deviations differ")
        if abs(sum(shares) - 1.0) > SHARE_ERROR_MAX or min(shares) < 0.0:
            raise ValueError(f"phase shares {shares} are not parts of 1")
        if abs(sum(deviations_pu)) > SHARE_ERROR_MAX or max(map(abs, deviations_pu)) >= 1.0:
            raise ValueError(f"voltage deviations {deviations_pu} do not add up to 0, or leave a phase dead")
        self._nominal_v, self._shares = voltage_nominal_v, shares
        self._factors = tuple(1.0 + each for each in deviations_pu)
        self.extremes = min(self._factors), max(self._factors)
        """Lowest and highest voltage of a phase, per unit of the mean."""

    def values(self, power_w: float, reactive_var: float, voltage_pu: float) -> PhaseValues:
        voltage_v = tuple(voltage_pu * self._nominal_v * factor for factor in self._factors)
        phase_w, phase_var = self._divide(power_w), self._divide(reactive_var)
        current_a = tuple(
            math.hypot(active, reactive) / volts if volts > 0.0 else 0.0
            for active, reactive, volts in zip(phase_w, phase_var, voltage_v, strict=True)
        )
        return PhaseValues(voltage_v, current_a, phase_w, phase_var)

    def _divide(self, total: float) -> tuple[float, ...]:
        """The last phase takes what rounding leaves, so that the parts add up."""
        parts = [total * share for share in self._shares[:-1]]
        return (*parts, total - sum(parts))


def power_factor(power_w: float, reactive_var: float) -> float:
    """Active by apparent power, positive where reactive power is injected; 1 where none of either flows."""
    apparent_va = math.hypot(power_w, reactive_var)
    if apparent_va == 0.0:
        return 1.0
    return math.copysign(abs(power_w) / apparent_va, 1.0 if reactive_var >= 0.0 else -1.0)
