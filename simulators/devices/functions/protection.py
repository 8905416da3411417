"""Trips (clauses 6.4.1 and 6.5.1): elements with a threshold and a clearing time, all side by side."""

import math
from collections.abc import Iterable

from simulators.devices.functions.decision import Excursion
from simulators.devices.functions.edges import EDGE, EDGE_S
from simulators.devices.functions.settings import Threshold, Trips


class Element:
    """Counts how long a quantity has been at or beyond its threshold; a moment within starts it anew."""

    __slots__ = ("_clearing_s", "_threshold", "elapsed_s")

    def __init__(self, threshold: float, clearing_s: float, elapsed_s: float = 0.0) -> None:
        self._threshold = threshold
        self._clearing_s = clearing_s - EDGE_S
        self.elapsed_s = elapsed_s

    def run(self, value: float, dt_s: float) -> bool:
        """Whether the clearing time is over; the first sample beyond counts whole."""
        if value < self._threshold:
            self.elapsed_s = 0.0
            return False
        self.elapsed_s += dt_s
        return self.elapsed_s >= self._clearing_s


class Protection:
    """All must-trip elements of a unit."""

    __slots__ = ("_elements", "_frequency_high_hz", "_frequency_low_hz", "_high_pu", "_low_pu", "_running")

    def __init__(self, settings: Trips) -> None:
        self._elements: dict[Excursion, tuple[Element, ...]] = {}
        self._running = False
        self.adopt(settings)

    def adopt(self, settings: Trips) -> None:
        """Replace the settings; elements that have already counted go on counting."""
        # A low value is judged by its negative, so that every element looks upwards.
        self._elements = {
            excursion: tuple(
                self._element(excursion, number, each, sign) for number, each in enumerate(thresholds)
            )
            for excursion, thresholds, sign in (
                (Excursion.OVER_VOLTAGE, settings.over_voltage, 1.0),
                (Excursion.UNDER_VOLTAGE, settings.under_voltage, -1.0),
                (Excursion.OVER_FREQUENCY, settings.over_frequency, 1.0),
                (Excursion.UNDER_FREQUENCY, settings.under_frequency, -1.0),
            )
        }
        self._high_pu = _lowest(settings.over_voltage)
        self._low_pu = _highest(settings.under_voltage)
        self._frequency_high_hz = _lowest(settings.over_frequency)
        self._frequency_low_hz = _highest(settings.under_frequency)

    def step(
        self, dt_s: float, frequency_hz: float, voltage_low_pu: float, voltage_high_pu: float
    ) -> tuple[int, int]:
        """Bits of the quantities that are beyond a threshold, and of those whose clearing time is over."""
        if (
            voltage_high_pu < self._high_pu
            and voltage_low_pu > self._low_pu
            and self._frequency_low_hz < frequency_hz < self._frequency_high_hz
        ):
            if self._running:
                self._reset()
            return 0, 0
        self._running = True
        beyond = tripped = 0
        for (bit, elements), value in zip(
            self._elements.items(),
            (voltage_high_pu, -voltage_low_pu, frequency_hz, -frequency_hz),
            strict=True,
        ):
            for element in elements:
                if element.run(value, dt_s):
                    tripped |= bit
                if element.elapsed_s:
                    beyond |= bit
        return beyond, tripped

    def _element(self, excursion: Excursion, number: int, threshold: Threshold, sign: float) -> Element:
        before = self._elements.get(excursion, ())
        elapsed_s = before[number].elapsed_s if number < len(before) else 0.0
        return Element(sign * threshold.at - EDGE, threshold.clearing_s, elapsed_s)

    def _reset(self) -> None:
        self._running = False
        for elements in self._elements.values():
            for element in elements:
                element.elapsed_s = 0.0


def _lowest(thresholds: Iterable[Threshold]) -> float:
    return min((each.at for each in thresholds), default=math.inf) - EDGE


def _highest(thresholds: Iterable[Threshold]) -> float:
    return max((each.at for each in thresholds), default=-math.inf) + EDGE
