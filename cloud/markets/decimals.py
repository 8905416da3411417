"""Counterparties write MWh, kWh and money as decimal strings; we count whole Wh and micro-units.

The one place where the two meet: exact both ways, and a value that does not fit is refused, not rounded.
"""

from decimal import Decimal

from vpp_core.money import Money, Price

WH_PER_KWH = 1_000
WH_PER_MWH = 1_000_000
_DIGITS_MAX = 15


class InexactValue(ValueError):
    """A decimal that is no finite number, or finer than the unit it has to become."""


def wh_from_mwh(energy_mwh: Decimal) -> int:
    """Whole Wh (or W held for an hour, from MW)."""
    return _whole(energy_mwh, WH_PER_MWH, "MWh", "a Wh")


def mwh_from_wh(energy_wh: int) -> str:
    return _text(Decimal(energy_wh) / WH_PER_MWH)


def wh_from_kwh(energy_kwh: Decimal) -> int:
    return _whole(energy_kwh, WH_PER_KWH, "kWh", "a Wh")


def kwh_from_wh(energy_wh: int) -> str:
    return _text(Decimal(energy_wh) / WH_PER_KWH)


def price_from_per_mwh(price_per_mwh: Decimal, currency: str) -> Price:
    return Price(_whole(price_per_mwh, 1_000_000, f"{currency}/MWh", "a micro-unit"), currency)


def per_mwh_from_price(price: Price) -> str:
    return _text(price.to_decimal())


def price_from_per_kwh(price_per_kwh: Decimal, currency: str) -> Price:
    return price_from_per_mwh(price_per_kwh * 1_000, currency)


def money_from_amount(amount: Decimal, currency: str) -> Money:
    return Money(_whole(amount, 1_000_000, currency, "a micro-unit"), currency)


def cents_from_total(total: Decimal, currency: str) -> int:
    return _whole(money_from_amount(total, currency).to_decimal(), 100, currency, "a cent")


def _whole(value: Decimal, per_unit: int, unit: str, finest: str) -> int:
    if not value.is_finite() or value.adjusted() > _DIGITS_MAX:
        raise InexactValue(f"{value} {unit} is no usable number")
    scaled = value * per_unit
    if scaled != scaled.to_integral_value():
        raise InexactValue(f"{value} {unit} is finer than {finest}")
    return int(scaled)


def _text(value: Decimal) -> str:
    """Plain digits without an exponent or trailing zeros."""
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
