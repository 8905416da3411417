"""Split a fleet's target over its devices: water-filling on the depth of discharge.

Every device fills to the same level of its weight until it meets its own limit; this is the solution
of ``min sum(x**2 / 2w)`` subject to ``sum(x) = target`` and ``0 <= x <= limit``, found exactly by
sorting the levels at which devices saturate. Vectorised; the result does not depend on chance.
"""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from vpp_core.units import SECONDS_PER_HOUR

Array = NDArray[np.float64]


class Split(NamedTuple):
    """What each device carries, and what is left over because every one is at its limit."""

    share_w: Array
    """Change of injection by device (W, >= 0), in the order of the limits."""
    unserved_w: float


def headroom_w(
    injection_w_max: Array, available_wh: Array, remaining_s: float, cap_w: Array | None = None
) -> Array:
    """Power that each device can hold until the end: by rating, by energy, and by what it showed.

    Args:
        injection_w_max: rated injection (W).
        available_wh: energy that may still be injected, above the owner's reserve (Wh at the terminals).
        remaining_s: seconds for which the power must last.
        cap_w: ceilings learnt from receipts and measurements (W); none when omitted.

    Raises:
        ValueError: the remaining time is not positive.
    """
    if remaining_s <= 0.0:
        raise ValueError(f"a split needs remaining time, not {remaining_s} s")
    by_energy_w = np.maximum(available_wh, 0.0) * (SECONDS_PER_HOUR / remaining_s)
    limit_w = np.minimum(np.maximum(injection_w_max, 0.0), by_energy_w)
    return limit_w if cap_w is None else np.minimum(limit_w, np.maximum(cap_w, 0.0))


def split(target_w: float, limit_w: Array, weight: Array | None = None) -> Split:
    """Fill ``target_w`` (W, >= 0) into devices limited to ``limit_w``.

    ``weight`` (> 0 wherever the limit is) sets the proportion among devices that are not at their limit;
    by default it is the limit itself, which makes the split proportional to headroom. Shares and the
    unserved rest sum to the target.

    Raises:
        ValueError: a negative or non-finite target or limit, a missing weight, or columns that differ.
    """
    _check(target_w, limit_w, weight)
    total_w = math.fsum(limit_w)
    if target_w >= total_w:
        return Split(limit_w.astype(np.float64), target_w - total_w)
    if target_w == 0.0:
        return Split(np.zeros_like(limit_w), 0.0)
    scale = limit_w if weight is None else weight
    share_w = np.minimum(_level(target_w, limit_w, scale) * scale, limit_w)
    return Split(_balanced(share_w, target_w, limit_w), 0.0)


def _level(target_w: float, limit_w: Array, scale: Array) -> float:
    """The level L at which ``sum(min(L * scale, limit))`` is the target (below the sum of limits)."""
    live = limit_w > 0.0
    limits, scales = limit_w[live], scale[live]
    order = np.argsort(limits / scales, kind="stable")
    limits, scales = limits[order], scales[order]
    saturated_w = np.concatenate(([0.0], np.cumsum(limits)))[:-1]
    free = np.cumsum(scales[::-1])[::-1]
    levels = limits / scales
    filled_w = saturated_w + levels * free
    first = min(int(np.searchsorted(filled_w, target_w)), len(limits) - 1)
    return float((target_w - saturated_w[first]) / free[first])


def _balanced(share_w: Array, target_w: float, limit_w: Array) -> Array:
    """Take the rounding of the level out of the device with the most room for it."""
    for _ in range(2):
        rest_w = target_w - math.fsum(share_w)
        if rest_w == 0.0:
            break
        room_w = limit_w - share_w if rest_w > 0.0 else share_w
        device = int(np.argmax(room_w))
        share_w[device] = min(max(share_w[device] + rest_w, 0.0), limit_w[device])
    return share_w


def _check(target_w: float, limit_w: Array, weight: Array | None) -> None:
    if not (math.isfinite(target_w) and target_w >= 0.0):
        raise ValueError(f"a split fills a target of zero or more, not {target_w} W")
    if not bool(np.all(np.isfinite(limit_w) & (limit_w >= 0.0))):
        raise ValueError("a limit of a split is negative or not finite")
    if weight is not None:
        if weight.shape != limit_w.shape:
            raise ValueError(f"{len(weight)} weights do not fit {len(limit_w)} limits")
        if not bool(np.all((weight > 0.0) | (limit_w == 0.0))):
            raise ValueError("a device with headroom has no weight")
