"""What one distributed energy resource is: its kind, ratings and limits, as enrolled.

Ratings are magnitudes with the direction in the name (SunSpec model 702 terms): never negative.
"""

from enum import StrEnum
from typing import Annotated

import msgspec

from vpp_core.ids import DerId

NonNegative = Annotated[float, msgspec.Meta(ge=0.0)]
Efficiency = Annotated[float, msgspec.Meta(gt=0.0, le=1.0)]
Fraction01 = Annotated[float, msgspec.Meta(ge=0.0, le=1.0)]


class DerKind(StrEnum):
    PV = "pv"
    BATTERY = "battery"
    EVSE = "evse"
    METER = "meter"
    """The grid meter at the point of connection: measures, is never commanded."""


class DerDescription(msgspec.Struct, frozen=True, kw_only=True):
    """One device as commissioning saw it."""

    der_id: DerId
    kind: DerKind
    name: str
    manufacturer: str
    model: str
    serial: str
    firmware: str
    profile: str
    """Name of the firmware profile that drives the device."""
    injection_w_max: NonNegative = 0.0
    """Rated power into the grid (702 WMaxRtg)."""
    absorption_w_max: NonNegative = 0.0
    """Rated power out of the grid (702 WChaRteMaxRtg)."""
    energy_capacity_wh: NonNegative = 0.0
    """Usable energy (713 WHRtg); 0 for a device that stores nothing."""
    charge_efficiency: Efficiency = 1.0
    discharge_efficiency: Efficiency = 1.0


class OwnerLimits(msgspec.Struct, frozen=True, kw_only=True):
    """What the owner keeps for themselves: hard limits of every envelope, in every program."""

    reserve_fraction: Fraction01 = 0.2
    """State of charge that discharging never goes below."""
    ceiling_fraction: Fraction01 = 1.0
    """State of charge that charging never goes above."""
    evse_charge_w_min: NonNegative = 1_440.0
    """Charging power that no program may cut below (6 A at 240 V, the least that a vehicle accepts)."""
    opted_out: bool = False

    def __post_init__(self) -> None:
        if self.reserve_fraction > self.ceiling_fraction:
            raise ValueError(
                f"reserve_fraction {self.reserve_fraction} lies above "
                f"ceiling_fraction {self.ceiling_fraction}"
            )
