"""Money: whole micro-units of a currency, never a float.

A micro-unit is a millionth of the currency's unit (a ten-thousandth of a cent). Prices are micro-units
per MWh or per MW-h, quantities whole Wh or W-h, so that a product of the two is an exact fraction that
is rounded once, half to even.
"""

from collections.abc import Mapping
from decimal import ROUND_HALF_EVEN, Decimal
from fractions import Fraction
from typing import TypeVar

import msgspec

MICROS_PER_UNIT = 1_000_000
MICROS_PER_CENT = 10_000
WATTS_PER_MEGAWATT = 1_000_000

Key = TypeVar("Key", bound=str)


class Money(msgspec.Struct, frozen=True, order=True):
    """An amount in micro-units of one currency (ISO 4217 code)."""

    micros: int
    currency: str = "USD"

    @classmethod
    def from_decimal(cls, amount: Decimal | str | int, currency: str = "USD") -> "Money":
        """An exact amount of currency units.

        Raises:
            ValueError: finer than a micro-unit.
        """
        micros = Decimal(amount) * MICROS_PER_UNIT
        if micros != micros.to_integral_value():
            raise ValueError(f"{amount} {currency} is finer than a micro-unit")
        return cls(int(micros), currency)

    @classmethod
    def from_cents(cls, cents: int, currency: str = "USD") -> "Money":
        return cls(cents * MICROS_PER_CENT, currency)

    @property
    def cents(self) -> int:
        """Whole cents, rounded half to even."""
        return _round_half_even(Fraction(self.micros, MICROS_PER_CENT))

    def to_decimal(self) -> Decimal:
        return Decimal(self.micros) / MICROS_PER_UNIT

    def __add__(self, other: "Money") -> "Money":
        return Money(self.micros + self._same(other), self.currency)

    def __sub__(self, other: "Money") -> "Money":
        return Money(self.micros - self._same(other), self.currency)

    def __neg__(self) -> "Money":
        return Money(-self.micros, self.currency)

    def share(self, part: Fraction) -> "Money":
        """A fraction of the amount, rounded half to even to the micro-unit."""
        return Money(_round_half_even(self.micros * part), self.currency)

    def __str__(self) -> str:
        cents = self.to_decimal().quantize(Decimal("0.01"), rounding=ROUND_HALF_EVEN)
        return f"{cents:,} {self.currency}"

    def _same(self, other: "Money") -> int:
        if other.currency != self.currency:
            raise ValueError(f"{self.currency} and {other.currency} are not added")
        return other.micros


class Price(msgspec.Struct, frozen=True, order=True):
    """Micro-units per MWh of energy, or per MW held for one hour."""

    micros_per_mwh: int
    currency: str = "USD"

    @classmethod
    def from_decimal(cls, per_mwh: Decimal | str | int, currency: str = "USD") -> "Price":
        """A price of currency units per MWh.

        Raises:
            ValueError: finer than a micro-unit per MWh.
        """
        return cls(Money.from_decimal(per_mwh, currency).micros, currency)

    def to_decimal(self) -> Decimal:
        return Decimal(self.micros_per_mwh) / MICROS_PER_UNIT

    def of(self, quantity_wh: int) -> Money:
        """What ``quantity_wh`` whole Wh (or W held for an hour) are worth; the sign is the quantity's."""
        micros = _round_half_even(Fraction(self.micros_per_mwh * quantity_wh, WATTS_PER_MEGAWATT))
        return Money(micros, self.currency)


def zero(currency: str = "USD") -> Money:
    return Money(0, currency)


def allocate_cents(total_cents: int, weights: Mapping[Key, int | Fraction]) -> dict[Key, int]:
    """Split cents in proportion to weights by largest remainder; ties go to the smaller key.

    The parts always sum to the total; a negative total is split like its magnitude.

    Raises:
        ValueError: no weights, a negative weight, or all weights zero while there is money to split.
    """
    if total_cents < 0:
        return {key: -part for key, part in allocate_cents(-total_cents, weights).items()}
    if any(weight < 0 for weight in weights.values()):
        raise ValueError("an allocation weight is negative")
    whole = sum((Fraction(weight) for weight in weights.values()), Fraction(0))
    if whole == 0:
        if total_cents:
            raise ValueError("nobody has a weight, but there are cents to allocate")
        return dict.fromkeys(weights, 0)
    exact = {key: total_cents * Fraction(weight) / whole for key, weight in weights.items()}
    parts = {key: int(share) for key, share in exact.items()}
    missing = total_cents - sum(parts.values())
    by_remainder = sorted(exact, key=lambda key: (parts[key] - exact[key], key))
    for key in by_remainder[:missing]:
        parts[key] += 1
    return parts


def _round_half_even(value: Fraction) -> int:
    return round(value)
