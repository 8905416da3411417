"""Active-power controls of SunSpec model 704: a setpoint and a limit, each with a reversion timer."""

from collections.abc import Mapping
from dataclasses import dataclass

ENABLED, DISABLED = 1, 0
MODE_PERCENT, MODE_WATTS = 0, 1
REVERSION_S_MAX = 0xFFFF_FFFE


class ValueRefused(ValueError):
    """A control point was given a value outside its range."""


@dataclass(frozen=True, slots=True)
class Ratings:
    """What a device can do, as magnitudes (model 702)."""

    injection_w_max: float
    absorption_w_max: float

    @property
    def limit_base_w(self) -> float:
        """What 100 % means: the injection rating, or that of absorption for a pure load."""
        return self.injection_w_max or self.absorption_w_max


@dataclass(frozen=True, slots=True)
class _Function:
    """One function of model 704: the points that belong together under one enable and one timer."""

    enable: str
    values: tuple[tuple[str, str], ...]
    """Each value and what it becomes when the timer ends."""
    others: tuple[str, ...] = ()

    @property
    def enable_after(self) -> str:
        return f"{self.enable}Rvrt"

    @property
    def timer(self) -> str:
        return f"{self.enable.removesuffix('Ena')}RvrtTms"

    @property
    def remaining(self) -> str:
        return f"{self.enable.removesuffix('Ena')}RvrtRem"

    @property
    def points(self) -> frozenset[str]:
        pairs = {name for pair in self.values for name in pair}
        return frozenset({self.enable, self.enable_after, self.timer, *self.others, *pairs})


_SETPOINT = _Function("WSetEna", (("WSet", "WSetRvrt"), ("WSetPct", "WSetPctRvrt")), others=("WSetMod",))
_LIMIT = _Function("WMaxLimPctEna", (("WMaxLimPct", "WMaxLimPctRvrt"),))
_FUNCTIONS = (_SETPOINT, _LIMIT)

WRITABLE = frozenset().union(*(function.points for function in _FUNCTIONS))
"""Names of all points that may be written."""


class Controls:
    """State of the controls of one device.

    A timer starts when its function is enabled with a time above zero, and starts again with every
    later write to a point of that function. When it ends, the value becomes the reversion value and
    the enable point the reversion enable.

    Args:
        reversion_works: false makes the timer count down and do nothing, as one vendor's does.
    """

    def __init__(self, ratings: Ratings, *, reversion_works: bool = True) -> None:
        self._ratings = ratings
        self._reversion_works = reversion_works
        self._values: dict[str, float] = dict.fromkeys(sorted(WRITABLE), 0.0)
        self._values |= {"WSetMod": MODE_WATTS, "WMaxLimPct": 100.0, "WMaxLimPctRvrt": 100.0}
        self._expiry_s: dict[_Function, float] = {}

    def setpoint_w(self) -> float | None:
        """The setpoint in force (injection positive), or nothing."""
        if self._values["WSetEna"] != ENABLED:
            return None
        if self._values["WSetMod"] == MODE_WATTS:
            return self._values["WSet"]
        return self._values["WSetPct"] / 100.0 * self._ratings.limit_base_w

    def limit_fraction(self) -> float:
        """The limit in force as a part of the rating, 0 .. 1."""
        return self._values["WMaxLimPct"] / 100.0 if self._values["WMaxLimPctEna"] == ENABLED else 1.0

    def next_expiry_s(self) -> float:
        """When the next timer ends, in Unix seconds; infinity where none runs."""
        return min(self._expiry_s.values(), default=float("inf"))

    def expire(self, now_s: float) -> None:
        """Carry out the reversions that are due."""
        for function, expiry_s in list(self._expiry_s.items()):
            if expiry_s > now_s:
                continue
            del self._expiry_s[function]
            if self._reversion_works:
                for value, after in function.values:
                    self._values[value] = self._values[after]
                self._values[function.enable] = self._values[function.enable_after]

    def read(self, now_s: float) -> dict[str, float]:
        """All points with their values, the remaining times among them."""
        remaining = {
            function.remaining: max(0.0, self._expiry_s.get(function, now_s) - now_s)
            for function in _FUNCTIONS
        }
        return self._values | remaining

    def check(self, changes: Mapping[str, float | None]) -> None:
        """Nothing, if all values may be written.

        Raises:
            ValueRefused: a value is out of range or stands for "not implemented".
        """
        for point, value in changes.items():
            low, high = self._range(point)
            if value is None or not low <= value <= high:
                raise ValueRefused(f"{point} takes {low} .. {high}, not {value}")

    def write(self, changes: Mapping[str, float], now_s: float) -> None:
        """Take over values that :meth:`check` has passed, and start the timers."""
        self._values.update(changes)
        for function in _FUNCTIONS:
            if function.points.isdisjoint(changes):
                continue
            self._expiry_s.pop(function, None)
            duration_s = self._values[function.timer]
            if self._values[function.enable] == ENABLED and duration_s > 0.0:
                self._expiry_s[function] = now_s + duration_s

    def _range(self, point: str) -> tuple[float, float]:
        if point in {"WSet", "WSetRvrt"}:
            return -self._ratings.absorption_w_max, self._ratings.injection_w_max
        if point in {"WSetPct", "WSetPctRvrt"}:
            base_w = self._ratings.limit_base_w
            return (
                -100.0 * self._ratings.absorption_w_max / base_w,
                100.0 * self._ratings.injection_w_max / base_w,
            )
        if point in {"WMaxLimPct", "WMaxLimPctRvrt"}:
            return 0.0, 100.0
        if point.endswith("RvrtTms"):
            return 0.0, REVERSION_S_MAX
        return 0.0, 1.0
