"""A programmable source for a bench: frequency and voltage go where they are told, at once or by a ramp."""

import math
from bisect import bisect_right
from typing import NamedTuple

from simulators.grid.script import VOLTAGE_NOMINAL_V
from vpp_core.faults import ConfigurationFault

NOMINAL_HZ = 60.0
FREQUENCY_HZ_MIN, FREQUENCY_HZ_MAX = 10.0, 100.0
VOLTAGE_PU_MIN, VOLTAGE_PU_MAX = 0.0, 2.0
RAMP_S_MAX = 86_400.0
MOVES_MAX = 4_096
"""Moves of one quantity that are remembered; what lies before the oldest reads as where that one began."""


class BenchGrid:
    """Frequency and voltage that are pure functions of time between two calls of :meth:`apply`.

    Times are Unix seconds. A step counts from its own instant on.

    Args:
        nominal_hz: the frequency until something is applied.
        voltage_nominal_v: what 1 per unit is.

    Raises:
        ConfigurationFault: a nominal value that no bench has.
    """

    def __init__(self, nominal_hz: float = NOMINAL_HZ, voltage_nominal_v: float = VOLTAGE_NOMINAL_V) -> None:
        self.nominal_hz = checked("nominal_hz", nominal_hz, FREQUENCY_HZ_MIN, FREQUENCY_HZ_MAX)
        self.voltage_nominal_v = checked("voltage_nominal_v", voltage_nominal_v, 1.0, 1e6)
        self._frequency_hz = Course(nominal_hz)
        self._voltage_pu = Course(1.0)

    def apply(
        self,
        at_s: float,
        *,
        frequency_hz: float | None = None,
        voltage_pu: float | None = None,
        ramp_s: float = 0.0,
    ) -> None:
        """Go from the values at ``at_s`` straight to new ones in ``ramp_s`` seconds, and stay there.

        Whatever was planned after ``at_s`` for a quantity that is named here is dropped; a quantity that is
        not named goes on as it was told.

        Raises:
            ConfigurationFault: a value is not a number, or no grid could have it; nothing has changed then.
        """
        checked("at_s", at_s, 0.0, math.inf)
        checked("ramp_s", ramp_s, 0.0, RAMP_S_MAX)
        if frequency_hz is not None:
            checked("frequency_hz", frequency_hz, FREQUENCY_HZ_MIN, FREQUENCY_HZ_MAX)
        if voltage_pu is not None:
            checked("voltage_pu", voltage_pu, VOLTAGE_PU_MIN, VOLTAGE_PU_MAX)
        if frequency_hz is not None:
            self._frequency_hz.move(at_s, frequency_hz, ramp_s)
        if voltage_pu is not None:
            self._voltage_pu.move(at_s, voltage_pu, ramp_s)

    def frequency_hz(self, at_s: float) -> float:
        return self._frequency_hz.at(at_s)

    def voltage_pu(self, at_s: float) -> float:
        """Per unit of ``voltage_nominal_v``."""
        return self._voltage_pu.at(at_s)

    def voltage_v(self, at_s: float) -> float:
        return self.voltage_nominal_v * self._voltage_pu.at(at_s)


class Move(NamedTuple):
    """A straight line between two values; a step where ``ramp_s`` is 0."""

    at_s: float
    start: float
    end: float
    ramp_s: float

    def value(self, at_s: float) -> float:
        since_s = at_s - self.at_s
        if since_s >= self.ramp_s:
            return self.end
        return self.start + (self.end - self.start) * max(0.0, since_s) / self.ramp_s


class Course:
    """One quantity over time: a value, and the latest :data:`MOVES_MAX` moves away from it."""

    def __init__(self, value: float) -> None:
        self._moves = [Move(-math.inf, value, value, 0.0)]
        self._starts_s = [-math.inf]

    def at(self, at_s: float) -> float:
        index = bisect_right(self._starts_s, at_s) - 1
        return self._moves[index].value(at_s)

    def move(self, at_s: float, value: float, ramp_s: float) -> None:
        """Leave the course at ``at_s`` (Unix seconds) for a value that is reached ``ramp_s`` later."""
        start = self.at(at_s)
        kept = bisect_right(self._starts_s, at_s)
        if self._starts_s[kept - 1] == at_s:
            kept -= 1
        self._moves[kept:] = [Move(at_s, start, value, ramp_s)]
        self._starts_s[kept:] = [at_s]
        self._forget()

    def _forget(self) -> None:
        excess = len(self._moves) - MOVES_MAX
        if excess > 0:
            first = self._moves[excess]
            self._moves[: excess + 1] = [Move(-math.inf, first.start, first.start, 0.0), first]
            self._starts_s[: excess + 1] = [-math.inf, first.at_s]


def checked(name: str, value: float, low: float, high: float) -> float:
    """The value, which is a number from ``low`` to ``high`` and finite.

    Raises:
        ConfigurationFault: it is not.
    """
    if not (math.isfinite(value) and low <= value <= high):
        raise ConfigurationFault(f"{name} = {value!r} is not a number from {low:g} to {high:g}.")
    return value
