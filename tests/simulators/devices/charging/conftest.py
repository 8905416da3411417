"""A charging station on a grid that does as it is told."""

from collections.abc import Callable

import pytest

from simulators.devices.charging.station import EvseUnit, EvseUnitConfig
from simulators.devices.charging.vehicle import Vehicle, Visit

HOUR_S = 3_600.0


class FlatGrid:
    """One voltage for ever; a test may change it between two looks."""

    def __init__(self) -> None:
        self.voltage = 1.0

    def voltage_pu(self, at_s: float) -> float:
        del at_s
        return self.voltage


Make = Callable[..., EvseUnit]


@pytest.fixture
def grid() -> FlatGrid:
    return FlatGrid()


@pytest.fixture
def make(grid: FlatGrid) -> Make:
    """A station with one vehicle from second 10 on: ``make(vehicle=..., config=..., wanted_wh=...)``."""

    def build(
        vehicle: Vehicle | None = None, config: EvseUnitConfig | None = None, **visit: float
    ) -> EvseUnit:
        stay = {"arrival_s": 10.0, "departure_s": 10.0 + 12 * HOUR_S} | visit
        return EvseUnit(config or EvseUnitConfig(), grid, (Visit(vehicle=vehicle or Vehicle(), **stay),), 0.0)

    return build
