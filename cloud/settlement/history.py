"""From what meters and stores deliver to days of steps: the one place where history changes its sign."""

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Protocol
from zoneinfo import ZoneInfo

from cloud.markets.utility_http import IntervalHistory
from cloud.telemetry.store import EnergyStep
from vpp_core.ids import DerId, SiteId
from vpp_core.interval import Interval
from vpp_core.measurement import Quality
from vpp_core.sign import SignConvention

METER = SignConvention.CONSUMPTION_POSITIVE
"""A meter's own history counts consumption."""


class HistorySource(Protocol):
    """Where the interval history of a site's meter is kept."""

    def load(self, site_id: SiteId, interval: Interval) -> IntervalHistory | None:
        """What is stored of a site's days that begin in ``interval``, or nothing."""
        ...


def metered_days(history: IntervalHistory, zone: ZoneInfo, step_s: int) -> dict[date, dict[int, int]]:
    """A site's history as steps of local days (whole Wh, injection positive); a gap leaves no entry.

    Raises:
        ValueError: the history's own step does not divide ``step_s``.
    """
    if step_s % history.step_s:
        raise ValueError(f"a history in steps of {history.step_s} s does not make steps of {step_s} s")
    per_step = step_s // history.step_s
    sums: dict[tuple[date, int], list[float]] = {}
    at_s = history.start.timestamp()
    for consumed_wh in history.net_wh:
        if consumed_wh is not None:
            key = _local_step(datetime.fromtimestamp(at_s, zone), step_s)
            sums.setdefault(key, []).append(METER.to_core(consumed_wh))
        at_s += history.step_s
    days: dict[date, dict[int, int]] = {}
    for (day, step), parts_wh in sums.items():
        if len(parts_wh) >= per_step:
            days.setdefault(day, {})[step] = round(sum(parts_wh))
    return days


def good_steps(
    steps: Mapping[DerId, list[EnergyStep]], meters: Mapping[SiteId, DerId], zone: ZoneInfo, step_s: int
) -> dict[SiteId, dict[int, int]]:
    """The good steps of one local day by site (whole Wh, injection positive)."""
    return {
        site: {
            _local_step(step.interval.start.astimezone(zone), step_s)[1]: round(step.net_wh)
            for step in steps.get(meter, [])
            if step.quality is Quality.GOOD and step.net_wh is not None
        }
        for site, meter in sorted(meters.items())
    }


def span(intervals: Iterable[Interval]) -> Interval:
    """From the first start to the last end."""
    listed = list(intervals)
    return Interval(min(each.start for each in listed), max(each.end for each in listed))


def _local_step(local: datetime, step_s: int) -> tuple[date, int]:
    return local.date(), (local.hour * 3_600 + local.minute * 60 + local.second) // step_s
