"""How a unit may misbehave from inside; everything at its default is an honest unit."""

from dataclasses import dataclass

from simulators.devices.inverter.commands import Reversion


@dataclass(slots=True)
class Quirks:
    """Faults of firmware, switched while the unit runs."""

    reversion: Reversion | None = None
    """Takes the place of what the configuration says."""
    clock_rate: float = 1.0
    """Seconds of the device's clock a true second: its timers run by it."""
    zero_frequency_when_idle: bool = False
    """Frequency and voltage read 0 while no power flows."""
    extra_lag_s: float = 0.0
    """Dead time between a command and the first change of power."""
    refresh_s: float | None = None
    """Takes the place of the configured time between two refreshes of the registers."""
    frozen: bool = False
    """The instruments show what they showed when this was set."""
