"""During an event: who does not respond, and who takes over. A failed device is not a delivered one."""

import math
from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum

import msgspec
import numpy as np

from cloud.dispatch.ledger import CommandStatus
from cloud.dispatch.member import Member, Observation
from cloud.dispatch.split import Array, headroom_w, split
from vpp_core.ids import DerId, SiteId
from vpp_core.interval import Interval
from vpp_core.measurement import Quality


class LossReason(StrEnum):
    GATEWAY_OFFLINE = "gateway offline"
    DEVICE_UNAVAILABLE = "device does not answer"
    TELEMETRY_STALE = "telemetry stale"
    COMMAND_REFUSED = "command refused"
    NO_RESPONSE = "measured power far from setpoint"
    LIMITED = "measured power below setpoint"
    ENERGY_SHORT = "energy does not last"


class ResponseRules(msgspec.Struct, frozen=True, kw_only=True):
    """When a device counts as not responding."""

    stale_s: float = 600.0
    """A device without a good reading for this long is not seen any more."""
    settle_s: float = 120.0
    """A device has this long from an order until its measurement is judged."""
    response_fraction_min: float = 0.5
    """Below this part of its setpoint a device is lost; above, it is limited to what it shows."""
    tolerance_fraction: float = 0.05
    tolerance_w: float = 100.0


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """What a member was last told, and what became of it."""

    setpoint_w: float
    at: datetime
    status: CommandStatus = CommandStatus.SENT
    clamped_w: float | None = None


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """One member at one moment of an event."""

    member: Member
    seen: Observation
    order: Order | None = None
    share_w: float = 0.0
    """The part of the target that it is counted with."""
    cap_w: float | None = None
    """What it showed to be its most, when that was less than ordered."""
    lost: LossReason | None = None


class Verdict(msgspec.Struct, frozen=True):
    """``lost`` says why a member counts for nothing; ``cap_w`` is a limit that it has shown."""

    lost: LossReason | None = None
    cap_w: float | None = None


class Resplit(msgspec.Struct, frozen=True, kw_only=True):
    """The shares of all members after a new split; the lost ones carry nothing."""

    share_w: dict[DerId, float]
    lost: dict[DerId, LossReason]
    cap_w: dict[DerId, float]
    limit_w: dict[DerId, float]
    unserved_w: float


def judge(standing: Standing, now: datetime, start: datetime, rules: ResponseRules) -> Verdict:
    """Whether a member responds, at ``now`` within an event that began at ``start``."""
    seen, order = standing.seen, standing.order
    if not seen.online:
        return Verdict(lost=LossReason.GATEWAY_OFFLINE)
    if not seen.available:
        return Verdict(lost=LossReason.DEVICE_UNAVAILABLE)
    if order is not None and order.status in (
        CommandStatus.REJECTED,
        CommandStatus.FAILED,
        CommandStatus.EXPIRED,
    ):
        return Verdict(lost=LossReason.COMMAND_REFUSED)
    if _stale(seen, now, rules):
        return Verdict(lost=LossReason.TELEMETRY_STALE)
    return Verdict() if order is None else _measured(standing, order, start, rules)


def resplit(
    standings: Sequence[Standing], target_w: float, now: datetime, event: Interval, rules: ResponseRules
) -> Resplit:
    """Judge every member and split the target over those that respond, for the rest of the event.

    Those that carry something keep their proportion, so that nobody's order changes without need.
    """
    verdicts = [judge(standing, now, event.start, rules) for standing in standings]
    cap_w = [_lowest(s.cap_w, v.cap_w) for s, v in zip(standings, verdicts, strict=True)]
    remaining_s = (event.end - max(now, event.start)).total_seconds()
    limit_w = limits_w(standings, cap_w, remaining_s)
    limit_w[[verdict.lost is not None for verdict in verdicts]] = 0.0
    result = split(target_w, limit_w, _weights_w(standings, limit_w))
    ids = [standing.member.der_id for standing in standings]
    return Resplit(
        share_w=dict(zip(ids, (float(share) for share in result.share_w), strict=True)),
        lost={i: verdict.lost for i, verdict in zip(ids, verdicts, strict=True) if verdict.lost is not None},
        cap_w={i: cap for i, cap in zip(ids, cap_w, strict=True) if cap is not None},
        limit_w=dict(zip(ids, (float(limit) for limit in limit_w), strict=True)),
        unserved_w=result.unserved_w,
    )


def limits_w(standings: Sequence[Standing], cap_w: Sequence[float | None], remaining_s: float) -> Array:
    """What each member can hold for ``remaining_s`` (W): rating, energy above reserve, and its cap."""
    rated = np.array([s.member.injection_w_max for s in standings], dtype=np.float64)
    available = np.array([_available_wh(s) for s in standings], dtype=np.float64)
    caps = np.array([np.inf if cap is None else cap for cap in cap_w], dtype=np.float64)
    return headroom_w(rated, available, remaining_s, caps)


