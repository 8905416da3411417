"""The border between decimal strings and whole units: exact both ways, or refused."""

from collections.abc import Callable
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud.markets import decimals
from vpp_core.money import Money, Price

WH = st.integers(-(10**12), 10**12)


@given(WH)
def test_energy_survives_the_round_trip_in_mwh(energy_wh: int) -> None:
    assert decimals.wh_from_mwh(Decimal(decimals.mwh_from_wh(energy_wh))) == energy_wh


@given(WH)
def test_energy_survives_the_round_trip_in_kwh(energy_wh: int) -> None:
    assert decimals.wh_from_kwh(Decimal(decimals.kwh_from_wh(energy_wh))) == energy_wh


@given(WH)
def test_a_price_survives_the_round_trip(micros: int) -> None:
    price = Price(micros)
    assert decimals.price_from_per_mwh(Decimal(decimals.per_mwh_from_price(price)), "USD") == price


@given(WH)
def test_cents_survive_the_round_trip(cents: int) -> None:
    assert decimals.cents_from_total(Decimal(cents) / 100, "USD") == cents


@pytest.mark.parametrize(
    ("energy_wh", "text"),
    [
        pytest.param(100, "0.0001", id="the market's step"),
        pytest.param(12_000_000, "12", id="no trailing zeros"),
        pytest.param(-1, "-0.000001", id="no exponent"),
        pytest.param(0, "0", id="zero"),
    ],
)
def test_energy_is_written_in_plain_digits(energy_wh: int, text: str) -> None:
    assert decimals.mwh_from_wh(energy_wh) == text


def test_a_price_by_the_kwh_is_a_thousand_times_that_by_the_mwh() -> None:
    assert decimals.price_from_per_kwh(Decimal("1.00"), "USD") == Price.from_decimal(1000)


def test_an_amount_is_exact() -> None:
    assert decimals.money_from_amount(Decimal("0.123456"), "USD") == Money(123_456)


@pytest.mark.parametrize(
    ("convert", "value"),
    [
        pytest.param(decimals.wh_from_mwh, "0.0000001", id="a tenth of a Wh"),
        pytest.param(decimals.wh_from_mwh, "NaN", id="no number"),
        pytest.param(decimals.wh_from_mwh, "Infinity", id="no end"),
        pytest.param(decimals.wh_from_kwh, "1e300", id="beyond all power plants"),
        pytest.param(lambda value: decimals.cents_from_total(value, "USD"), "0.001", id="a tenth of a cent"),
        pytest.param(lambda value: decimals.money_from_amount(value, "USD"), "1e-7", id="finer than money"),
    ],
)
def test_what_does_not_fit_is_refused_not_rounded(convert: Callable[[Decimal], object], value: str) -> None:
    with pytest.raises(decimals.InexactValue):
        convert(Decimal(value))
