"""Settlement of the three products, line by line, negative prices included."""

from datetime import date
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud.chain.records import SettlementLine
from cloud.markets.catalogue import ENERGY, load_catalogue
from cloud.settlement.settle import (
    add_up,
    attribute,
    carried_by,
    missing_by,
    settle_energy,
    settle_event,
    settle_reserve,
    total,
    whole_wh,
)
from vpp_core.ids import SiteId
from vpp_core.money import Money, Price

DAY = date(2021, 8, 12)
PRODUCT = load_catalogue().at(ENERGY, DAY)
A, B, C = SiteId("a"), SiteId("b"), SiteId("c")
PAY, PENALTY = Price.from_decimal(1_000), Price.from_decimal(500)


def usd(lines: tuple[SettlementLine, ...]) -> list[str]:
    return [str(line.amount.to_decimal()) for line in lines]


@pytest.mark.parametrize(
    ("awarded_wh", "metered_wh", "price", "amounts"),
    [
        pytest.param(10_000, 10_000, 40, ["0.4"], id="as awarded: the award only"),
        pytest.param(10_000, 8_000, 40, ["0.4", "-0.1"], id="a shortfall is bought at 125 %"),
        pytest.param(10_000, 12_000, 40, ["0.4", "0.06"], id="a surplus is sold at 75 %"),
        pytest.param(
            10_000, 8_000, -40, ["-0.4", "0.06"], id="at a negative price a shortfall saves only 75 %"
        ),
        pytest.param(10_000, 12_000, -40, ["-0.4", "-0.1"], id="at a negative price a surplus costs 125 %"),
        pytest.param(-10_000, -12_000, 40, ["-0.4", "-0.1"], id="charging more than bought costs 125 %"),
        pytest.param(-10_000, -8_000, 40, ["-0.4", "0.06"], id="charging less than bought returns 75 %"),
        pytest.param(0, 1_000, 0, ["0", "0"], id="at a price of zero nothing is worth anything"),
    ],
)
def test_energy(awarded_wh: int, metered_wh: int, price: int, amounts: list[str]) -> None:
    lines = settle_energy(
        PRODUCT, awarded_wh=awarded_wh, metered_wh=metered_wh, clearing=Price.from_decimal(price)
    )
    assert usd(lines) == amounts


@given(
    st.integers(-100_000, 100_000), st.integers(-100_000, 100_000), st.integers(-250_000_000, 9_000_000_000)
)
def test_a_deviation_never_pays_better_than_the_award(awarded_wh: int, metered_wh: int, micros: int) -> None:
    price = Price(micros)
    lines = settle_energy(PRODUCT, awarded_wh=awarded_wh, metered_wh=metered_wh, clearing=price)
    if_awarded = Fraction(price.micros_per_mwh * metered_wh, 1_000_000)
    assert total(lines, "USD").micros <= if_awarded + 2  # a price and two lines are rounded to the micro-unit


@pytest.mark.parametrize(
    ("performance", "amount"),
    [
        pytest.param(1.0, "0.24", id="full performance is full pay"),
        pytest.param(0.5, "0.12", id="half the performance is half the pay"),
        pytest.param(0.0, "0", id="no performance is no pay"),
        pytest.param(0.33335, "0.080016", id="four decimals of the score count, half to even"),
    ],
)
def test_reserve(performance: float, amount: str) -> None:
    lines = settle_reserve(held_wh=20_000, performance=performance, price=Price.from_decimal(12))
    assert usd(lines) == [amount]


@pytest.mark.parametrize(
    ("delivered_wh", "amounts"),
    [
        pytest.param(5_000, ["5"], id="the commitment is paid"),
        pytest.param(5_300, ["5.3"], id="a little more is paid too"),
        pytest.param(9_000, ["5.5"], id="beyond 110 % nothing more is paid"),
        pytest.param(3_000, ["3", "-1"], id="what is missing costs half"),
        pytest.param(0, ["0", "-2.5"], id="nothing delivered"),
        pytest.param(-400, ["0", "-2.5"], id="less than the baseline is nothing, not less"),
    ],
)
def test_event(delivered_wh: int, amounts: list[str]) -> None:
    lines = settle_event(
        committed_wh=5_000,
        delivered_wh=delivered_wh,
        pay=PAY,
        penalty=PENALTY,
        paid_share_max=Fraction(11, 10),
    )
    assert usd(lines) == amounts


def test_a_statement_is_rounded_once() -> None:
    line = settle_energy(PRODUCT, awarded_wh=3_333, metered_wh=3_333, clearing=Price.from_decimal(1))[0]
    assert line.amount == Money(3_333)
    assert total([line] * 3, "USD").cents == 1
    assert total([line], "USD").cents == 0
    assert total([], "USD").cents == 0


@pytest.mark.parametrize(("power_w", "energy_wh"), [(10_000.0, 2_500), (-2.0, 0), (6.0, 2), (4_001.0, 1_000)])
def test_committed_energy_is_whole_wh_half_to_even(power_w: float, energy_wh: int) -> None:
    assert whole_wh(power_w, 900.0) == energy_wh


def test_income_follows_what_each_site_carried() -> None:
    assert attribute(Money(100), {A: 3, B: 1}) == {A: Money(75), B: Money(25)}


def test_where_nobody_carried_anything_the_plan_decides_and_then_all_alike() -> None:
    assert attribute(Money(-90), {A: 0, B: 0}, {A: 2, B: 1}) == {A: Money(-60), B: Money(-30)}
    assert attribute(Money(90), {A: 0}, {B: 0, C: 0}) == {A: Money(30), B: Money(30), C: Money(30)}


def test_money_without_any_site_is_refused() -> None:
    assert attribute(Money(0), {}, {}) == {}
    with pytest.raises(ValueError, match="nobody"):
        attribute(Money(1), {}, {})


@given(st.integers(-(10**12), 10**12), st.dictionaries(st.text("abcdef", min_size=1), st.integers(0, 10**7)))
def test_an_attribution_adds_up_to_the_micro_unit(micros: int, weights: dict[str, int]) -> None:
    sites = {SiteId(site): weight for site, weight in weights.items()}
    if not sites:
        return
    assert sum(part.micros for part in attribute(Money(micros), sites).values()) == micros


def test_a_site_that_went_the_other_way_carried_nothing() -> None:
    assert carried_by({A: 500, B: -200}) == {A: 500, B: 0}
    assert carried_by({A: -500, B: 200}) == {A: 500, B: 0}
    assert carried_by({}) == {}


def test_a_shortfall_belongs_to_those_who_fell_short_of_their_plan() -> None:
    assert missing_by({A: 100, B: 100, C: 100}, {A: 120, B: 40}) == {A: 0, B: 60, C: 100}
    assert missing_by({A: 100}, {A: -30}) == {A: 100}


def test_attributions_add_up_by_site() -> None:
    assert add_up([{B: Money(1)}, {A: Money(2), B: Money(-3)}]) == {A: Money(2), B: Money(-2)}
