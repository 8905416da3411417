"""How good a forecast was. Pure.

Pooled MAE in MW, nMAE = sum|e| / sum|actual|, bias = mean of forecast less actual, coverage of the 80 %
band, ratio of the MAE to that of persistence.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from cloud.chain.records import ForecastSeries
from cloud.forecasting.like_days import FloatArray
from vpp_core.units import mw_from_watts


class Measured(NamedTuple):
    """One forecast series and what was measured (W, injection positive); ``None`` where unknown."""

    series: ForecastSeries
    measured_w: Sequence[float | None]


class Accuracy(NamedTuple):
    """The portfolio's figures over the steps in which every member was measured."""

    steps: int
    mae_mw: float
    nmae: float | None
    """None where nothing flowed."""
    bias_mw: float
    coverage: float
    """Share of the members' measured steps inside their own 80 % band."""
    ratio_to_persistence: float | None
    """None where persistence was without error."""


def accuracy(members: Sequence[Measured]) -> Accuracy | None:
    """The accuracy of the sum of some series, or nothing if no step was measured in all of them."""
    if not members:
        return None
    measured_w = np.array([[_nan(value) for value in member.measured_w] for member in members])
    known = ~np.isnan(measured_w).any(axis=0)
    if not known.any():
        return None
    actual_w = measured_w[:, known].sum(axis=0)
    error_w = _total([expected_w(member.series) for member in members], known) - actual_w
    naive_w = _total([member.series.persistence_w for member in members], known) - actual_w
    absolute_w, naive_absolute_w = np.abs(error_w).sum(), np.abs(naive_w).sum()
    flow_w = np.abs(actual_w).sum()
    return Accuracy(
        steps=int(known.sum()),
        mae_mw=mw_from_watts(float(absolute_w / known.sum())),
        nmae=float(absolute_w / flow_w) if flow_w > 0.0 else None,
        bias_mw=mw_from_watts(float(error_w.mean())),
        coverage=_coverage(members, measured_w),
        ratio_to_persistence=float(absolute_w / naive_absolute_w) if naive_absolute_w > 0.0 else None,
    )


def expected_w(series: ForecastSeries) -> tuple[float, ...]:
    """The values that a portfolio adds up: means, or medians where a series has no means."""
    return series.mean_w or series.q50_w


def _total(rows: Sequence[Sequence[float]], known: np.typing.NDArray[np.bool_]) -> FloatArray:
    return np.asarray(np.array(rows, dtype=np.float64)[:, known].sum(axis=0), dtype=np.float64)


def _coverage(members: Sequence[Measured], measured_w: FloatArray) -> float:
    low_w = np.array([member.series.q10_w for member in members])
    high_w = np.array([member.series.q90_w for member in members])
    known = ~np.isnan(measured_w)
    inside = (low_w <= measured_w) & (measured_w <= high_w)
    return float(inside[known].mean())


def _nan(value: float | None) -> float:
    return np.nan if value is None else value
