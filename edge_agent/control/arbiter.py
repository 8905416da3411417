"""Who decides over one device: safety before money (design, invariant 1).

Rules speak in a fixed order; each one narrows what the earlier ones left, and none can widen it.
"""

from collections.abc import Iterable
from enum import IntEnum

import msgspec

from vpp_core.envelope import Envelope


class Rule(IntEnum):
    """The order of arbitration; the smaller number speaks first."""

    PROTECTION = 1
    """Ratings, interlocks and the owner's hard limits."""
    GRID_CODE = 2
    FREQUENCY_RESPONSE = 3
    EMERGENCY = 4
    EVENT = 5
    MARKET = 6
    OWNER = 7
    """The device's own use, when nobody commands it."""


class Claim(msgspec.Struct, frozen=True):
    """What one rule allows: a point for a setpoint, a half-line for a floor or a ceiling."""

    rule: Rule
    envelope: Envelope


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """The outcome for one device."""

    setpoint_w: float | None
    """What to write (W, injection positive), or nothing: the device is left to its owner's use."""
    rule: Rule
    """The rule whose word the setpoint is."""
    allowed: Envelope
    """What protection allows now; a setpoint outside it must not stay in force."""


def at(rule: Rule, setpoint_w: float) -> Claim:
    """A rule that wants one setpoint."""
    return Claim(rule, Envelope(setpoint_w, setpoint_w))


def arbitrate(allowed: Envelope, claims: Iterable[Claim], own_w: float) -> Decision:
    """The setpoint that all rules together leave for one device.

    Args:
        allowed: what protection and the owner's limits allow.
        claims: the other rules that speak now, in any order.
        own_w: where the device would be by itself: its power before the excursion for a battery,
            the most it can inject for PV, the most it can charge for an EVSE.
    """
    spoken = sorted(claims, key=lambda claim: claim.rule)
    if not spoken:
        return Decision(setpoint_w=None, rule=Rule.OWNER, allowed=allowed)
    left, low_by, high_by = allowed, Rule.PROTECTION, Rule.PROTECTION
    for claim in spoken:
        low_by, high_by = _bounds_by(left, claim, low_by, high_by)
        left = left.narrow(claim.envelope)
    if left.low_w < left.high_w and left.contains(own_w):
        return Decision(setpoint_w=None, rule=Rule.OWNER, allowed=allowed)
    setpoint_w = left.clamp(own_w)
    rule = high_by if setpoint_w < own_w else low_by
    return Decision(setpoint_w=setpoint_w, rule=rule, allowed=allowed)


def _bounds_by(left: Envelope, claim: Claim, low_by: Rule, high_by: Rule) -> tuple[Rule, Rule]:
    """Which rule set each end of the range after a claim has narrowed it."""
    wish = claim.envelope
    if wish.low_w > left.high_w:
        return high_by, high_by
    if wish.high_w < left.low_w:
        return low_by, low_by
    return (
        claim.rule if wish.low_w >= left.low_w else low_by,
        claim.rule if wish.high_w <= left.high_w else high_by,
    )
