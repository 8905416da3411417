"""Active power against grid frequency: the grid code's droop, and the response that was sold.

Both are continuous at the edge of their dead-band, and both decide there in whole mHz, so that no
binary fraction makes 49.964 Hz differ from 50 Hz by more than 36 mHz.
"""

from datetime import datetime

import msgspec

from vpp_core.ids import DerId
from vpp_core.messages import FrequencyResponse
from vpp_core.units import MILLIHERTZ_PER_HERTZ, millihertz


class FrequencyDroop(msgspec.Struct, frozen=True, kw_only=True):
    """IEEE 1547-2018 frequency-droop (clause 6.5.2.7) without its open-loop lag.

    The lag is left to the device, whose own ramp is slower than this loop: 90 % within the
    open-loop response time only has to be reached, and reaching it earlier is allowed.
    """

    nominal_hz: float = 60.0
    deadband_hz: float = 0.036
    droop_pu: float = 0.05
    """Change of frequency, per unit of nominal, that changes power by the rating."""

    def excursion_mhz(self, frequency_hz: float) -> int:
        """How far frequency lies outside the dead-band: positive below it, negative above, else 0."""
        return outside_deadband_mhz(frequency_hz, self.nominal_hz, self.deadband_hz)

    def change_w(self, frequency_hz: float, rating_w: float) -> float:
        """Change of injection from the power before the excursion: positive under frequency."""
        full_mhz = self.droop_pu * self.nominal_hz * MILLIHERTZ_PER_HERTZ
        return rating_w * self.excursion_mhz(frequency_hz) / full_mhz


def outside_deadband_mhz(frequency_hz: float, nominal_hz: float, deadband_hz: float) -> int:
    """Whole mHz beyond the dead-band: positive when frequency is low, negative when it is high."""
    low_by_mhz = millihertz(nominal_hz) - millihertz(frequency_hz)
    deadband_mhz = millihertz(deadband_hz)
    if abs(low_by_mhz) <= deadband_mhz:
        return 0
    return low_by_mhz - deadband_mhz if low_by_mhz > 0 else low_by_mhz + deadband_mhz


def activation(frequency_hz: float, response: FrequencyResponse) -> float:
    """The share of upward reserve that a frequency asks for, 0 to 1, linear beyond the dead-band."""
    beyond_mhz = outside_deadband_mhz(frequency_hz, response.nominal_hz, response.deadband_hz)
    span_mhz = millihertz(response.full_activation_hz) - millihertz(response.deadband_hz)
    return min(max(beyond_mhz / max(span_mhz, 1), 0.0), 1.0)


def reserve_w(response: FrequencyResponse, der_id: DerId, now: datetime) -> float:
    """Upward reserve that a device holds now (W); 0 outside every step."""
    return sum(
        step.reserve_w for step in response.steps if step.der_id == der_id and step.interval.contains(now)
    )
