"""What a unit is connected to: pure functions of time, in Unix seconds."""

from typing import Protocol


class Grid(Protocol):
    """Frequency and voltage at the terminals."""

    def frequency_hz(self, at_s: float) -> float: ...

    def voltage_pu(self, at_s: float) -> float:
        """Per unit of nominal."""
        ...


class Sun(Protocol):
    """What the modules could give."""

    def power_pu(self, at_s: float) -> float:
        """Per unit of the modules' rating, 0 in the dark."""
        ...


class Night:
    """No sun at all."""

    def power_pu(self, at_s: float) -> float:
        del at_s
        return 0.0
