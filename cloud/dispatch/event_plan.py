"""Before an event is accepted: can the fleet carry it, who carries what, and who must charge first."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

import msgspec
import numpy as np

from cloud.dispatch.member import Member
from cloud.dispatch.resplit import LossReason, ResponseRules, Standing, judge
from cloud.dispatch.split import Array, headroom_w, split
from vpp_core.ids import DerId, SiteId
from vpp_core.interval import Interval
from vpp_core.schedule import Schedule, ScheduleStep
from vpp_core.units import energy_wh


class ProgramRules(msgspec.Struct, frozen=True, kw_only=True):
    """How events of a program are answered."""

    share_min: float = 0.9
    """The part of a target that must be in reach to opt in."""
    level_share: tuple[float, float, float, float] = (0.0, 0.5, 0.8, 1.0)
    """SIMPLE levels 0 to 3, as parts of the capability."""
    preparation_s_max: float = 3_600.0
    """Charging ahead stays within the last hour: before that, it would raise the baseline by which the
    event is paid."""
    preparation_margin_s: float = 300.0
    """Charging ends this long before the event."""


class EventPlan(msgspec.Struct, frozen=True, kw_only=True):
    """Shares that last the event, and the charging that they need."""

    share_w: dict[DerId, float]
    charge_w: dict[DerId, float]
    """Charging power ahead of the event (W, magnitude); absent where none is needed."""
    charge: Interval | None
    capability_w: float
    unserved_w: float


def plan_event(
    standings: Sequence[Standing],
    target_w: float | None,
    event: Interval,
    now: datetime,
    rules: tuple[ProgramRules, ResponseRules],
) -> EventPlan:
    """Split a target over the members that are there; nothing given means all that they can.

    Charging ahead is planned only if the energy stored now does not carry the target.
    """
    program, response = rules
    present = [s for s in standings if _present(s, now, event.start, response)]
    left = Interval(max(now, event.start), event.end)
    charge = _charging_time(event, now, program)
    stored = [s.seen.stored_fraction or 0.0 for s in present]
    charged = [
        s.member.charged_fraction(fraction, charge.duration_s) if charge else fraction
        for s, fraction in zip(present, stored, strict=True)
    ]
    limit_w, limit_charged_w = (_limits_w(present, f, left.duration_s) for f in (stored, charged))
    capability_w = float(limit_charged_w.sum())
    wanted_w = capability_w if target_w is None else target_w
    enough = wanted_w <= float(limit_w.sum())
    result = split(wanted_w, limit_w if enough else limit_charged_w)
    share_w = {s.member.der_id: float(w) for s, w in zip(present, result.share_w, strict=True)}
    charge_w = {} if enough or charge is None else _charging_w(present, share_w, left, charge)
    return EventPlan(
        share_w=share_w,
        charge_w=charge_w,
        charge=charge if charge_w else None,
        capability_w=capability_w,
        unserved_w=result.unserved_w,
    )


def schedule_of(plan: EventPlan, der_id: DerId, event: Interval, now: datetime) -> Schedule:
    """Setpoints of one battery: charge ahead if it must, then its share until the end."""
    steps: list[ScheduleStep] = []
    if plan.charge is not None and der_id in plan.charge_w:
        steps.append(ScheduleStep(plan.charge, -plan.charge_w[der_id]))
    steps.append(ScheduleStep(Interval(max(now, event.start), event.end), plan.share_w[der_id]))
    return Schedule(tuple(steps))


def by_site(share_w: Mapping[DerId, float], members: Iterable[Member]) -> dict[SiteId, float]:
    """Shares summed over the batteries of each site."""
    sites: dict[SiteId, float] = {}
    for member in members:
        if member.der_id in share_w:
            sites[member.site_id] = sites.get(member.site_id, 0.0) + share_w[member.der_id]
    return dict(sorted(sites.items()))


def _present(standing: Standing, now: datetime, start: datetime, rules: ResponseRules) -> bool:
    lost = judge(standing, now, start, rules).lost
    return standing.seen.stored_fraction is not None and (
        lost is None or lost in (LossReason.COMMAND_REFUSED, LossReason.NO_RESPONSE)
    )


def _charging_time(event: Interval, now: datetime, rules: ProgramRules) -> Interval | None:
    end = event.start - timedelta(seconds=rules.preparation_margin_s)
    start = max(now, event.start - timedelta(seconds=rules.preparation_s_max))
    return Interval(start, end) if start < end else None


def _limits_w(present: Sequence[Standing], stored: Sequence[float], duration_s: float) -> Array:
    rated = np.array([s.member.injection_w_max for s in present], dtype=np.float64)
    available = np.array(
        [s.member.available_wh(fraction) for s, fraction in zip(present, stored, strict=True)],
        dtype=np.float64,
    )
    return headroom_w(rated, available, duration_s)


def _charging_w(
    present: Sequence[Standing], share_w: dict[DerId, float], left: Interval, charge: Interval
) -> dict[DerId, float]:
    needed = {
        s.member.der_id: s.member.preparation_w(
            s.seen.stored_fraction or 0.0,
            energy_wh(share_w[s.member.der_id], left.duration_s),
            charge.duration_s,
        )
        for s in present
    }
    return {der_id: power_w for der_id, power_w in needed.items() if power_w > 0.0}
