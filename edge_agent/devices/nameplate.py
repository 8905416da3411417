"""What a device says that it can do, read once at discovery."""

from collections.abc import Callable

import msgspec

from edge_agent.devices.plan import Value
from firmware_profiles.profile import Point, Ratings


class Nameplate(msgspec.Struct, frozen=True, kw_only=True):
    """Ratings as magnitudes; 0 where the device is silent."""

    injection_w_max: float = 0.0
    absorption_w_max: float = 0.0
    apparent_va_max: float = 0.0
    voltage_nominal_v: float = 0.0
    w_per_a: float = 0.0
    """Of a charging station that counts amperes a phase: phases times voltage, as its profile assumes."""

    @classmethod
    def read(cls, ratings: Ratings, value_of: Callable[[str], Value]) -> "Nameplate":
        """The ratings that a profile names, from the values of their points."""
        phase_v = ratings.voltage_assumed_v or 0.0
        w_per_a = phase_v * (ratings.phases or 0)
        by_current_w = w_per_a * _magnitude(ratings.current_a_max, value_of)
        return cls(
            injection_w_max=_magnitude(ratings.injection_w_max, value_of),
            absorption_w_max=_magnitude(ratings.absorption_w_max, value_of) or by_current_w,
            apparent_va_max=_magnitude(ratings.apparent_va_max, value_of),
            voltage_nominal_v=_magnitude(ratings.voltage_nominal_v, value_of) or phase_v,
            w_per_a=w_per_a,
        )

    @property
    def power_w_max(self) -> float:
        """The largest of all, for bounds."""
        return max(self.injection_w_max, self.absorption_w_max, self.apparent_va_max)


def first_number(point: Point, value_of: Callable[[str], Value]) -> float | None:
    """The first of a point's places that the device implements, or the sum of all, in our sign."""
    values = [value for name in point.at if isinstance(value := value_of(name), float)]
    if not values or (point.sum and len(values) < len(point.at)):
        return None
    return point.sign.convention.to_core(sum(values) if point.sum else values[0])


def _magnitude(point: Point | None, value_of: Callable[[str], Value]) -> float:
    return abs(first_number(point, value_of) or 0.0) if point else 0.0
