"""What the plate of a unit says."""

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    PV = "pv"
    BATTERY = "battery"
    HYBRID = "hybrid"
    """PV and a battery behind one inverter."""


class ImpossibleRating(ValueError):
    """A plate that no unit can have; says which figure, and why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Nameplate:
    """Ratings at the terminals, all as magnitudes.

    Raises:
        ImpossibleRating: figures that contradict each other.
    """

    kind: Kind
    injection_w_max: float = 10_000.0
    absorption_w_max: float = 0.0
    """Charging from the grid; 0 without a battery."""
    apparent_va_max: float = 10_000.0
    reactive_var_max: float = 4_400.0
    """Both ways: 0.44 per unit is Category B."""
    voltage_nominal_v: float = 240.0
    """Line to neutral."""
    frequency_nominal_hz: float = 60.0
    phases: int = 3
    energy_capacity_wh: float = 0.0
    """Usable energy; 0 without a battery."""
    pv_w_max: float = 0.0
    """What the sun can give on the DC side; 0 without modules."""

    def __post_init__(self) -> None:
        self._require("injection_w_max", self.injection_w_max > 0.0, "is not above zero")
        self._require("absorption_w_max", self.absorption_w_max >= 0.0, "is negative")
        self._require(
            "apparent_va_max",
            self.apparent_va_max >= max(self.injection_w_max, self.absorption_w_max),
            "is less than the active power ratings",
        )
        self._require(
            "reactive_var_max",
            0.0 <= self.reactive_var_max <= self.apparent_va_max,
            "is not within 0 and apparent_va_max",
        )
        self._require("voltage_nominal_v", self.voltage_nominal_v > 0.0, "is not above zero")
        self._require(
            "frequency_nominal_hz", self.frequency_nominal_hz in {50.0, 60.0}, "is neither 50 nor 60"
        )
        self._require("phases", self.phases in {1, 3}, "is neither 1 nor 3")
        stores, shines = self.kind is not Kind.PV, self.kind is not Kind.BATTERY
        self._require(
            "energy_capacity_wh",
            self.energy_capacity_wh > 0.0 if stores else self.energy_capacity_wh == 0.0,
            f"does not suit the kind {self.kind}",
        )
        self._require(
            "absorption_w_max",
            stores or self.absorption_w_max == 0.0,
            f"does not suit the kind {self.kind}",
        )
        self._require(
            "pv_w_max",
            self.pv_w_max > 0.0 if shines else self.pv_w_max == 0.0,
            f"does not suit the kind {self.kind}",
        )

    def _require(self, figure: str, holds: bool, why: str) -> None:  # noqa: FBT001
        if not holds:
            raise ImpossibleRating(f"{figure} = {getattr(self, figure):g} {why}")
