"""Split a fleet's target over its devices: water-filling on the depth of discharge.

Every device fills to the same level of its weight until it meets its own limit; this is the solution
of ``min sum(x**2 / 2w)`` subject to ``sum(x) = target`` and ``0 <= x <= limit``, found exactly by Newton
steps on a concave, piecewise linear sum. Vectorised; the result does not depend on chance.
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
    total_w = float(limit_w.sum())
    if target_w >= total_w:
        return Split(limit_w.astype(np.float64), target_w - total_w)
    if target_w == 0.0:
        return Split(np.zeros_like(limit_w), 0.0)
    if weight is None:
        share_w = limit_w * (target_w / total_w)
    else:
        share_w = np.minimum(_level(target_w, limit_w, weight) * weight, limit_w)
    return Split(_balanced(share_w, target_w, limit_w), 0.0)


def _level(target_w: float, limit_w: Array, weight: Array) -> float:
    """The level L at which ``sum(min(L * weight, limit))`` is the target (below the sum of limits).

    The sum is concave in L, so that Newton steps from below never pass the solution, and every step adds
    to the devices that are full: it ends when none is added.
    """
    full_at = np.divide(limit_w, weight, out=np.zeros_like(limit_w), where=weight > 0.0)
    left_w, weights, limits_w = target_w, weight, limit_w
    level = left_w / float(weights.sum())
    while True:
        filling = full_at > level
        total_w = float(limits_w.sum())
        full_at, weights, limits_w = full_at[filling], weights[filling], limits_w[filling]
        left_w -= total_w - float(limits_w.sum())
        higher = left_w / float(weights.sum()) if len(weights) else level
        if higher <= level:
            return level
        level = higher


def _balanced(share_w: Array, target_w: float, limit_w: Array) -> Array:
    """Take the rounding of the level out of the devices with the most room for it."""
    for _ in range(2):
        rest_w = target_w - float(share_w.sum())
        if rest_w == 0.0:
            break
        device = int(np.argmax(limit_w - share_w if rest_w > 0.0 else share_w))
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
