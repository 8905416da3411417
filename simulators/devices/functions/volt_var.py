"""Volt-var (clause 5.3.3): reactive power follows voltage."""

from simulators.devices.functions.curve import Curve
from simulators.devices.functions.response import OpenLoopResponse
from simulators.devices.functions.settings import VoltVar

REFERENCE_PU_MIN, REFERENCE_PU_MAX = 0.95, 1.05


class VoltVarFunction:
    """A curve around a reference voltage, which may itself follow the voltage slowly."""

    __slots__ = ("_curve", "_response", "_settings", "_shift_pu", "reference_pu")

    def __init__(self, settings: VoltVar) -> None:
        self._settings = settings
        self._response = OpenLoopResponse(settings.response_s)
        self.reference_pu = settings.reference_pu
        self._take(settings)

    def adopt(self, settings: VoltVar, reactive_pu: float) -> None:
        """Replace the settings; a function that is enabled now starts from the present reactive power."""
        if settings.enabled and not self._settings.enabled:
            self._response.settle(reactive_pu)
        if not (settings.tracks_voltage and self._settings.tracks_voltage):
            self.reference_pu = settings.reference_pu
        self._take(settings)

    def step(self, dt_s: float, voltage_pu: float) -> float:
        """Reactive power that the voltage asks for."""
        if self._settings.tracks_voltage:
            self._track(dt_s, voltage_pu)
        return self._response.follow(self._curve.at(voltage_pu - self._shift_pu), dt_s)

    def _take(self, settings: VoltVar) -> None:
        self._settings = settings
        self._curve = Curve(settings.points)
        self._shift_pu = self.reference_pu - 1.0
        self._response.respond_in(settings.response_s)

    def _track(self, dt_s: float, voltage_pu: float) -> None:
        share = dt_s / (dt_s + self._settings.tracking_s)
        reference_pu = self.reference_pu + share * (voltage_pu - self.reference_pu)
        self.reference_pu = min(max(reference_pu, REFERENCE_PU_MIN), REFERENCE_PU_MAX)
        self._shift_pu = self.reference_pu - 1.0
