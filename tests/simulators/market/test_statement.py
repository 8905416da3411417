"""The market's own settlement, worked by hand."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulators.market.products import ENERGY, RESERVE
from simulators.market.statement import Held, HourAccount, Line, lines, total

START = datetime(2021, 8, 12, 17, tzinfo=UTC)
D = Decimal


def hour(
    energy_mwh: str = "0", reserve_mw: str = "0", price: str = "40", reserve_price: str = "12"
) -> HourAccount:
    return HourAccount(
        START, START + timedelta(hours=1), D(price), D(reserve_price), D(energy_mwh), D(reserve_mw)
    )


def amounts(statement: list[Line]) -> list[tuple[str, Decimal, Decimal]]:
    return [(line.what, line.quantity_mwh, line.amount) for line in statement]


@pytest.mark.parametrize(
    ("awarded", "metered", "expected"),
    [
        pytest.param("0.02", "0.02", [("award", D("0.02"), D("0.8"))], id="as awarded"),
        pytest.param(
            "0.02",
            "0.015",
            [("award", D("0.02"), D("0.8")), ("shortfall", D("-0.005"), D("-0.25"))],
            id="less than awarded is bought at 50",
        ),
        pytest.param(
            "0.02",
            "0.03",
            [("award", D("0.02"), D("0.8")), ("surplus", D("0.01"), D("0.3"))],
            id="more than awarded is sold at 30",
        ),
        pytest.param("-0.02", "-0.02", [("award", D("-0.02"), D("-0.8"))], id="a purchase is paid"),
        pytest.param(
            "-0.02",
            "0",
            [("award", D("-0.02"), D("-0.8")), ("surplus", D("0.02"), D("0.6"))],
            id="a purchase that is not consumed is sold back cheaper",
        ),
        pytest.param("0", "0.01", [("surplus", D("0.01"), D("0.3"))], id="without an award all is surplus"),
        pytest.param("0", "0", [], id="nothing has no line"),
    ],
)
def test_energy(awarded: str, metered: str, expected: list[tuple[str, Decimal, Decimal]]) -> None:
    assert amounts(lines([hour(awarded)], {START: D(metered)}, {})) == expected


def test_without_meter_data_nothing_was_delivered() -> None:
    assert amounts(lines([hour("0.02")], {}, {})) == [
        ("award", D("0.02"), D("0.8")),
        ("shortfall", D("-0.02"), D("-1")),
    ]


@pytest.mark.parametrize(
    ("held", "amount"),
    [
        pytest.param(Held(D("0.03"), D(1)), "0.36", id="all held"),
        pytest.param(Held(D("0.05"), D(1)), "0.36", id="more than sold is not paid"),
        pytest.param(Held(D("0.01"), D(1)), "0.12", id="less held"),
        pytest.param(Held(D("0.03"), D("0.5")), "0.18", id="half the performance"),
        pytest.param(Held(D("0.03"), D("0.12346")), "0.044460", id="a score counts to four decimals"),
        pytest.param(None, "0", id="no report"),
    ],
)
def test_reserve_is_paid_by_what_stood_and_how_it_answered(held: Held | None, amount: str) -> None:
    statement = lines([hour(reserve_mw="0.03")], {}, {} if held is None else {START: held})
    assert [(line.product, line.amount) for line in statement] == [(RESERVE, D(amount))]


@pytest.mark.parametrize(
    ("parts", "cents"),
    [
        pytest.param(["0.004", "0.004"], "0.01", id="rounded once, not line by line"),
        pytest.param(["0.005"], "0.00", id="half to even, down"),
        pytest.param(["0.015"], "0.02", id="half to even, up"),
        pytest.param([], "0.00", id="nothing"),
    ],
)
def test_the_total_is_in_whole_cents(parts: list[str], cents: str) -> None:
    statement = [Line(ENERGY, START, START, "x", D(0), D(0), D(part)) for part in parts]
    assert str(total(statement)) == cents


@given(
    st.integers(-500, 500),
    st.integers(-500, 500),
    st.integers(-25_000, 900_000).map(lambda cents: D(cents) / 100),
)
def test_no_deviation_earns_more_than_the_clearing_price(awarded: int, metered: int, price: Decimal) -> None:
    account = hour(str(D(awarded) / 10_000), price=str(price))
    statement = lines([account], {START: D(metered) / 10_000}, {})
    assert sum((line.amount for line in statement), D(0)) <= price * D(metered) / 10_000 + D("0.000001")
