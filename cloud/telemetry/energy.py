"""Energy by step from the samples of two counters; pure, vectorised over time."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from cloud.telemetry.store import EnergyStep
from vpp_core.interval import Interval
from vpp_core.measurement import Quality

Floats = npt.NDArray[np.float64]


def energy_steps(
    *,
    sampled_s: Floats,
    injected_wh: Floats,
    absorbed_wh: Floats,
    steps: Sequence[Interval],
    gap_s_max: float,
) -> list[EnergyStep]:
    """What two growing counters say about consecutive steps.

    Args:
        sampled_s: Unix seconds of the samples, strictly increasing.
        injected_wh: the injection counter at each sample (Wh).
        absorbed_wh: the absorption counter at each sample (Wh).
        steps: consecutive intervals without holes.
        gap_s_max: a step that reaches across a longer distance of two samples is only estimated.

    A step that the samples do not span, or in which a counter ran backwards (a replaced or reset
    device), is missing: its energy is not known.
    """
    if not steps:
        return []
    borders_s = np.array([steps[0].start.timestamp(), *(step.end.timestamp() for step in steps)])
    if len(sampled_s) == 0:
        return [_missing(step) for step in steps]
    left = np.searchsorted(sampled_s, borders_s, side="right") - 1
    right = np.searchsorted(sampled_s, borders_s, side="left")
    spanned = (left[:-1] >= 0) & (right[1:] < len(sampled_s))
    broken = (np.diff(injected_wh) < 0.0) | (np.diff(absorbed_wh) < 0.0)
    wide = np.diff(sampled_s) > gap_s_max
    injected = np.diff(np.interp(borders_s, sampled_s, injected_wh))
    absorbed = np.diff(np.interp(borders_s, sampled_s, absorbed_wh))
    first, last = np.maximum(left[:-1], 0), np.minimum(right[1:], len(sampled_s) - 1)
    known = spanned & ~_any_between(broken, first, last)
    measured = ~_any_between(wide, first, last)
    return [
        EnergyStep(
            interval=step,
            injected_wh=float(injected[i]),
            absorbed_wh=float(absorbed[i]),
            quality=Quality.GOOD if measured[i] else Quality.ESTIMATED,
        )
        if known[i]
        else _missing(step)
        for i, step in enumerate(steps)
    ]


def _any_between(
    flags: npt.NDArray[np.bool_], first: npt.NDArray[np.intp], last: npt.NDArray[np.intp]
) -> npt.NDArray[np.bool_]:
    """Whether any flag of the pairs from sample ``first`` to sample ``last`` is set, for each step."""
    count = np.concatenate(([0], np.cumsum(flags)))
    return np.asarray(count[np.maximum(last, first)] - count[first] > 0)


def _missing(step: Interval) -> EnergyStep:
    return EnergyStep(interval=step, injected_wh=None, absorbed_wh=None, quality=Quality.MISSING)
