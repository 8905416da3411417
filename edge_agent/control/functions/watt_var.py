"""Watt-var (IEEE 1547-2018, 5.3.4): reactive power against active power, both directions of it."""

import msgspec

from edge_agent.control.functions.curve import Curve
from edge_agent.control.functions.open_loop import Lag, follow

CATEGORY_B = Curve(((-1.0, 0.44), (-0.5, 0.0), (-0.2, 0.0), (0.2, 0.0), (0.5, 0.0), (1.0, -0.44)))
"""Not verified against the standard's text."""


class WattVar(msgspec.Struct, frozen=True, kw_only=True):
    """Settings; the curve runs from full absorption (-1) to full injection (1)."""

    curve: Curve = CATEGORY_B
    response_s: float = 10.0


def respond(settings: WattVar, lag: Lag | None, injection_pu: float, dt_s: float) -> Lag:
    """One step; the output is reactive power per unit of the apparent rating, injected positive."""
    return follow(lag, settings.curve.at(injection_pu), settings.response_s, dt_s)
