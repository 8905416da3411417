"""Frequency-droop (clause 6.5.2.7): power follows frequency beyond a dead-band."""

from simulators.devices.functions.edges import EDGE
from simulators.devices.functions.response import OpenLoopResponse
from simulators.devices.functions.settings import FrequencyDroop

RETURNED_PU = 0.001
"""This close to the normal power the response after an excursion has ended."""


class Droop:
    """The power of before an excursion, moved in proportion to the frequency beyond the dead-band.

    That power is what the unit gave when the frequency left the dead-band, or crossed all of it in one step.
    After the excursion the response leads back to the normal power.
    """

    __slots__ = (
        "_base_pu",
        "_enabled",
        "_floor_pu",
        "_follows",
        "_nominal_hz",
        "_over_hz",
        "_per_hz_over",
        "_per_hz_under",
        "_pre_pu",
        "_response",
        "_side",
        "_under_hz",
        "active",
    )

    def __init__(self, settings: FrequencyDroop, nominal_hz: float) -> None:
        self._nominal_hz = nominal_hz
        self._response = OpenLoopResponse(settings.response_s)
        self._side = 0
        self._pre_pu = self._base_pu = 0.0
        self.active = False
        """During an excursion, and on the way back from it."""
        self.adopt(settings)

    def adopt(self, settings: FrequencyDroop) -> None:
        nominal_hz = self._nominal_hz
        self._enabled = settings.enabled
        self._over_hz = nominal_hz + settings.deadband_over_hz
        self._under_hz = nominal_hz - settings.deadband_under_hz
        self._per_hz_over = 1.0 / (nominal_hz * settings.droop_over)
        self._per_hz_under = 1.0 / (nominal_hz * settings.droop_under)
        self._floor_pu = settings.floor_pu
        self._follows = settings.follows_demand
        self._response.respond_in(settings.response_s)
        if not settings.enabled:
            self.active = False
            self._side = 0

    def rest(self, power_pu: float) -> None:
        """Forget any excursion: the unit gives this power, and nothing is to be moved."""
        self._side = 0
        self.active = False
        self._response.settle(power_pu)

    def step(
        self,
        dt_s: float,
        frequency_hz: float,
        base_pu: float,
        last_pu: float | None,
        floor_pu: float,
        ceiling_pu: float,
    ) -> float:
        """The power under droop.

        Args:
            dt_s: Length of the step.
            frequency_hz: Measured frequency.
            base_pu: Power without droop.
            last_pu: What the unit gave at the step before: an excursion that begins now starts from it.
                Nothing where there is no such power, as on the way up: then droop moves the power without it.
            floor_pu: The least that the unit can do now.
            ceiling_pu: The most that it can and may.
        """
        side = 0
        if self._enabled:
            if frequency_hz > self._over_hz + EDGE:
                side = 1
            elif frequency_hz < self._under_hz - EDGE:
                side = -1
        if side == 0:
            return self._return(dt_s, base_pu) if self.active else self._rest(base_pu)
        if last_pu is None:
            self._pre_pu = base_pu
        elif side != self._side:
            self._pre_pu = last_pu
        elif self._follows:
            self._pre_pu += base_pu - self._base_pu
        self._side = side
        self._base_pu = base_pu
        self.active = True
        return self._response.follow(self._wanted_pu(frequency_hz, floor_pu, ceiling_pu), dt_s)

    def _wanted_pu(self, frequency_hz: float, floor_pu: float, ceiling_pu: float) -> float:
        pre_pu = self._pre_pu
        if self._side > 0:
            wanted_pu = pre_pu - (frequency_hz - self._over_hz) * self._per_hz_over
            # A unit that was already below its own lower bound is not driven up by over-frequency.
            lowest_pu = floor_pu if self._floor_pu is None else max(floor_pu, min(self._floor_pu, pre_pu))
            wanted_pu = max(wanted_pu, lowest_pu)
        else:
            wanted_pu = pre_pu + (self._under_hz - frequency_hz) * self._per_hz_under
        return min(wanted_pu, ceiling_pu)

    def _rest(self, base_pu: float) -> float:
        self._base_pu = base_pu
        self._side = 0
        self._response.settle(base_pu)
        return base_pu

    def _return(self, dt_s: float, base_pu: float) -> float:
        self._side = 0
        self._base_pu = base_pu
        power_pu = self._response.follow(base_pu, dt_s)
        if abs(power_pu - base_pu) < RETURNED_PU:
            self.active = False
            return self._rest(base_pu)
        return power_pu
