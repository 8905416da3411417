"""What an event makes us owe, interval by interval, and how a modification changes it."""

from collections.abc import Mapping
from datetime import datetime

from cloud.chain.records import Commitment
from cloud.markets.catalogue import Product
from vpp_core.interval import Interval
from vpp_core.money import Price


def revised(
    standing: Mapping[Interval, Commitment], event: Interval, owed_w: float, step_s: float, now: datetime
) -> dict[Interval, float]:
    """The mean power owed in each interval that changes; intervals that are over stay as they were.

    The interval that runs now owes the old power for its past part and the new one for the rest.
    """
    wanted = dict.fromkeys(event.split(step_s), owed_w)
    for interval in standing:
        wanted.setdefault(interval, 0.0)
    changes: dict[Interval, float] = {}
    for interval, power_w in wanted.items():
        if interval.end <= now:
            continue
        before_w = standing[interval].power_w if interval in standing else 0.0
        past = max(0.0, (now - interval.start).total_seconds()) / interval.duration_s
        mean_w = before_w * past + power_w * (1.0 - past)
        if interval not in standing or mean_w != before_w:
            changes[interval] = mean_w
    return changes


def event_price(product: Product) -> Price:
    """What a MWh delivered above the baseline is paid; zero where the catalogue names no price."""
    return Price.from_decimal(product.event_price_per_mwh or 0)
