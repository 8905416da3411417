"""Money is whole micro-units; every split and product is conserved or rounded once."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vpp_core.money import Money, Price, allocate_cents, zero

WEIGHTS = st.dictionaries(st.text("abcdef", min_size=1), st.integers(0, 10**9), min_size=1)


def test_a_megawatt_hour_at_its_price_is_the_price() -> None:
    assert Price.from_decimal("34.50").of(1_000_000) == Money.from_decimal("34.50")


def test_a_watt_hour_is_rounded_half_to_even_once() -> None:
    assert Price(500_000).of(1) == Money(0)
    assert Price(1_500_000).of(1) == Money(2)


def test_a_negative_quantity_costs() -> None:
    assert Price.from_decimal(20).of(-500_000) == Money.from_decimal(-10)


def test_finer_than_a_micro_unit_is_refused() -> None:
    with pytest.raises(ValueError, match="finer"):
        Money.from_decimal("0.0000001")


def test_two_currencies_are_not_added() -> None:
    with pytest.raises(ValueError, match="not added"):
        Money(1, "USD") + Money(1, "EUR")


def test_an_amount_reads_like_money() -> None:
    assert str(Money.from_decimal("1234.565")) == "1,234.56 USD"
    assert Money.from_cents(1250).to_decimal() == Decimal("12.5")
    assert Money.from_cents(1250).cents == 1250


def test_sums_and_negations_cancel() -> None:
    amount = Money.from_decimal("7.25")
    assert amount - amount == zero()
    assert amount + -amount == zero()
    assert amount.share(Fraction(1, 3)) == Money(2_416_667)


def test_a_price_keeps_its_decimals() -> None:
    assert Price.from_decimal("8995.123456").to_decimal() == Decimal("8995.123456")


@given(st.integers(-(10**12), 10**12), WEIGHTS)
def test_parts_of_an_allocation_sum_to_the_total(total: int, weights: dict[str, int]) -> None:
    if not any(weights.values()):
        weights["a"] = 1
    parts = allocate_cents(total, weights)
    assert sum(parts.values()) == total
    whole = sum(weights.values())
    for key, part in parts.items():
        assert abs(part - Fraction(total * weights[key], whole)) < 1


def test_thirds_of_a_hundred_dollars_give_the_odd_cent_to_the_first() -> None:
    assert allocate_cents(10_000, {"c": 1, "a": 1, "b": 1}) == {"a": 3334, "b": 3333, "c": 3333}


def test_nobody_to_pay_is_an_error_only_when_there_is_money() -> None:
    assert allocate_cents(0, {"a": 0}) == {"a": 0}
    with pytest.raises(ValueError, match="nobody"):
        allocate_cents(1, {"a": 0})
    with pytest.raises(ValueError, match="negative"):
        allocate_cents(1, {"a": -1})