def _weights_w(standings: Sequence[Standing], limit_w: Array) -> Array:
    """Present shares; a member without one joins at the mean fill of the others."""
    share_w = np.where(limit_w > 0.0, np.array([s.share_w for s in standings], dtype=np.float64), 0.0)
    carrying = share_w > 0.0
    fill = float(share_w.sum() / limit_w[carrying].sum()) if carrying.any() else 1.0
    return np.where(carrying, share_w, limit_w * fill)


def due(standings: Sequence[Standing], result: Resplit, rules: ResponseRules) -> bool:
    """Whether a new split is worth new orders: somebody was lost, came back, or cannot keep its share.

    State of charge moves every headroom a little every minute; orders that would change by less than the
    tolerance are not sent.
    """
    return any(_moved(standing, result, rules) for standing in standings)


class SiteLoss(msgspec.Struct, frozen=True, kw_only=True):
    """What one site no longer carries, and who takes it over."""

    site_id: SiteId
    lost_w: float
    resplit: dict[SiteId, float]
    unserved_w: float
    reason: str


def losses(standings: Sequence[Standing], result: Resplit, rules: ResponseRules) -> list[SiteLoss]:
    """The sites that carry less because they must; what others took over is shared among these losses.

    A site that carries less because another one came back has lost nothing.
    """
    lost_w: dict[SiteId, float] = {}
    reasons: dict[SiteId, str] = {}
    gained_w: dict[SiteId, float] = {}
    for standing in standings:
        der_id, site_id = standing.member.der_id, standing.member.site_id
        reason = _loss_reason(standing, result, rules)
        change_w = result.share_w[der_id] - standing.share_w
        if reason is not None:
            lost_w[site_id] = lost_w.get(site_id, 0.0) - change_w
            reasons.setdefault(site_id, reason.value)
        elif change_w > 0.0:
            gained_w[site_id] = gained_w.get(site_id, 0.0) + change_w
    total_w = sum(lost_w.values())
    return [
        _site_loss(site_id, lost_w[site_id] / total_w, lost_w[site_id], gained_w, reasons[site_id])
        for site_id in sorted(lost_w)
        if lost_w[site_id] > 0.0
    ]


def _site_loss(
    site_id: SiteId, part: float, lost_w: float, gained_w: dict[SiteId, float], reason: str
) -> SiteLoss:
    taken = {other: gain * part for other, gain in sorted(gained_w.items())}
    covered_w = sum(taken.values())
    scale = min(1.0, lost_w / covered_w) if covered_w > 0.0 else 1.0
    return SiteLoss(
        site_id=site_id,
        lost_w=lost_w,
        resplit={other: gain * scale for other, gain in taken.items()},
        unserved_w=max(0.0, lost_w - covered_w),
        reason=reason,
    )


def _loss_reason(standing: Standing, result: Resplit, rules: ResponseRules) -> LossReason | None:
    der_id = standing.member.der_id
    if der_id in result.lost:
        return result.lost[der_id] if standing.share_w > 0.0 else None
    tolerance_w = max(rules.tolerance_w, rules.tolerance_fraction * standing.share_w)
    if standing.share_w - result.limit_w[der_id] <= tolerance_w:
        return None
    capped = result.cap_w.get(der_id, math.inf) <= result.limit_w[der_id]
    return LossReason.LIMITED if capped else LossReason.ENERGY_SHORT


def _stale(seen: Observation, now: datetime, rules: ResponseRules) -> bool:
    if seen.good_at is None:
        return True
    known_at = max(seen.good_at, seen.online_since or seen.good_at)
    return now - known_at > timedelta(seconds=rules.stale_s)


def _measured(standing: Standing, order: Order, start: datetime, rules: ResponseRules) -> Verdict:
    reading = standing.seen.reading
    cap_w = order.clamped_w if order.status is CommandStatus.CLAMPED else None
    settled_at = max(order.at, start, standing.seen.online_since or start) + timedelta(seconds=rules.settle_s)
    if (
        reading is None
        or reading.at < settled_at
        or reading.quality is not Quality.GOOD
        or reading.power_w is None
    ):
        return Verdict(cap_w=cap_w)
    short_w = order.setpoint_w - reading.power_w
    if short_w <= max(rules.tolerance_w, rules.tolerance_fraction * order.setpoint_w):
        return Verdict(cap_w=cap_w)
    if reading.power_w < rules.response_fraction_min * order.setpoint_w:
        return Verdict(lost=LossReason.NO_RESPONSE)
    return Verdict(cap_w=_lowest(cap_w, reading.power_w))


def _moved(standing: Standing, result: Resplit, rules: ResponseRules) -> bool:
    der_id = standing.member.der_id
    if (standing.lost is None) != (der_id not in result.lost):
        return True
    change_w = abs(result.share_w[der_id] - standing.share_w)
    return change_w > max(rules.tolerance_w, rules.tolerance_fraction * standing.share_w)


def _available_wh(standing: Standing) -> float:
    stored = standing.seen.stored_fraction
    return 0.0 if stored is None else standing.member.available_wh(stored)


def _lowest(first: float | None, second: float | None) -> float | None:
    return second if first is None else first if second is None else min(first, second)
