"""Ride-through (clauses 6.4.2 and 6.5.2): which operation the voltage and the frequency call for."""

from simulators.devices.functions.decision import Mode
from simulators.devices.functions.edges import EDGE
from simulators.devices.functions.settings import Category, Trips

CONTINUOUS_LOW_PU, CONTINUOUS_HIGH_PU = 0.88, 1.10

Bands = tuple[tuple[float, Mode], ...]

LOW_VOLTAGE: dict[Category, Bands] = {
    Category.ONE: ((0.70, Mode.MANDATORY), (0.50, Mode.PERMISSIVE), (0.0, Mode.CEASE_TO_ENERGIZE)),
    Category.TWO: ((0.65, Mode.MANDATORY), (0.30, Mode.PERMISSIVE), (0.0, Mode.CEASE_TO_ENERGIZE)),
    Category.THREE: ((0.50 + 2.0 * EDGE, Mode.MANDATORY), (0.0, Mode.MOMENTARY_CESSATION)),
}
"""Each mode down to its voltage and with it, from the continuous region downwards; momentary cessation begins
at its own."""

HIGH_VOLTAGE: dict[Category, Bands] = {
    Category.ONE: ((1.20, Mode.PERMISSIVE), (float("inf"), Mode.CEASE_TO_ENERGIZE)),
    Category.TWO: ((1.20, Mode.PERMISSIVE), (float("inf"), Mode.CEASE_TO_ENERGIZE)),
    Category.THREE: ((float("inf"), Mode.MOMENTARY_CESSATION),),
}
"""Each mode up to its voltage, from the continuous region upwards."""

MANDATORY_LOW_SHARE, CONTINUOUS_LOW_SHARE = 57.0 / 60.0, 58.8 / 60.0
CONTINUOUS_HIGH_SHARE, MANDATORY_HIGH_SHARE = 61.2 / 60.0, 61.8 / 60.0
"""Of the nominal frequency; at 50 Hz these are 47.5, 49.0, 51.0 and 51.5."""

SEVERITY = {
    mode: rank
    for rank, mode in enumerate(
        (
            Mode.CONTINUOUS,
            Mode.MANDATORY,
            Mode.PERMISSIVE,
            Mode.NOT_DEFINED,
            Mode.MOMENTARY_CESSATION,
            Mode.CEASE_TO_ENERGIZE,
        )
    )
}


class RideThrough:
    __slots__ = (
        "_category",
        "_ceases",
        "_continuous_high_hz",
        "_continuous_low_hz",
        "_mandatory_high_hz",
        "_mandatory_low_hz",
    )

    def __init__(self, settings: Trips, nominal_hz: float) -> None:
        self._mandatory_low_hz = nominal_hz * MANDATORY_LOW_SHARE - EDGE
        self._continuous_low_hz = nominal_hz * CONTINUOUS_LOW_SHARE + EDGE
        self._continuous_high_hz = nominal_hz * CONTINUOUS_HIGH_SHARE - EDGE
        self._mandatory_high_hz = nominal_hz * MANDATORY_HIGH_SHARE + EDGE
        self.adopt(settings)

    def adopt(self, settings: Trips) -> None:
        self._category = settings.category
        self._ceases = settings.momentary_cessation

    def mode(self, frequency_hz: float, voltage_low_pu: float, voltage_high_pu: float) -> Mode:
        """The most severe mode that a quantity calls for."""
        calm = (
            voltage_low_pu >= CONTINUOUS_LOW_PU - EDGE
            and voltage_high_pu < CONTINUOUS_HIGH_PU - EDGE
            and self._continuous_low_hz < frequency_hz < self._continuous_high_hz
        )
        if calm:
            return Mode.CONTINUOUS
        return max(
            self._by_frequency(frequency_hz),
            self._by_low_voltage(voltage_low_pu),
            self._by_high_voltage(voltage_high_pu),
            key=SEVERITY.__getitem__,
        )

    def _by_frequency(self, frequency_hz: float) -> Mode:
        if self._continuous_low_hz < frequency_hz < self._continuous_high_hz:
            return Mode.CONTINUOUS
        if self._mandatory_low_hz <= frequency_hz <= self._mandatory_high_hz:
            return Mode.MANDATORY
        return Mode.NOT_DEFINED

    def _by_low_voltage(self, voltage_pu: float) -> Mode:
        if voltage_pu >= CONTINUOUS_LOW_PU - EDGE:
            return Mode.CONTINUOUS
        for down_to_pu, mode in LOW_VOLTAGE[self._category]:
            if voltage_pu >= down_to_pu - EDGE:
                return self._unless_disabled(mode)
        return self._unless_disabled(LOW_VOLTAGE[self._category][-1][1])

    def _by_high_voltage(self, voltage_pu: float) -> Mode:
        if voltage_pu < CONTINUOUS_HIGH_PU - EDGE:
            return Mode.CONTINUOUS
        for up_to_pu, mode in HIGH_VOLTAGE[self._category]:
            if voltage_pu <= up_to_pu + EDGE:
                return self._unless_disabled(mode)
        return self._unless_disabled(HIGH_VOLTAGE[self._category][-1][1])

    def _unless_disabled(self, mode: Mode) -> Mode:
        if mode is Mode.MOMENTARY_CESSATION and not self._ceases:
            return Mode.PERMISSIVE
        return mode
