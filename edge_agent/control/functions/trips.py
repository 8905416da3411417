"""Trips (IEEE 1547-2018, 6.4.1 and 6.5.1): beyond which voltage or frequency, and after how long, to cease.

The device protects itself; here the same limits say what the agent may still command.
"""

from enum import Enum
from typing import NamedTuple

import msgspec

from edge_agent.control.functions.whole import microseconds, per_million
from vpp_core.units import millihertz


class Category(Enum):
    """Abnormal operating performance category."""

    I = "CAT_I"  # noqa: E741 - the standard's numeral
    II = "CAT_II"
    III = "CAT_III"


class TripElement(msgspec.Struct, frozen=True):
    """A threshold (per unit of nominal voltage, or Hz) and its clearing time."""

    threshold: float
    clearing_s: float


class TripSettings(msgspec.Struct, frozen=True, kw_only=True):
    """The eight elements; over elements trip above their threshold, under elements below it."""

    ov2: TripElement
    ov1: TripElement
    uv1: TripElement
    uv2: TripElement
    of2: TripElement
    of1: TripElement
    uf1: TripElement
    uf2: TripElement


def default_trips(category: Category, nominal_hz: float = 60.0) -> TripSettings:
    """The default settings of a category; the frequencies in proportion to nominal.

    Frequency defaults are those of category III for all; they are as checked in a library, not in the text.
    """
    scale = nominal_hz / 60.0
    ov1_s, uv1, uv2 = {
        Category.I: (2.0, TripElement(0.7, 2.0), TripElement(0.45, 0.16)),
        Category.II: (2.0, TripElement(0.7, 10.0), TripElement(0.45, 0.16)),
        Category.III: (13.0, TripElement(0.88, 21.0), TripElement(0.5, 2.0)),
    }[category]
    return TripSettings(
        ov2=TripElement(1.2, 0.16),
        ov1=TripElement(1.1, ov1_s),
        uv1=uv1,
        uv2=uv2,
        of2=TripElement(62.0 * scale, 0.16),
        of1=TripElement(61.2 * scale, 300.0),
        uf1=TripElement(58.5 * scale, 300.0),
        uf2=TripElement(56.5 * scale, 0.16),
    )


NAMES = ("ov2", "ov1", "uv1", "uv2", "of2", "of1", "uf1", "uf2")
QUIET = (0,) * len(NAMES)
"""How long each element has been picked up (microseconds): none is."""

Timers = tuple[int, ...]


class _Relay(NamedTuple):
    name: str
    of_voltage: bool
    over: bool
    threshold: int
    clearing_us: int


class Trips:
    """The elements, made ready for whole numbers."""

    def __init__(self, settings: TripSettings) -> None:
        self._relays = tuple(_relay(name, getattr(settings, name)) for name in NAMES)
        self._quiet_ppm = self._quiet(of_voltage=True)
        self._quiet_mhz = self._quiet(of_voltage=False)

    def advance(
        self, timers: Timers, voltage_ppm: int, frequency_mhz: int, dt_s: float
    ) -> tuple[Timers, str | None]:
        """One step: the timers, and the name of the element that trips now.

        The first sample beyond a threshold counts as a whole step; a sample within resets the timer.
        """
        low_ppm, high_ppm = self._quiet_ppm
        low_mhz, high_mhz = self._quiet_mhz
        if low_ppm <= voltage_ppm <= high_ppm and low_mhz <= frequency_mhz <= high_mhz:
            return QUIET, None
        dt_us = microseconds(dt_s)
        counted, tripped = [], None
        for relay, timer_us in zip(self._relays, timers, strict=True):
            measured = voltage_ppm if relay.of_voltage else frequency_mhz
            beyond = measured > relay.threshold if relay.over else measured < relay.threshold
            counted.append(timer_us + dt_us if beyond else 0)
            if beyond and counted[-1] >= relay.clearing_us:
                tripped = tripped or relay.name
        return tuple(counted), tripped

    def _quiet(self, *, of_voltage: bool) -> tuple[int, int]:
        """Between the innermost thresholds nothing is picked up."""
        mine = [relay for relay in self._relays if relay.of_voltage is of_voltage]
        return (
            max(relay.threshold for relay in mine if not relay.over),
            min(relay.threshold for relay in mine if relay.over),
        )


def _relay(name: str, element: TripElement) -> _Relay:
    of_voltage = name[1] == "v"
    threshold = per_million(element.threshold) if of_voltage else millihertz(element.threshold)
    return _Relay(name, of_voltage, name[0] == "o", threshold, microseconds(element.clearing_s))
