"""Frequency-droop (IEEE 1547-2018, 6.5.2.7): power against frequency, from its value before the excursion.

Continuous at the edges of the dead-band, which are decided in whole uHz, so that no binary fraction
makes 49.964 Hz differ from 50 Hz by more than 36 mHz.
"""

from enum import Enum
from typing import NamedTuple

import msgspec

from edge_agent.control.functions.open_loop import Lag, follow
from edge_agent.control.functions.whole import MICRO, microhertz

RETURNED_PU = 0.001
"""A response that is back within so little of the normal power has ended."""
NO_CHANGE = Lag(0.0, 0.0)


class Latch(Enum):
    """When the power before an excursion (P_pre) is taken."""

    SETTLED = "settled"
    """On leaving the dead-band, unless the last response is still returning: noise at the edge of the
    dead-band cannot move power step by step."""
    EVERY_EXIT = "every-exit"
    """Each time frequency leaves the dead-band on a side: the shape of the oracle."""


class FrequencyDroop(msgspec.Struct, frozen=True, kw_only=True):
    """Settings; a droop is the change of frequency, per unit of nominal, that changes power by the rating."""

    nominal_hz: float = 60.0
    deadband_over_hz: float = 0.036
    deadband_under_hz: float = 0.036
    droop_over_pu: float = 0.05
    droop_under_pu: float = 0.05
    response_s: float = 0.0
    """Open-loop response time; with 0 the function is direct, and the device's own ramp is the lag."""
    latch: Latch = Latch.SETTLED

    @staticmethod
    def symmetric(
        *,
        nominal_hz: float = 60.0,
        deadband_hz: float = 0.036,
        droop_pu: float = 0.05,
        response_s: float = 0.0,
    ) -> "FrequencyDroop":
        """The same settings above and below nominal."""
        return FrequencyDroop(
            nominal_hz=nominal_hz,
            deadband_over_hz=deadband_hz,
            deadband_under_hz=deadband_hz,
            droop_over_pu=droop_pu,
            droop_under_pu=droop_pu,
            response_s=response_s,
        )

    def excursion_uhz(self, frequency_hz: float) -> int:
        """How far frequency lies outside the dead-band: positive below it, negative above, else 0."""
        low_by_uhz = microhertz(self.nominal_hz) - microhertz(frequency_hz)
        if low_by_uhz > 0:
            return max(low_by_uhz - microhertz(self.deadband_under_hz), 0)
        return min(low_by_uhz + microhertz(self.deadband_over_hz), 0)

    def change_w(self, frequency_hz: float, rating_w: float) -> float:
        """Change of injection from the power before the excursion: positive under frequency."""
        return self.change_for(self.excursion_uhz(frequency_hz), rating_w)

    def change_for(self, excursion_uhz: int, rating: float) -> float:
        """The same for an excursion, in the unit of the rating."""
        droop_pu = self.droop_under_pu if excursion_uhz > 0 else self.droop_over_pu
        return rating * excursion_uhz / (droop_pu * self.nominal_hz * MICRO)


class DroopState(NamedTuple):
    """One device's response."""

    side: int
    """1 while frequency is low, -1 while it is high, 0 within the dead-band."""
    before_pu: float
    """Injection before the excursion (P_pre)."""
    lag: Lag
    responding: bool
    """The response decides the power: outside the dead-band, and on the way back."""

    @property
    def output_pu(self) -> float | None:
        """The injection that the response asks for; ``None`` where the wanted power stands."""
        return self.lag.output if self.responding else None


class Bounds(NamedTuple):
    """What a response may ask for: the minimum and the available injection (per unit)."""

    low_pu: float
    high_pu: float

    def clamp(self, injection_pu: float) -> float:
        """The nearest that may be."""
        return min(max(injection_pu, self.low_pu), self.high_pu)

    def below(self, ceiling_pu: float) -> "Bounds":
        """Under one more ceiling; the device's own floor stays, since it cannot go lower."""
        return Bounds(self.low_pu, max(min(self.high_pu, ceiling_pu), self.low_pu))


def follow_change(droop: FrequencyDroop, lag: Lag, frequency_hz: float, dt_s: float) -> Lag:
    """One step of the change of injection, per unit of any rating; for devices that share one measurement.

    It begins at nothing (``NO_CHANGE``). While its output is not 0, the power before the excursion stands;
    within ``RETURNED_PU`` of nothing it has ended.
    """
    lag = follow(lag, droop.change_for(droop.excursion_uhz(frequency_hz), 1.0), droop.response_s, dt_s)
    ended = lag.target == 0.0 and abs(lag.output) < RETURNED_PU
    return NO_CHANGE if ended else lag


def respond(
    droop: FrequencyDroop,
    state: DroopState | None,
    frequency_hz: float,
    injections_pu: tuple[float, float],
    bounds: Bounds,
    dt_s: float,
) -> DroopState:
    """One step of a device's response.

    Args:
        droop: the settings.
        state: after the last step, or nothing before the first.
        frequency_hz: measured now.
        injections_pu: the last output, and what is wanted without an excursion.
        bounds: first the floor, then the ceiling of the response.
        dt_s: since the last step.
    """
    last_pu, wanted_pu = injections_pu
    excursion_uhz = droop.excursion_uhz(frequency_hz)
    side = (excursion_uhz > 0) - (excursion_uhz < 0)
    was_side, before_pu, lag, responding = (0, last_pu, None, False) if state is None else state
    if side not in (0, was_side) and not (responding and droop.latch is Latch.SETTLED):
        before_pu = last_pu
    target_pu = wanted_pu
    if side:
        target_pu = bounds.clamp(before_pu + droop.change_for(excursion_uhz, 1.0))
    lag = follow(lag if side or responding else None, target_pu, droop.response_s, dt_s)
    if not side and responding:
        responding = abs(lag.output - target_pu) >= RETURNED_PU
    return DroopState(side, before_pu, lag, responding or side != 0)
