"""Volt-watt (clause 5.4.2): high voltage bounds active power."""

import math

from simulators.devices.functions.curve import Curve
from simulators.devices.functions.response import OpenLoopResponse
from simulators.devices.functions.settings import VoltWatt

NO_BOUND_PU = 1.0
"""Where a bound that is enabled in service starts from: at the rating it binds nothing."""


class VoltWattFunction:
    """An upper bound of injection; the response time is that of the bound."""

    __slots__ = ("_curve", "_enabled", "_response")

    def __init__(self, settings: VoltWatt) -> None:
        self._response = OpenLoopResponse(settings.response_s)
        self._take(settings)

    def adopt(self, settings: VoltWatt) -> None:
        if settings.enabled and not self._enabled:
            self._response.settle(NO_BOUND_PU)
        self._take(settings)

    def step(self, dt_s: float, voltage_pu: float) -> float:
        """The most that may be injected; infinity while disabled."""
        if not self._enabled:
            return math.inf
        return self._response.follow(self._curve.at(voltage_pu), dt_s)

    def _take(self, settings: VoltWatt) -> None:
        self._enabled = settings.enabled
        self._curve = Curve(settings.points)
        self._response.respond_in(settings.response_s)
