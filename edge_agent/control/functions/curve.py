"""A piecewise-linear curve, as volt-var, volt-watt and watt-var are given."""

from itertools import pairwise

import msgspec


class Curve(msgspec.Struct, frozen=True):
    """Corners in ascending order; flat before the first one and after the last.

    Raises:
        ValueError: no corner, corners out of order, or a jump: two values at one place.
    """

    corners: tuple[tuple[float, float], ...]

    def __post_init__(self) -> None:
        if not self.corners:
            raise ValueError("a curve needs at least one corner")
        for (left_x, left_y), (right_x, right_y) in pairwise(self.corners):
            if right_x < left_x:
                raise ValueError(f"the corners of a curve must ascend: {right_x:g} stands after {left_x:g}")
            if right_x == left_x and right_y != left_y:
                raise ValueError(
                    f"a curve may not jump: it has both {left_y:g} and {right_y:g} at {left_x:g}"
                )

    def at(self, x: float) -> float:
        left_x, left_y = self.corners[0]
        if x <= left_x:
            return left_y
        for right_x, right_y in self.corners[1:]:
            if x < right_x:
                return left_y + (right_y - left_y) * (x - left_x) / (right_x - left_x)
            left_x, left_y = right_x, right_y
        return left_y
