"""The peak program's tariff and the utility's own settlement of an event. Pure, in decimals.

It shares no code with the aggregator; both read the same tariff and must agree to the cent.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import ROUND_HALF_EVEN, Decimal
from typing import NamedTuple

from simulators.utility.events import OPT_IN, PeakEvent
from vpp_core.interval import Interval

STEP_S = 900
DELIVERED_USD_PER_KWH = Decimal("1.00")
SHORTFALL_USD_PER_KWH = Decimal("0.50")
PAID_SHARE_MAX = Decimal("1.10")
"""Delivery is paid up to this multiple of the commitment."""
CURRENCY = "USD"
SYNTHETIC = "The tariff is synthetic: an example, not a real utility's."

WATT_HOUR = Decimal("0.001")
MICRO = Decimal("0.000001")
CENT = Decimal("0.01")
NOTHING = Decimal(0)
SECONDS_PER_HOUR = 3_600


class SiteRow(NamedTuple):
    """One site in one interval, as its aggregator reports it; consumption positive."""

    site_id: str
    start: datetime
    metered_kwh: Decimal | None
    """Nothing where there is no good data: nothing was delivered then."""
    baseline_kwh: Decimal


class Line(NamedTuple):
    """One amount, to the millionth; positive is the aggregator's income. The quantity is to a Wh."""

    interval: Interval
    what: str
    quantity_kwh: Decimal
    price_usd_per_kwh: Decimal
    amount: Decimal


def committed_kwh(event: PeakEvent) -> dict[Interval, Decimal]:
    """What was owed in each quarter-hour: of every answer from its arrival until the next one."""
    owed: dict[Interval, Decimal] = {}
    for position, answer in enumerate(event.answers):
        call = event.calls[answer.modification]
        until = event.answers[position + 1].answered_at if position + 1 < len(event.answers) else None
        for interval in call.interval.split(STEP_S):
            owed.setdefault(interval, NOTHING)
            if answer.opt == OPT_IN and not call.cancelled:
                held_s = _overlap_s(interval, answer.answered_at, until)
                owed[interval] += call.target_kw * held_s / SECONDS_PER_HOUR
    return {
        interval: owed[interval].quantize(WATT_HOUR, rounding=ROUND_HALF_EVEN) for interval in sorted(owed)
    }


def delivered_kwh(rows: Iterable[SiteRow]) -> dict[datetime, Decimal]:
    """Baseline less meter, summed over the sites with good data; at least zero in each interval."""
    sums: dict[datetime, Decimal] = {}
    for row in rows:
        saved = NOTHING if row.metered_kwh is None else row.baseline_kwh - row.metered_kwh
        sums[row.start] = sums.get(row.start, NOTHING) + saved
    return {start: max(energy, NOTHING) for start, energy in sums.items()}


def statement(owed: Mapping[Interval, Decimal], delivered: Mapping[datetime, Decimal]) -> list[Line]:
    """What the utility pays and charges, interval by interval; an interval owed nothing has no line."""
    lines: list[Line] = []
    for interval, committed in sorted(owed.items()):
        if committed == NOTHING:
            continue
        useful = delivered.get(interval.start, NOTHING)
        paid = min(useful, committed * PAID_SHARE_MAX)
        lines.append(_line(interval, "delivered above the baseline", paid, DELIVERED_USD_PER_KWH))
        if useful < committed:
            missing = useful - committed
            lines.append(_line(interval, "penalty for the shortfall", missing, SHORTFALL_USD_PER_KWH))
    return lines


def total(lines: Iterable[Line]) -> Decimal:
    """Whole cents, rounded once."""
    return sum((line.amount for line in lines), NOTHING).quantize(CENT, rounding=ROUND_HALF_EVEN)


def _line(interval: Interval, what: str, energy_kwh: Decimal, price_usd_per_kwh: Decimal) -> Line:
    shown = energy_kwh.quantize(WATT_HOUR, rounding=ROUND_HALF_EVEN)
    amount = (energy_kwh * price_usd_per_kwh).quantize(MICRO, rounding=ROUND_HALF_EVEN)
    return Line(interval, what, shown, price_usd_per_kwh, amount)


def _overlap_s(interval: Interval, since: datetime, until: datetime | None) -> Decimal:
    start = max(interval.start, since)
    end = interval.end if until is None else min(interval.end, until)
    return Decimal(str(max(0.0, (end - start).total_seconds())))
