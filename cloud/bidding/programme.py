"""The matrices of a fleet's day. kW, kWh and USD/MWh, so the objective is in thousandths of a dollar.

Columns are the blocks ``c, d, e, r`` (charge, discharge, stored energy at the end of the step, upward
reserve; device-major), one slack for each device's end of day, and with a position sold: energy surplus,
energy shortage and reserve shortage of the fleet by step.
"""

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from cloud.bidding.problem import (
    FloatArray,
    PlanProblem,
    Position,
    energy_ceiling_wh,
    energy_floor_wh,
)
from vpp_core.units import KILO, SECONDS_PER_HOUR

TIE_COST_PER_MWH = 1e-3
"""Makes equal plans equal: of the same worth, earlier steps and first devices come first."""
MISSED_END_COST_PER_MWH = 10_000.0
"""Dearer than every price: the end of the day is missed only where it is out of reach."""
FLEET_SLACKS = 3


@dataclass(frozen=True, slots=True)
class Programme:
    """Minimise ``cost @ x``; ``rows @ x <= limit``, ``equalities @ x == value``, ``lower <= x <= upper``."""

    cost: FloatArray
    rows: sparse.csr_array
    limit: FloatArray
    equalities: sparse.csr_array
    value: FloatArray
    lower: FloatArray
    upper: FloatArray


@dataclass(frozen=True, slots=True)
class _Ratings:
    """Ratings and energies of all devices, repeated for every step (device-major)."""

    charge_kw: FloatArray
    discharge_kw: FloatArray
    charge_efficiency: FloatArray
    discharge_efficiency: FloatArray
    floor_kwh: FloatArray
    ceiling_kwh: FloatArray
    start_kwh: FloatArray
    """At the first step of each device; 0 at all others."""
    owned: FloatArray
    """1 where the whole step lies above what the owner keeps; elsewhere nothing is sold."""


def build(problem: PlanProblem) -> Programme:
    """The linear programme of a problem with at least one device."""
    ratings = _ratings(problem)
    equalities, value = _balance(problem, ratings)
    misses = 0
    if problem.position is not None:
        misses = FLEET_SLACKS * problem.steps
        kept, owed = _kept(problem, problem.position)
        padded = sparse.hstack([equalities, sparse.csr_array((len(value), misses))])
        equalities, value = sparse.vstack([padded, kept]), np.concatenate([value, owed])
    rows, limit = _limits(problem, ratings)
    rows = sparse.hstack([rows, sparse.csr_array((len(limit), misses))])
    free = np.full(len(problem.units) + misses, np.inf)
    reserve_kw_max = (ratings.charge_kw + ratings.discharge_kw) * ratings.owned
    none = np.zeros(len(ratings.floor_kwh))
    return Programme(
        cost=_cost(problem),
        rows=rows.tocsr(),
        limit=limit,
        equalities=equalities.tocsr(),
        value=value,
        lower=np.concatenate([none, none, ratings.floor_kwh, none, np.zeros(len(free))]),
        upper=np.concatenate(
            [
                ratings.charge_kw,
                ratings.discharge_kw * ratings.owned,
                ratings.ceiling_kwh,
                reserve_kw_max,
                free,
            ]
        ),
    )


def _ratings(problem: PlanProblem) -> _Ratings:
    units, steps = problem.units, problem.steps

    def spread(values: list[float]) -> FloatArray:
        return np.repeat(np.array(values, dtype=np.float64), steps)

    floors = [energy_floor_wh(unit, steps, problem.step_h) for unit in units]
    start_kwh = np.zeros((len(units), steps))
    start_kwh[:, 0] = [unit.energy_start_wh / KILO for unit in units]
    owned = [
        np.minimum(floor, np.append(min(unit.energy_start_wh, unit.energy_wh_min), floor[:-1]))
        >= unit.energy_wh_min
        for unit, floor in zip(units, floors, strict=True)
    ]
    return _Ratings(
        charge_kw=spread([unit.absorption_w_max / KILO for unit in units]),
        discharge_kw=spread([unit.injection_w_max / KILO for unit in units]),
        charge_efficiency=spread([unit.charge_efficiency for unit in units]),
        discharge_efficiency=spread([unit.discharge_efficiency for unit in units]),
        floor_kwh=np.concatenate(floors) / KILO,
        ceiling_kwh=np.concatenate([energy_ceiling_wh(unit, steps, problem.step_h) for unit in units]) / KILO,
        start_kwh=start_kwh.ravel(),
        owned=np.concatenate(owned).astype(np.float64),
    )


