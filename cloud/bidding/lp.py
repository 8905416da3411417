"""The optimal plan of a fleet's day: a linear programme on HiGHS, energy and reserve together.

Reserve is deliverable by each device alone: power headroom (r <= dmax - d + c) and stored energy for the
product's duration at both ends of the step. What cannot be kept (a start outside the owner's range, an end
out of reach, a position that the devices no longer carry) is relaxed at a price and named, never mute.
Charging and discharging at once is no plan: where the relaxation does it, that step gets a binary.
"""

from dataclasses import replace

import numpy as np
import scipy
from scipy import sparse
from scipy.optimize import OptimizeResult, linprog

from cloud.bidding.binding import name_binding, name_relaxed
from cloud.bidding.problem import FloatArray, PlanProblem, PlanSolution
from cloud.bidding.programme import Programme, build
from vpp_core.faults import LocalFault
from vpp_core.units import KILO

SOLVER = f"HiGHS (scipy {scipy.__version__})"
TOLERANCE_KW = 1e-6
DECIMALS = 3
"""Plans are rounded to mW and mWh: below what a device resolves, above what a solver leaves behind."""
OPTIMAL = 0

IntArray = np.typing.NDArray[np.int64]


class PlanFault(LocalFault):
    """The planner found no plan; the text says why."""

    code = "plan"


def solve(problem: PlanProblem) -> PlanSolution:
    """The optimal plan; the same problem always gives the same one.

    Raises:
        PlanFault: HiGHS found none, which relaxation rules out for sound ratings.
    """
    shape = (len(problem.units), problem.steps)
    size = shape[0] * shape[1]
    if size == 0:
        nothing = np.zeros(shape)
        return PlanSolution(
            setpoint_w=nothing,
            energy_wh=nothing,
            reserve_w=nothing,
            energy_value_per_mwh=nothing,
            gap=0.0,
            relaxed=(),
            binding=(),
        )
    result, gap = _solve_one_way(build(problem), size)
    charge, discharge, energy, reserve = result.x[: 4 * size].reshape(4, *shape)
    return PlanSolution(
        setpoint_w=_milli(KILO * (discharge - charge)),
        energy_wh=_milli(KILO * energy),
        reserve_w=_milli(KILO * reserve),
        energy_value_per_mwh=-result.eqlin.marginals[:size].reshape(shape),
        gap=gap,
        relaxed=name_relaxed(problem, result.x[4 * size :]),
        binding=name_binding(problem, result),
    )


def _solve_one_way(programme: Programme, size: int) -> tuple[OptimizeResult, float]:
    """Solve; as long as a device-step charges and discharges at once, give it a binary and solve again."""
    result, gap = _run(programme), 0.0
    both = np.empty(0, dtype=np.int64)
    while (
        cheating := np.flatnonzero(np.minimum(*result.x[: 2 * size].reshape(2, size)) > TOLERANCE_KW)
    ).size:
        both = np.union1d(both, cheating)
        mixed = _run(_with_binaries(programme, both, size), binaries=len(both))
        gap = float(mixed.mip_gap or 0.0)
        discharging = mixed.x[-len(both) :] > 0.5  # noqa: PLR2004 - a binary, but for the solver's tolerance
        upper = programme.upper.copy()
        upper[np.where(discharging, both, size + both)] = 0.0
        result = _run(replace(programme, upper=upper))
    return result, gap


def _with_binaries(programme: Programme, both: IntArray, size: int) -> Programme:
    """Adds z = "discharges": c <= cmax (1 - z) and d <= dmax z."""
    count, columns = len(both), len(programme.cost)
    ones, order = np.ones(count), np.arange(count)
    charge = sparse.csr_array((ones, (order, both)), shape=(count, columns))
    discharge = sparse.csr_array((ones, (order, size + both)), shape=(count, columns))
    charge_kw_max, discharge_kw_max = programme.upper[both], programme.upper[size + both]
    rows = sparse.block_array(
        [
            [programme.rows, None],
            [charge, sparse.diags_array(charge_kw_max)],
            [discharge, -sparse.diags_array(discharge_kw_max)],
        ]
    )
    none = np.zeros(count)
    equalities = sparse.hstack([programme.equalities, sparse.csr_array((len(programme.value), count))])
    return Programme(
        cost=np.append(programme.cost, none),
        rows=rows.tocsr(),
        limit=np.concatenate([programme.limit, charge_kw_max, none]),
        equalities=equalities.tocsr(),
        value=programme.value,
        lower=np.append(programme.lower, none),
        upper=np.append(programme.upper, ones),
    )


def _run(programme: Programme, binaries: int = 0) -> OptimizeResult:
    integrality = np.zeros(len(programme.cost))
    if binaries:
        integrality[-binaries:] = 1
    result = linprog(
        programme.cost,
        A_ub=programme.rows,
        b_ub=programme.limit,
        A_eq=programme.equalities,
        b_eq=programme.value,
        bounds=np.column_stack([programme.lower, programme.upper]),
        method="highs",
        integrality=integrality if binaries else None,
        options={"mip_rel_gap": 0.0} if binaries else None,
    )
    if result.status != OPTIMAL:
        raise PlanFault(f"No plan was found ({result.message}); check the enrolled ratings and owner limits.")
    return result


def _milli(values: FloatArray) -> FloatArray:
    return np.asarray(np.round(values, DECIMALS) + 0.0, dtype=np.float64)
