"""What this market trades, in its own words: MWh and USD, decimals throughout.

It shares no code with the traders; both sides read the same rules and must agree on the results.
"""

from datetime import UTC, date, datetime, time, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from typing import NamedTuple
from zoneinfo import ZoneInfo

ZONE = ZoneInfo("America/Chicago")
GATE_CLOSURE = time(10, 0)
PUBLICATION = time(13, 30)
QUANTITY_STEP = Decimal("0.0001")
LIMIT_MIN, LIMIT_MAX = Decimal(-250), Decimal(9000)
DEVIATION_PENALTY = Decimal("0.25")
RESERVE_SHARE = Decimal("0.30")
RESERVE_MIN, RESERVE_MAX = Decimal(4), Decimal(60)
CENT = Decimal("0.01")

ENERGY = "ercot-dam-energy"
RESERVE = "frequency-reserve-up"


class TradedProduct(NamedTuple):
    """One product; ``synthetic`` says what about it is made up."""

    id: str
    source: str
    synthetic: str
    sides: tuple[str, ...]


PRODUCTS = {
    ENERGY: TradedProduct(
        ENERGY,
        "ERCOT day-ahead settlement point prices 2021 (CC BY 4.0)",
        "Deviations settle at the day-ahead price +- 25 %: a synthetic rule, since no contiguous real-time "
        "series is redistributable.",
        ("sell", "buy"),
    ),
    RESERVE: TradedProduct(
        RESERVE,
        "30 % of the hour's day-ahead energy price, within 4 .. 60 USD/MW-h",
        "The contract price series is synthetic.",
        ("sell",),
    ),
}


def clearing_price(product: str, energy_price: Decimal) -> Decimal:
    """What the product clears at in an hour with this day-ahead energy price."""
    if product == ENERGY:
        return energy_price
    share = (energy_price * RESERVE_SHARE).quantize(CENT, rounding=ROUND_HALF_EVEN)
    return min(max(share, RESERVE_MIN), RESERVE_MAX)


def deviation_price(energy_price: Decimal, deviation_mwh: Decimal) -> Decimal:
    """Shortfall is bought above the day-ahead price, surplus sold below it, also when it is negative."""
    penalty = abs(energy_price) * DEVIATION_PENALTY
    return energy_price - penalty if deviation_mwh > 0 else energy_price + penalty


def delivery_date(hour: datetime) -> date:
    return hour.astimezone(ZONE).date()


def delivery_day(day: date) -> tuple[datetime, datetime]:
    """First and last instant of a local day in UTC; 23 or 25 hours when the clocks change."""
    return _at(day, time()), _at(day + timedelta(days=1), time())


def gate_closes_at(day: date) -> datetime:
    return _at(day - timedelta(days=1), GATE_CLOSURE)


def published_at(day: date) -> datetime:
    return _at(day - timedelta(days=1), PUBLICATION)


def _at(day: date, clock_time: time) -> datetime:
    return datetime.combine(day, clock_time, tzinfo=ZONE).astimezone(UTC)
