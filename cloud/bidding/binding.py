"""Names for what limits a plan and for what it could not keep."""

from collections import defaultdict

import numpy as np
from scipy.optimize import OptimizeResult

from cloud.bidding.problem import FloatArray, PlanProblem

NAMED_MAX = 20
DUAL_MIN = 1e-2
"""USD/MWh below which a constraint is not worth a name; ten times the cost of order."""
MISS_KW = 0.2
"""Up to here (two steps of the market's quantities) a miss is rounding and not worth a name."""

_ROWS = (
    "power headroom of {} for reserve",
    "stored energy of {} for reserve (end of step)",
    "stored energy of {} for reserve (start of step)",
)
_UPPER = (
    "charging power of {}",
    "discharging power of {}",
    "owner's ceiling of stored energy of {}",
    "reserve of {}",
)
_FLOOR = "owner's reserve of stored energy of {}"
_END = "stored energy of {} at the end of the day"


def name_binding(problem: PlanProblem, result: OptimizeResult) -> tuple[str, ...]:
    """The constraints with a price, the costliest (sum of duals over the day) first."""
    count, steps = len(problem.units), problem.steps
    size = count * steps
    weights: dict[str, float] = defaultdict(float)

    def add(template: str, marginals: FloatArray) -> None:
        by_device = np.abs(marginals.reshape(count, -1))
        for unit, duals in zip(problem.units, by_device, strict=True):
            weights[template.format(unit.der_id)] += float(duals[duals > DUAL_MIN].sum())

    rows, upper, lower = result.ineqlin.marginals, result.upper.marginals, result.lower.marginals
    for block, template in enumerate(_ROWS):
        add(template, rows[block * size : (block + 1) * size])
    add(_END, rows[len(_ROWS) * size : len(_ROWS) * size + count])
    for block, template in enumerate(_UPPER):
        add(template, upper[block * size : (block + 1) * size])
    add(_FLOOR, lower[2 * size : 3 * size])
    named = sorted((-weight, name) for name, weight in weights.items() if weight > 0.0)
    return tuple(name for _, name in named[:NAMED_MAX])


def name_relaxed(problem: PlanProblem, slacks: FloatArray) -> tuple[str, ...]:
    """What the plan could not keep: ends of day, owner ranges left at the start, positions missed."""
    count, steps = len(problem.units), problem.steps
    names = [
        f"{unit.der_id} starts outside its owner's range and returns at half power"
        for unit in problem.units
        if not unit.energy_wh_min <= unit.energy_start_wh <= unit.energy_wh_max
    ]
    names += [
        f"{unit.der_id} ends the day {missed * 1_000:.0f} Wh short"
        for unit, missed in zip(problem.units, slacks[:count], strict=True)
        if missed > MISS_KW
    ]
    labels = ("energy above the position", "energy below the position", "reserve below the position")
    for label, missed in zip(labels, slacks[count:].reshape(-1, steps), strict=False):
        missed_steps = np.flatnonzero(missed > MISS_KW)
        if len(missed_steps):
            numbers = ", ".join(str(step) for step in missed_steps)
            names.append(f"{label} in step {numbers}: {missed[missed_steps].sum() * 1_000:.0f} Wh")
    return tuple(names)
