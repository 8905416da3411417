"""The contracted upward response to frequency: how much of the reserve a frequency asks for.

Continuous at the edge of its dead-band, which is decided in whole mHz.
"""

from datetime import datetime

from vpp_core.ids import DerId
from vpp_core.messages import FrequencyResponse
from vpp_core.units import millihertz


def activation(frequency_hz: float, response: FrequencyResponse) -> float:
    """The share of upward reserve that a frequency asks for, 0 to 1, linear beyond the dead-band."""
    low_by_mhz = millihertz(response.nominal_hz) - millihertz(frequency_hz)
    deadband_mhz = millihertz(response.deadband_hz)
    span_mhz = millihertz(response.full_activation_hz) - deadband_mhz
    return min(max((low_by_mhz - deadband_mhz) / max(span_mhz, 1), 0.0), 1.0)


def reserve_w(response: FrequencyResponse, der_id: DerId, now: datetime) -> float:
    """Upward reserve that a device holds now (W); 0 outside every step."""
    return sum(
        step.reserve_w for step in response.steps if step.der_id == der_id and step.interval.contains(now)
    )
