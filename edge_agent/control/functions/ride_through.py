"""Ride-through (IEEE 1547-2018, 6.4.2 and 6.5.2): what a device has to do in abnormal voltage and frequency.

The agent commands power in continuous, mandatory and permissive operation, and nothing in momentary
cessation; leaving and coming back take effect with the sample. The limits of categories I and II, and
every limit of frequency but the continuous range, are not verified against the standard's text.
"""

from enum import Enum

from edge_agent.control.functions.trips import Category
from vpp_core.units import millihertz


class Region(Enum):
    CONTINUOUS = "Continuous Operation"
    MANDATORY = "Mandatory Operation"
    PERMISSIVE = "Permissive Operation"
    MOMENTARY_CESSATION = "Momentary Cessation"
    CEASE = "Cease to Energize"
    NOT_DEFINED = "Not Defined"
    """Frequency beyond what must be ridden through; power stays until a trip."""


CEASING = frozenset({Region.MOMENTARY_CESSATION, Region.CEASE})

_Bands = tuple[tuple[int, Region], ...]
_CONTINUOUS_LOW_PPM, _CONTINUOUS_HIGH_PPM = 880_000, 1_100_000
_BELOW: dict[Category, _Bands] = {
    Category.I: ((700_000, Region.MANDATORY), (500_000, Region.PERMISSIVE)),
    Category.II: ((650_000, Region.MANDATORY), (300_000, Region.PERMISSIVE)),
    Category.III: ((500_000, Region.MANDATORY), (0, Region.MOMENTARY_CESSATION)),
}
"""From high to low: the least voltage (per million of nominal) of each region below the continuous range."""
_ABOVE: dict[Category, _Bands] = {
    Category.I: ((1_200_000, Region.PERMISSIVE),),
    Category.II: ((1_200_000, Region.PERMISSIVE),),
    Category.III: ((1_200_000, Region.MOMENTARY_CESSATION),),
}
_CONTINUOUS_HZ, _MANDATORY_HZ = (58.8, 61.2), (57.0, 61.8)
"""At 60 Hz; in proportion for another nominal frequency."""


class RideThrough:
    """The regions of a category at a nominal frequency."""

    def __init__(self, category: Category, nominal_hz: float) -> None:
        scale = nominal_hz / 60.0
        self._category = category
        self._continuous_mhz = tuple(millihertz(edge_hz * scale) for edge_hz in _CONTINUOUS_HZ)
        self._mandatory_mhz = tuple(millihertz(edge_hz * scale) for edge_hz in _MANDATORY_HZ)

    def region(self, voltage_ppm: int, frequency_mhz: int) -> Region:
        """The region of a sample; voltage speaks before frequency."""
        if voltage_ppm > _CONTINUOUS_HIGH_PPM:
            bands = _ABOVE[self._category]
            return next((region for high_ppm, region in bands if voltage_ppm <= high_ppm), Region.CEASE)
        if voltage_ppm < _CONTINUOUS_LOW_PPM:
            bands = _BELOW[self._category]
            return next((region for low_ppm, region in bands if voltage_ppm >= low_ppm), Region.CEASE)
        low_mhz, high_mhz = self._continuous_mhz
        if low_mhz <= frequency_mhz <= high_mhz:
            return Region.CONTINUOUS
        low_mhz, high_mhz = self._mandatory_mhz
        return Region.MANDATORY if low_mhz <= frequency_mhz <= high_mhz else Region.NOT_DEFINED
