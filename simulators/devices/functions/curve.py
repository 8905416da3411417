"""Piecewise-linear curves, flat outside their corners."""

from bisect import bisect_right
from itertools import pairwise

from simulators.devices.functions.settings import Points


class Curve:
    """A function through given corners; of two corners above one another the later one holds."""

    __slots__ = ("_slopes", "_xs", "_ys")

    def __init__(self, points: Points) -> None:
        """Corners in ascending order, one at least."""
        self._xs = tuple(x for x, _ in points)
        self._ys = tuple(y for _, y in points)
        self._slopes = tuple(
            (y_next - y) / (x_next - x) if x_next > x else 0.0
            for (x, y), (x_next, y_next) in pairwise(points)
        )

    def at(self, x: float) -> float:
        after = bisect_right(self._xs, x)
        if after == 0:
            return self._ys[0]
        if after == len(self._xs):
            return self._ys[-1]
        before = after - 1
        return self._ys[before] + self._slopes[before] * (x - self._xs[before])