def _balance(problem: PlanProblem, ratings: _Ratings) -> tuple[sparse.sparray, FloatArray]:
    """e[t] - e[t-1] - dt (ec c - d / ed) = 0, with the start on the right in the first step."""
    count, size = len(problem.units), len(ratings.start_kwh)
    matrix = sparse.hstack(
        [
            -problem.step_h * sparse.diags_array(ratings.charge_efficiency),
            problem.step_h * sparse.diags_array(1.0 / ratings.discharge_efficiency),
            sparse.eye_array(size) - _previous(problem),
            sparse.csr_array((size, size + count)),
        ]
    )
    return matrix, ratings.start_kwh


def _limits(problem: PlanProblem, ratings: _Ratings) -> tuple[sparse.sparray, FloatArray]:
    """Headroom, sustained reserve at both ends of each step, and the end of the day."""
    count, size = len(problem.units), len(ratings.start_kwh)
    one, none = sparse.eye_array(size), sparse.csr_array((size, size))
    no_slack = sparse.csr_array((size, count))
    sustain_h = problem.reserve_sustain_s / SECONDS_PER_HOUR
    sustain = sparse.diags_array(sustain_h / ratings.discharge_efficiency)
    last = np.arange(1, count + 1) * problem.steps - 1
    at_end = sparse.csr_array((-np.ones(count), (np.arange(count), last)), shape=(count, size))
    no_end = sparse.csr_array((count, size))
    matrix = sparse.vstack(
        [
            sparse.hstack([-one, one, none, one, no_slack]),
            sparse.hstack([none, none, -one, sustain, no_slack]),
            sparse.hstack([none, none, -_previous(problem), sustain, no_slack]),
            sparse.hstack([no_end, no_end, at_end, no_end, -sparse.eye_array(count)]),
        ]
    )
    before_kwh = ratings.start_kwh - np.where(ratings.owned > 0.0, ratings.floor_kwh, 0.0)
    target_kwh = [min(unit.energy_start_wh, unit.energy_wh_max) / KILO for unit in problem.units]
    return matrix, np.concatenate(
        [ratings.discharge_kw, -ratings.floor_kwh, before_kwh, -np.array(target_kwh)]
    )


def _kept(problem: PlanProblem, position: Position) -> tuple[sparse.sparray, FloatArray]:
    """The fleet's net energy and reserve are what was sold, but for surplus and shortage."""
    count, steps = len(problem.units), problem.steps
    fleet = sparse.kron(np.ones((1, count)), sparse.eye_array(steps))
    each, none = sparse.eye_array(steps), sparse.csr_array((steps, steps))
    no_device, no_slack = sparse.csr_array((steps, count * steps)), sparse.csr_array((steps, count))
    dt = problem.step_h
    matrix = sparse.vstack(
        [
            sparse.hstack([-dt * fleet, dt * fleet, no_device, no_device, no_slack, -each, each, none]),
            sparse.hstack([no_device, no_device, no_device, fleet, no_slack, none, none, each]),
        ]
    )
    owed_kwh = (position.energy_wh - problem.pv_w * dt) / KILO
    return matrix, np.concatenate([owed_kwh, position.reserve_w / KILO])


def _cost(problem: PlanProblem) -> FloatArray:
    """Wear and purchases less sales; with a position sold, wear and the price of missing it."""
    count, steps, dt = len(problem.units), problem.steps, problem.step_h
    order = TIE_COST_PER_MWH * (1.0 + np.arange(count * steps) / (count * steps))
    none = np.zeros(count * steps)
    ends = np.full(count, MISSED_END_COST_PER_MWH)
    position = problem.position
    if position is not None:
        misses = [
            position.surplus_cost_per_mwh,
            position.shortage_cost_per_mwh + TIE_COST_PER_MWH,
            np.full(steps, position.reserve_shortage_cost_per_mwh) * dt,
        ]
        wear = order + problem.wear_cost_per_mwh
        return np.concatenate([dt * order, dt * wear, none, none, ends, *misses])
    price, reserve_price = (
        np.tile(series, count) for series in (problem.energy_price_per_mwh, problem.reserve_price_per_mwh)
    )
    return np.concatenate(
        [
            dt * (price + order),
            dt * (problem.wear_cost_per_mwh + order - price),
            none,
            dt * (order - reserve_price),
            ends,
        ]
    )


def _previous(problem: PlanProblem) -> sparse.sparray:
    """Takes from each device-step the step before it; nothing from the first."""
    steps = problem.steps
    return sparse.kron(sparse.eye_array(len(problem.units)), sparse.eye_array(steps, k=-1))
