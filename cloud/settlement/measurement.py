"""From counters and event traces to delivered energy by site; only good data counts."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from cloud.chain.records import EnrolledSite, SiteEnergy
from cloud.settlement.scores import Droop, answer, fleet_score
from cloud.telemetry.store import EnergyStep
from vpp_core.der import DerKind
from vpp_core.ids import DerId, SiteId
from vpp_core.interval import Interval
from vpp_core.measurement import Quality
from vpp_core.messages import EventRecord

MARKET_KINDS = (DerKind.BATTERY, DerKind.PV)
"""Devices whose own counters make the position of a market site."""
_WORST_LAST = tuple(Quality)


class Response(NamedTuple):
    """How the fleet answered in one interval, and how much of the held reserve each site made good."""

    performance: float
    sites: dict[SiteId, SiteEnergy]


def devices_of(sites: Iterable[EnrolledSite], kinds: Sequence[DerKind]) -> dict[SiteId, list[DerId]]:
    """The devices of some kinds, by site."""
    return {site.site_id: sorted(der.der_id for der in site.ders if der.kind in kinds) for site in sites}


def site_energy(
    devices: Mapping[SiteId, Sequence[DerId]], steps: Mapping[DerId, Sequence[EnergyStep]]
) -> dict[Interval, dict[SiteId, SiteEnergy]]:
    """Energy of each site in each step: the sum of its devices' good steps, in whole Wh.

    A device without good data counts as zero, and the site shows the worst quality among its devices.
    """
    by_interval: dict[Interval, dict[SiteId, SiteEnergy]] = {}
    at: dict[tuple[DerId, Interval], EnergyStep] = {
        (der_id, step.interval): step for der_id, row in steps.items() for step in row
    }
    for interval in sorted({interval for _, interval in at}):
        by_interval[interval] = {
            site: _sum(at.get((der_id, interval)) for der_id in ders)
            for site, ders in sorted(devices.items())
        }
    return by_interval


def response(held_w: Mapping[SiteId, float], events: Sequence[EventRecord], droop: Droop) -> Response:
    """The score of a reserve held for one interval, from the events that its sites recorded.

    Without any event nothing was asked, and the score is 1. In an interval with an event, a site that
    recorded none did not answer.
    """
    if not events:
        whole = {
            site: SiteEnergy(energy_wh=round(held), quality=Quality.GOOD) for site, held in held_w.items()
        }
        return Response(1.0, whole)
    scores: dict[SiteId, float] = {}
    sites: dict[SiteId, SiteEnergy] = {}
    for site, held in sorted(held_w.items()):
        traces = [event.trace for event in events if event.site_id == site]
        if traces:
            scores[site] = answer(traces, held, droop).score()
        made_good = round(held * scores.get(site, 0.0))
        quality = Quality.GOOD if traces else Quality.MISSING
        sites[site] = SiteEnergy(energy_wh=made_good, quality=quality)
    return Response(fleet_score(held_w, scores), sites)


def _sum(steps: Iterable[EnergyStep | None]) -> SiteEnergy:
    total_wh = 0.0
    worst = Quality.GOOD
    for step in steps:
        quality = Quality.MISSING if step is None else step.quality
        if step is not None and step.net_wh is not None and quality is Quality.GOOD:
            total_wh += step.net_wh
        worst = max(worst, quality, key=_WORST_LAST.index)
    return SiteEnergy(energy_wh=round(total_wh), quality=worst)
