"""Which SunSpec models an inverter shows, and what stands in their registers.

Models of the 7xx series and older ones may stand in one map: all of them show one unit and act on the same
commands, so that either tells what was commanded by way of the other.
"""

from simulators.devices.maps.selection import (
    SETS,
    ImpossibleMap,
    OverlappingModels,
    UnknownModel,
    inverter_models,
    models_of,
)
from simulators.devices.maps.unit import Identity

__all__ = [
    "SETS",
    "Identity",
    "ImpossibleMap",
    "OverlappingModels",
    "UnknownModel",
    "inverter_models",
    "models_of",
]
