"""Watt-var (clause 5.3.4): reactive power follows active power."""

from simulators.devices.functions.curve import Curve
from simulators.devices.functions.response import OpenLoopResponse
from simulators.devices.functions.settings import WattVar


class WattVarFunction:
    __slots__ = ("_curve", "_enabled", "_response")

    def __init__(self, settings: WattVar) -> None:
        self._response = OpenLoopResponse(settings.response_s)
        self._take(settings)

    def adopt(self, settings: WattVar, reactive_pu: float) -> None:
        """Replace the settings; a function that is enabled now starts from the present reactive power."""
        if settings.enabled and not self._enabled:
            self._response.settle(reactive_pu)
        self._take(settings)

    def settle(self, power_pu: float) -> None:
        """Begin anew from what this active power asks for."""
        self._response.settle(self._curve.at(power_pu))

    def step(self, dt_s: float, power_pu: float) -> float:
        """Reactive power that the active power asks for."""
        return self._response.follow(self._curve.at(power_pu), dt_s)

    def _take(self, settings: WattVar) -> None:
        self._enabled = settings.enabled
        self._curve = Curve(settings.points)
        self._response.respond_in(settings.response_s)
