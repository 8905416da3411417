"""What a device of given ratings can physically measure; anything else is garbage, and becomes a gap."""

from datetime import datetime

import msgspec

from vpp_core.units import energy_wh

FREQUENCY_HZ_MIN = 40.0
FREQUENCY_HZ_MAX = 70.0
"""No generator or meter on a public grid works outside; a sleeping inverter shows 0 Hz."""

_RATING_MARGIN = 1.5
"""Power beyond the rating that short overloads and inaccurate meters still explain."""
_POWER_W_MAX = 10e6
_VOLTAGE_V_MAX = 1_500.0
_VOLTAGE_BAND = (0.3, 1.7)
"""Part of nominal voltage that an inverter can see in a dip or a swell (LL and LN readings included)."""
_COUNTER_SLACK_WH = 1_000.0
_COUNTER_MARGIN = 2.0


class Bounds(msgspec.Struct, frozen=True, kw_only=True):
    """The band of each canonical value, inclusive."""

    power_w_max: float = _POWER_W_MAX
    """Of the magnitude, in both directions."""
    voltage_v_min: float = 0.0
    voltage_v_max: float = _VOLTAGE_V_MAX

    @classmethod
    def of_ratings(cls, power_rated_w: float, voltage_nominal_v: float | None) -> "Bounds":
        """Bands around the name plate; where it is silent, those of any device."""
        power_w_max = _RATING_MARGIN * power_rated_w if power_rated_w > 0.0 else _POWER_W_MAX
        if not voltage_nominal_v:
            return cls(power_w_max=power_w_max)
        low, high = _VOLTAGE_BAND
        return cls(
            power_w_max=power_w_max,
            voltage_v_min=low * voltage_nominal_v,
            voltage_v_max=high * voltage_nominal_v,
        )

    def band(self, quantity: str) -> tuple[float, float]:
        """Lowest and highest plausible value of a canonical quantity."""
        match quantity:
            case "power_w" | "reactive_var":
                return -self.power_w_max, self.power_w_max
            case "voltage_v":
                return self.voltage_v_min, self.voltage_v_max
            case "frequency_hz":
                return FREQUENCY_HZ_MIN, FREQUENCY_HZ_MAX
            case "state_of_charge_pct":
                return 0.0, 100.0
            case _:
                return 0.0, float("inf")

    def doubt(self, quantity: str, value: float) -> str | None:
        """Why the value cannot be, or nothing."""
        low, high = self.band(quantity)
        if low <= value <= high:
            return None
        return f"{quantity} {value:g} lies outside {low:g} .. {high:g}"


class CounterWatch:
    """An energy counter only grows, and not faster than the device can; after a doubt it starts afresh."""

    def __init__(self, power_w_max: float) -> None:
        self._power_w_max = power_w_max
        self._last: tuple[datetime, float] | None = None

    def doubt(self, quantity: str, value_wh: float, at: datetime) -> str | None:
        """Why the value cannot follow the one before, or nothing."""
        last, self._last = self._last, (at, value_wh)
        if last is None:
            return None
        elapsed_s = max(0.0, (at - last[0]).total_seconds())
        grown_wh = value_wh - last[1]
        if grown_wh < 0.0:
            return f"{quantity} fell from {last[1]:g} to {value_wh:g}"
        if grown_wh > _COUNTER_MARGIN * energy_wh(self._power_w_max, elapsed_s) + _COUNTER_SLACK_WH:
            return f"{quantity} grew by {grown_wh:g} in {elapsed_s:g} s"
        return None
