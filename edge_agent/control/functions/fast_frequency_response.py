"""Fast frequency response as products: proportional beyond a dead-band with a knee, or a step at a trigger.

The products are data; what no public text confirmed is named in ``unverified``. A share is per unit of what
was contracted: positive injects more (under frequency), negative less. Comparisons are in whole mHz.
"""

from collections.abc import Mapping
from enum import Enum
from types import MappingProxyType
from typing import NamedTuple

import msgspec

from edge_agent.control.functions.active_power import toward
from edge_agent.control.functions.whole import microseconds
from vpp_core.units import millihertz


class ProportionalProduct(msgspec.Struct, frozen=True, kw_only=True):
    """More response for more deviation, below and above nominal alike."""

    name: str
    nominal_hz: float
    deadband_hz: float
    knee_hz: float
    """Deviation up to which the response is small."""
    knee_share: float
    full_hz: float
    initiation_s: float
    """The response has begun after so long."""
    full_s: float
    duration_s: float
    """The longest delivery of the full response that energy must be held for."""
    unverified: tuple[str, ...] = ()

    def share(self, frequency_hz: float) -> float:
        """The share of the contract, -1 to 1, that a frequency asks for."""
        low_by_mhz = millihertz(self.nominal_hz) - millihertz(frequency_hz)
        size = self._size(abs(low_by_mhz))
        return size if low_by_mhz > 0 else -size

    def _size(self, deviation_mhz: int) -> float:
        deadband_mhz, knee_mhz = millihertz(self.deadband_hz), millihertz(self.knee_hz)
        if deviation_mhz <= deadband_mhz:
            return 0.0
        if deviation_mhz < knee_mhz:
            return self.knee_share * (deviation_mhz - deadband_mhz) / (knee_mhz - deadband_mhz)
        full_mhz = millihertz(self.full_hz)
        if deviation_mhz >= full_mhz:
            return 1.0
        return self.knee_share + (1.0 - self.knee_share) * (deviation_mhz - knee_mhz) / (full_mhz - knee_mhz)


class StepProduct(msgspec.Struct, frozen=True, kw_only=True):
    """The whole contract at a trigger, held for a time, then let go; later ready again."""

    name: str
    trigger_hz: float
    """At or below it the response begins."""
    full_s: float
    """All of it is delivered after so long."""
    hold_s: float
    """It is held for so long, whatever frequency does."""
    release_per_s: float | None = None
    """The steepest release, share per second; nothing if it may be a step."""
    ready_again_s: float
    """After the trigger the product is ready again after so long, once frequency is above it."""
    unverified: tuple[str, ...] = ()


class FastResponse(msgspec.Struct, frozen=True, kw_only=True):
    """A product that was sold with a device, and how much of it (per unit of the rating)."""

    product: ProportionalProduct | StepProduct
    reserve_pu: float
    """The most that is injected in addition."""
    reserve_down_pu: float = 0.0
    """The most that is injected less; a step product has no such side."""


class StepPhase(Enum):
    READY = "ready"
    HOLDING = "holding"
    RELEASING = "releasing"
    RECOVERING = "recovering"


class StepState(NamedTuple):
    phase: StepPhase = StepPhase.READY
    since_us: int = 0
    """Since the trigger (microseconds)."""
    share: float = 0.0


def respond(
    sold: FastResponse, state: StepState, frequency_hz: float, dt_s: float
) -> tuple[StepState, float]:
    """One step: the state of a step product, and the change of injection that the contract asks for."""
    if isinstance(sold.product, StepProduct):
        state = advance(sold.product, state, frequency_hz, dt_s)
        return state, state.share * sold.reserve_pu
    share = sold.product.share(frequency_hz)
    return state, share * (sold.reserve_pu if share > 0.0 else sold.reserve_down_pu)


def advance(product: StepProduct, state: StepState, frequency_hz: float, dt_s: float) -> StepState:
    """One step of a step product; the response is asked for at once, the device has ``full_s`` to follow."""
    phase, since_us, share = state
    below = millihertz(frequency_hz) <= millihertz(product.trigger_hz)
    if phase is StepPhase.READY:
        return StepState(StepPhase.HOLDING, 0, 1.0) if below else StepState()
    since_us += microseconds(dt_s)
    if phase is StepPhase.HOLDING:
        if since_us < microseconds(product.hold_s):
            return StepState(phase, since_us, 1.0)
        phase = StepPhase.RELEASING
    if phase is StepPhase.RELEASING:
        step = 1.0 if product.release_per_s is None else product.release_per_s * dt_s
        share = toward(share, 0.0, step)
        return StepState(StepPhase.RELEASING if share > 0.0 else StepPhase.RECOVERING, since_us, share)
    if since_us >= microseconds(product.ready_again_s) and not below:
        return StepState()
    return StepState(phase, since_us, 0.0)


def _gb(
    name: str, knee: tuple[float, float], full_hz: float, seconds: tuple[float, float, float]
) -> ProportionalProduct:
    knee_hz, knee_share = knee
    initiation_s, full_s, duration_s = seconds
    return ProportionalProduct(
        name=name,
        nominal_hz=50.0,
        deadband_hz=0.015,
        knee_hz=knee_hz,
        knee_share=knee_share,
        full_hz=full_hz,
        initiation_s=initiation_s,
        full_s=full_s,
        duration_s=duration_s,
        unverified=("deadband_hz", "knee_hz", "full_hz"),
    )


def _nordic(name: str, trigger_hz: float, full_s: float, *, long: bool) -> StepProduct:
    return StepProduct(
        name=name,
        trigger_hz=trigger_hz,
        full_s=full_s,
        hold_s=30.0 if long else 5.0,
        release_per_s=None if long else 0.2,
        ready_again_s=900.0,
    )


PROPORTIONAL: Mapping[str, ProportionalProduct] = MappingProxyType(
    {
        "gb-dc": _gb("GB Dynamic Containment", (0.2, 0.05), 0.5, (0.5, 1.0, 900.0)),
        "gb-dm": _gb("GB Dynamic Moderation", (0.1, 0.05), 0.2, (0.5, 1.0, 1_800.0)),
        # Linear: the knee lies on the line.
        "gb-dr": _gb("GB Dynamic Regulation", (0.2, 1.0), 0.2, (2.0, 10.0, 3_600.0)),
    }
)
STEPS: Mapping[str, StepProduct] = MappingProxyType(
    {
        "ercot-rrs-ffr": StepProduct(
            name="ERCOT Responsive Reserve, fast frequency response",
            trigger_hz=59.85,
            full_s=0.25,
            hold_s=900.0,
            ready_again_s=1_800.0,
            unverified=("trigger_hz", "ready_again_s"),
        ),
        "nordic-ffr-49.7": _nordic("Nordic FFR, 49.7 Hz", 49.7, 1.3, long=False),
        "nordic-ffr-49.6": _nordic("Nordic FFR, 49.6 Hz", 49.6, 1.0, long=False),
        "nordic-ffr-49.5": _nordic("Nordic FFR, 49.5 Hz", 49.5, 0.7, long=False),
        "nordic-ffr-49.7-long": _nordic("Nordic FFR, 49.7 Hz, long support", 49.7, 1.3, long=True),
        "nordic-ffr-49.6-long": _nordic("Nordic FFR, 49.6 Hz, long support", 49.6, 1.0, long=True),
        "nordic-ffr-49.5-long": _nordic("Nordic FFR, 49.5 Hz, long support", 49.5, 0.7, long=True),
    }
)
