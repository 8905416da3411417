"""SI quantities as named floats, and the one place where kilo and mega become SI.

Names end in their unit (``setpoint_w``). kW, MW and MWh appear only in configuration, on screens
and in market adapters, and pass through the functions below.
"""

from typing import NewType

Watts = NewType("Watts", float)
WattHours = NewType("WattHours", float)

KILO = 1_000.0
MEGA = 1_000_000.0
PERCENT = 100.0
SECONDS_PER_HOUR = 3_600.0
SECONDS_PER_DAY = 86_400
MILLIHERTZ_PER_HERTZ = 1_000.0


def watts_from_kw(power_kw: float) -> Watts:
    return Watts(power_kw * KILO)


def kw_from_watts(power_w: float) -> float:
    return power_w / KILO


def mw_from_watts(power_w: float) -> float:
    return power_w / MEGA


def watt_hours_from_kwh(energy_kwh: float) -> WattHours:
    return WattHours(energy_kwh * KILO)


def kwh_from_watt_hours(energy_wh: float) -> float:
    return energy_wh / KILO


def energy_wh(power_w: float, duration_s: float) -> WattHours:
    """Energy of a constant power: W times s, in Wh; the sign is the power's."""
    return WattHours(power_w * duration_s / SECONDS_PER_HOUR)


def mean_power_w(energy_wh: float, duration_s: float) -> Watts:
    """Mean power of an energy over a duration, in W.

    Raises:
        ValueError: the duration is not positive.
    """
    if duration_s <= 0.0:
        raise ValueError(f"a mean power needs a positive duration, not {duration_s} s")
    return Watts(energy_wh * SECONDS_PER_HOUR / duration_s)


def millihertz(frequency_hz: float) -> int:
    """Frequency in whole mHz, for comparisons that must not depend on binary fractions."""
    return round(frequency_hz * MILLIHERTZ_PER_HERTZ)
