"""The market's own settlement of one participant's day, from awards and meter data. Pure, in decimals.

Energy: the award at the clearing price, plus the deviation of the meter from it at the deviation price.
Reserve: what was held, at most what was awarded, at the clearing price and by performance. Where no
meter data came, nothing was delivered. A performance score counts to four decimals.
"""

from collections.abc import Mapping
from datetime import datetime
from decimal import ROUND_HALF_EVEN, Decimal
from typing import NamedTuple

from simulators.market.products import CENT, ENERGY, RESERVE, deviation_price

MICRO = Decimal("0.000001")
PERFORMANCE_STEP = Decimal("0.0001")
NOTHING = Decimal(0)


class Held(NamedTuple):
    """Reserve that stood ready in an hour and how well it answered."""

    held_mw: Decimal
    performance: Decimal


class HourAccount(NamedTuple):
    """What counts for one hour; positions are net sales."""

    start: datetime
    end: datetime
    energy_price: Decimal
    reserve_price: Decimal
    energy_position_mwh: Decimal
    reserve_position_mw: Decimal


class Line(NamedTuple):
    """One amount, to the millionth; positive is income of the participant."""

    product: str
    start: datetime
    end: datetime
    what: str
    quantity_mwh: Decimal
    price: Decimal
    amount: Decimal


def lines(
    hours: list[HourAccount], energy_mwh: Mapping[datetime, Decimal], held: Mapping[datetime, Held]
) -> list[Line]:
    """The statement of some hours; hours without a position or a meter reading have no line."""
    return [line for hour in hours for line in (*_energy(hour, energy_mwh), *_reserve(hour, held))]


def total(statement: list[Line]) -> Decimal:
    """Whole cents, rounded once."""
    return sum((line.amount for line in statement), NOTHING).quantize(CENT, rounding=ROUND_HALF_EVEN)


def _energy(hour: HourAccount, energy_mwh: Mapping[datetime, Decimal]) -> list[Line]:
    awarded = hour.energy_position_mwh
    deviation = energy_mwh.get(hour.start, NOTHING) - awarded
    found = []
    if awarded:
        found.append(_line(hour, ENERGY, "award", awarded, hour.energy_price))
    if deviation:
        price = deviation_price(hour.energy_price, deviation)
        found.append(_line(hour, ENERGY, "surplus" if deviation > 0 else "shortfall", deviation, price))
    return found


def _reserve(hour: HourAccount, held: Mapping[datetime, Held]) -> list[Line]:
    if not hour.reserve_position_mw:
        return []
    stood = held.get(hour.start, Held(NOTHING, NOTHING))
    paid_mw = min(stood.held_mw, hour.reserve_position_mw)
    performance = stood.performance.quantize(PERFORMANCE_STEP, rounding=ROUND_HALF_EVEN)
    what = f"reserve held, performance {performance}"
    return [_line(hour, RESERVE, what, paid_mw, hour.reserve_price, performance)]


def _line(
    hour: HourAccount,
    product: str,
    what: str,
    quantity_mwh: Decimal,
    price: Decimal,
    performance: Decimal = Decimal(1),
) -> Line:
    amount = (quantity_mwh * price * performance).quantize(MICRO, rounding=ROUND_HALF_EVEN)
    return Line(product, hour.start, hour.end, what, quantity_mwh, price, amount)
