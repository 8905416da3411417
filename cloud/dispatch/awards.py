"""From awards to commitments, and from a plan to the schedules that keep them."""

import math
from collections.abc import Mapping, Sequence
from itertools import groupby

from cloud.chain.records import Award, DevicePlan, EnrolledSite, Plan, Side
from cloud.markets.catalogue import ProductKind
from vpp_core.der import DerKind
from vpp_core.ids import DerId, SiteId
from vpp_core.interval import Interval
from vpp_core.messages import ReserveStep
from vpp_core.schedule import Schedule, ScheduleStep
from vpp_core.units import mean_power_w


def committed_w(award: Award, kind: ProductKind) -> float:
    """Mean injection owed (negative for a purchase), or the reserve held (W).

    The quantity of a reserve is W held for each hour of the interval, not an energy.
    """
    if kind is ProductKind.RESERVE:
        return float(award.quantity_wh)
    power_w = mean_power_w(award.quantity_wh, award.interval.duration_s)
    return power_w if award.side is Side.SELL else -power_w


def site_shares_w(
    power_w: float, interval: Interval, kind: ProductKind, plan: Plan | None, sites: Sequence[EnrolledSite]
) -> dict[SiteId, float]:
    """What each site was planned to carry; the parts sum to ``power_w``.

    The plan gives each site's power; what the award differs from the plan is spread by the ratings of the
    sites' batteries.
    """
    planned = {site.site_id: 0.0 for site in sites}
    for device in plan.devices if plan is not None else ():
        if plan is not None and device.site_id in planned:
            planned[device.site_id] += _mean_w(plan, device, interval, kind)
    rated = {site.site_id: _rated_w(site) for site in sites}
    total_w = math.fsum(rated.values())
    difference_w = power_w - math.fsum(planned.values())
    if not sites or (total_w == 0.0 and difference_w != 0.0):
        return {}
    weight = {site_id: rated[site_id] / total_w if total_w else 0.0 for site_id in sorted(planned)}
    return {site_id: planned[site_id] + difference_w * part for site_id, part in weight.items()}


def schedule_of(plan: Plan, device: DevicePlan) -> Schedule:
    """A device's planned injection as steps; equal neighbours are one step."""
    steps = zip(plan.horizon.split(plan.step_s), device.setpoint_w, strict=True)
    return Schedule(
        tuple(ScheduleStep(interval, setpoint_w) for interval, setpoint_w in _merged(tuple(steps)))
    )


def reserve_steps(plan: Plan, device: DevicePlan) -> tuple[ReserveStep, ...]:
    """When a device holds reserve, and how much."""
    steps = zip(plan.horizon.split(plan.step_s), device.reserve_w, strict=True)
    return tuple(
        ReserveStep(interval=interval, der_id=device.der_id, reserve_w=reserve_w)
        for interval, reserve_w in _merged(tuple(steps))
        if reserve_w > 0.0
    )


def batteries_of(plan: Plan, kinds: Mapping[DerId, DerKind]) -> list[DevicePlan]:
    """The plan's batteries by device id; other devices follow the sun or their driver, not us."""
    devices = [device for device in plan.devices if kinds.get(device.der_id) is DerKind.BATTERY]
    return sorted(devices, key=lambda device: device.der_id)


def _merged(steps: Sequence[tuple[Interval, float]]) -> list[tuple[Interval, float]]:
    merged: list[tuple[Interval, float]] = []
    for value, group in groupby(steps, key=lambda step: step[1]):
        run = [interval for interval, _ in group]
        merged.append((Interval(run[0].start, run[-1].end), value))
    return merged


def _mean_w(plan: Plan, device: DevicePlan, interval: Interval, kind: ProductKind) -> float:
    """Mean planned injection over an interval; for a reserve, the least that is held throughout."""
    values = device.reserve_w if kind is ProductKind.RESERVE else device.setpoint_w
    parts = [
        (value, overlap.duration_s)
        for step, value in zip(plan.horizon.split(plan.step_s), values, strict=True)
        if (overlap := step.intersection(interval)) is not None
    ]
    if not parts:
        return 0.0
    if kind is ProductKind.RESERVE:
        return min(value for value, _ in parts)
    return math.fsum(value * length_s for value, length_s in parts) / interval.duration_s


def _rated_w(site: EnrolledSite) -> float:
    return math.fsum(der.injection_w_max for der in site.ders if der.kind is DerKind.BATTERY)
