"""What conversion costs: a table of efficiencies by load, and the straight lines between its corners."""

from bisect import bisect_right
from dataclasses import dataclass
from itertools import pairwise

LOAD_PU_MAX = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class EfficiencyCurve:
    """Efficiency of one stage at part of its load, in ascending loads (per unit of its rating).

    Energy that flows backwards is converted with the same efficiency at the same load, unless
    ``backwards`` has corners of its own. Losses lie on straight lines between corners, so that the
    efficiency falls towards no load where ``idle_pu`` is lost.

    Raises:
        ValueError: an efficiency that no machine has, or corners that do not ascend.
    """

    points: tuple[tuple[float, float], ...]
    """Corners (load, efficiency)."""
    backwards: tuple[tuple[float, float], ...] = ()
    idle_pu: float = 0.0
    """Loss at no load while the stage switches."""

    def __post_init__(self) -> None:
        _check(self.points)
        if self.backwards:
            _check(self.backwards)
        if not 0.0 <= self.idle_pu < self.points[0][0] / self.points[0][1]:
            raise ValueError(
                f"idle_pu = {self.idle_pu:g} is negative, or more than what the first corner draws"
            )
        self._check_losses("points", 1.0)
        self._check_losses("backwards", -1.0)

    def corners(self) -> list[tuple[float, float]]:
        """Ascending corners (delivered, drawn), per unit; backward flow is negative in both."""
        back = [(-load, -load * share) for load, share in reversed(self.backwards or self.points)]
        return [*back, (0.0, self.idle_pu), *((load, load / share) for load, share in self.points)]

    def _check_losses(self, name: str, direction: float) -> None:
        """What is drawn must grow with what is delivered, or the stage could not be told backwards."""
        corners = [corner for corner in self.corners() if corner[0] * direction >= 0.0]
        for (low, low_drawn), (high, high_drawn) in pairwise(corners):
            if high_drawn <= low_drawn:
                raise ValueError(f"{name}: more is delivered at {high:g} than at {low:g} and not more drawn")


class Stage:
    """One converter: what it draws on its source side for what it delivers on the other (W, both signed)."""

    def __init__(self, curve: EfficiencyCurve, rated_w: float) -> None:
        corners = curve.corners()
        self._delivered_w = [rated_w * delivered for delivered, _ in corners]
        self._drawn_w = [rated_w * drawn for _, drawn in corners]
        self._slopes = [
            (drawn_to - drawn) / (delivered_to - delivered)
            for (delivered, drawn), (delivered_to, drawn_to) in pairwise(corners)
        ]
        self._last = len(self._slopes) - 1
        self._asked_w = self._answer_w = float("nan")
        self._inverse_asked_w = self._inverse_answer_w = float("nan")

    def drawn_w(self, delivered_w: float) -> float:
        """Flat efficiency's slope goes on beyond the outermost corners."""
        if delivered_w == self._asked_w:
            return self._answer_w
        index = min(max(bisect_right(self._delivered_w, delivered_w) - 1, 0), self._last)
        drawn_w = self._drawn_w[index] + self._slopes[index] * (delivered_w - self._delivered_w[index])
        self._asked_w, self._answer_w = delivered_w, drawn_w
        return drawn_w

    def delivered_w(self, drawn_w: float) -> float:
        """The inverse of :meth:`drawn_w`."""
        if drawn_w == self._inverse_asked_w:
            return self._inverse_answer_w
        index = min(max(bisect_right(self._drawn_w, drawn_w) - 1, 0), self._last)
        delivered_w = self._delivered_w[index] + (drawn_w - self._drawn_w[index]) / self._slopes[index]
        self._inverse_asked_w, self._inverse_answer_w = drawn_w, delivered_w
        return delivered_w


def _check(points: tuple[tuple[float, float], ...]) -> None:
    if not points:
        raise ValueError("an efficiency curve needs at least one corner (load, efficiency)")
    for load, share in points:
        if not 0.0 < load <= LOAD_PU_MAX:
            raise ValueError(f"efficiency at a load of {load:g} per unit: loads lie above 0 and up to 2")
        if not 0.0 < share <= 1.0:
            raise ValueError(f"efficiency {share:g} at a load of {load:g} is not above 0 and at most 1")
    if any(low >= high for (low, _), (high, _) in pairwise(points)):
        raise ValueError("the loads of an efficiency curve do not ascend")


INVERTER = EfficiencyCurve(
    points=((0.05, 0.90), (0.1, 0.94), (0.2, 0.962), (0.3, 0.968), (0.5, 0.972), (0.75, 0.970), (1.0, 0.966)),
    idle_pu=0.003,
)
"""The bridge between the DC bus and the grid."""
TRACKER = EfficiencyCurve(points=((0.05, 0.97), (0.2, 0.988), (0.5, 0.99), (1.0, 0.988)))
"""From the modules to the DC bus."""
CELLS = EfficiencyCurve(points=((0.05, 0.985), (0.25, 0.985), (0.5, 0.98), (1.0, 0.97)))
"""Between the cells and the DC bus, the cells' own resistance included."""
