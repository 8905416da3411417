"""What the planner is asked, and what it answers. Arrays are device x step or step; W, Wh and USD/MWh."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from cloud.forecasting.fleet import StorageUnit
from vpp_core.units import SECONDS_PER_HOUR

FloatArray = npt.NDArray[np.float64]

RESTORE_SHARE = 0.5
"""Share of a battery's power with which it returns to the owner's range when it starts outside."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """What the fleet has sold: the plan keeps it as well as it can, and every miss has its price.

    Costs are never negative, so that no deviation is a trade.
    """

    energy_wh: FloatArray
    """Net energy owed in each step (injection positive)."""
    reserve_w: FloatArray
    shortage_cost_per_mwh: FloatArray
    surplus_cost_per_mwh: FloatArray
    reserve_shortage_cost_per_mwh: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanProblem:
    """One day of a fleet of batteries beside PV that is taken as it comes.

    Raises:
        ValueError: a number is not finite, or the arrays differ in length.
    """

    step_s: int
    units: tuple[StorageUnit, ...]
    pv_w: FloatArray
    energy_price_per_mwh: FloatArray
    reserve_price_per_mwh: FloatArray
    reserve_sustain_s: int
    wear_cost_per_mwh: float
    """Cost of ageing by a MWh discharged."""
    position: Position | None = None
    """Set once the market has decided; then prices no longer steer the plan, deviations do."""

    def __post_init__(self) -> None:
        arrays = [self.pv_w, self.energy_price_per_mwh, self.reserve_price_per_mwh]
        if self.position is not None:
            arrays += [
                self.position.energy_wh,
                self.position.reserve_w,
                self.position.shortage_cost_per_mwh,
                self.position.surplus_cost_per_mwh,
            ]
        if any(array.shape != self.pv_w.shape or not np.isfinite(array).all() for array in arrays):
            raise ValueError("the series of a plan must be finite and of equal length")

    @property
    def steps(self) -> int:
        return len(self.pv_w)

    @property
    def step_h(self) -> float:
        return self.step_s / SECONDS_PER_HOUR


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanSolution:
    """An optimal plan; device x step, devices in the order of the problem."""

    setpoint_w: FloatArray
    energy_wh: FloatArray
    """Stored energy at the end of each step."""
    reserve_w: FloatArray
    energy_value_per_mwh: FloatArray
    """What one more MWh stored at the end of each step would be worth (dual)."""
    gap: float
    relaxed: tuple[str, ...]
    """What could not be kept, and by how much."""
    binding: tuple[str, ...]
    """Names of the constraints that bind, the costliest first."""


def energy_floor_wh(unit: StorageUnit, steps: int, step_h: float) -> FloatArray:
    """Least stored energy at the end of each step: the owner's, or the way back to it."""
    gain_wh = RESTORE_SHARE * unit.absorption_w_max * unit.charge_efficiency * step_h
    path_wh = unit.energy_start_wh + gain_wh * np.arange(1, steps + 1)
    return np.asarray(np.minimum(unit.energy_wh_min, path_wh), dtype=np.float64)


def energy_ceiling_wh(unit: StorageUnit, steps: int, step_h: float) -> FloatArray:
    """Most stored energy at the end of each step: the owner's, or the way back to it."""
    loss_wh = RESTORE_SHARE * unit.injection_w_max / unit.discharge_efficiency * step_h
    path_wh = unit.energy_start_wh - loss_wh * np.arange(1, steps + 1)
    return np.asarray(np.maximum(unit.energy_wh_max, path_wh), dtype=np.float64)
