"""Volt-var (IEEE 1547-2018, 5.3.3): reactive power against voltage, with a reference that may follow it."""

from typing import NamedTuple

import msgspec

from edge_agent.control.functions.curve import Curve
from edge_agent.control.functions.open_loop import RESPONSE_TIME_CONSTANTS, Lag, follow

REFERENCE_PU_MIN, REFERENCE_PU_MAX = 0.95, 1.05
CATEGORY_B = Curve(((0.92, 0.44), (0.98, 0.0), (1.02, 0.0), (1.08, -0.44)))
CATEGORY_A = Curve(((0.9, 0.25), (1.0, 0.0), (1.0, 0.0), (1.1, -0.25)))
"""Not verified against the standard's text."""


class VoltVar(msgspec.Struct, frozen=True, kw_only=True):
    """Settings; the curve is given at a reference voltage of 1, and shifts with the reference."""

    curve: Curve = CATEGORY_B
    response_s: float = 5.0
    """Open-loop response time, 1 to 90 s in the standard."""
    reference_pu: float = 1.0
    """0.95 to 1.05."""
    tracking_s: float | None = None
    """Time constant of a reference that follows voltage, 300 to 5,000 s; nothing if it is fixed."""


class VoltVarState(NamedTuple):
    reference_pu: float
    lag: Lag | None

    @property
    def output_pu(self) -> float:
        return 0.0 if self.lag is None else self.lag.output


def respond(settings: VoltVar, state: VoltVarState | None, voltage_pu: float, dt_s: float) -> VoltVarState:
    """One step; the output is reactive power per unit of the apparent rating, injected positive."""
    reference_pu, lag = (settings.reference_pu, None) if state is None else state
    if settings.tracking_s is None:
        reference_pu = settings.reference_pu
    else:
        response_s = settings.tracking_s * RESPONSE_TIME_CONSTANTS
        tracked_pu = follow(Lag(voltage_pu, reference_pu), voltage_pu, response_s, dt_s).output
        reference_pu = min(max(tracked_pu, REFERENCE_PU_MIN), REFERENCE_PU_MAX)
    wanted_pu = settings.curve.at(voltage_pu - (reference_pu - 1.0))
    return VoltVarState(reference_pu, follow(lag, wanted_pu, settings.response_s, dt_s))


def at_rest(state: VoltVarState | None) -> VoltVarState | None:
    """The state while the device has ceased: nothing is injected, and the reference is kept."""
    return None if state is None else VoltVarState(state.reference_pu, Lag(0.0, 0.0))
