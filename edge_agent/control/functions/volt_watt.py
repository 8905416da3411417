"""Volt-watt (IEEE 1547-2018, 5.4.2): a ceiling on active power while voltage is high."""

import msgspec

from edge_agent.control.functions.curve import Curve
from edge_agent.control.functions.open_loop import Lag, follow

DEFAULT = Curve(((1.06, 1.0), (1.1, 0.0)))


class VoltWatt(msgspec.Struct, frozen=True, kw_only=True):
    """Settings: two corners (V1, P1) and (V2, P2); with a negative P2 a storage device charges."""

    curve: Curve = DEFAULT
    response_s: float = 10.0
    """Open-loop response time, 0.5 to 60 s in the standard."""


def ceiling(settings: VoltWatt, lag: Lag | None, voltage_pu: float, dt_s: float) -> Lag:
    """One step; the output is the most that may be injected, per unit of the rating."""
    return follow(lag, settings.curve.at(voltage_pu), settings.response_s, dt_s)
