"""A price taker's offer is taken whole or not at all."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from simulators.market.clearing import StandingOffer, awarded_mwh, signed_mwh
from simulators.market.products import ENERGY, RESERVE, clearing_price, deviation_price

START = datetime(2021, 8, 12, 17, tzinfo=UTC)


def offer(side: str, limit: str) -> StandingOffer:
    return StandingOffer(
        "us", ENERGY, "r", START, START + timedelta(hours=1), side, Decimal("0.01"), Decimal(limit)
    )


@pytest.mark.parametrize(
    ("side", "limit", "price", "won"),
    [
        pytest.param("sell", "40", "40.01", True, id="a sale below the price wins"),
        pytest.param("sell", "40", "40", True, id="a sale at the price wins"),
        pytest.param("sell", "40", "39.99", False, id="a sale above the price loses"),
        pytest.param("buy", "40", "39.99", True, id="a purchase above the price wins"),
        pytest.param("buy", "40", "40", True, id="a purchase at the price wins"),
        pytest.param("buy", "40", "40.01", False, id="a purchase below the price loses"),
        pytest.param("sell", "-250", "-0.25", True, id="a must-run sale wins at a negative price"),
    ],
)
def test_clearing(side: str, limit: str, price: str, *, won: bool) -> None:
    quantity = Decimal("0.01") if won else Decimal(0)
    assert awarded_mwh(offer(side, limit), Decimal(price)) == quantity
    assert signed_mwh(offer(side, limit), Decimal(price)) == (quantity if side == "sell" else -quantity)


@pytest.mark.parametrize(
    ("energy", "reserve"),
    [
        pytest.param("100.00", "30.00", id="30 percent of the energy price"),
        pytest.param("10.00", "4", id="at least 4"),
        pytest.param("-5.00", "4", id="at least 4 at a negative price"),
        pytest.param("500.00", "60", id="at most 60"),
        pytest.param("33.35", "10.00", id="to the even cent"),
    ],
)
def test_the_synthetic_reserve_price_follows_energy_within_bounds(energy: str, reserve: str) -> None:
    assert clearing_price(RESERVE, Decimal(energy)) == Decimal(reserve)
    assert clearing_price(ENERGY, Decimal(energy)) == Decimal(energy)


@pytest.mark.parametrize(
    ("price", "deviation", "expected"),
    [
        pytest.param("40", "-1", "50", id="shortfall"),
        pytest.param("40", "1", "30", id="surplus"),
        pytest.param("-40", "-1", "-30", id="shortfall at a negative price"),
        pytest.param("-40", "1", "-50", id="surplus at a negative price"),
    ],
)
def test_a_deviation_settles_at_a_worse_price(price: str, deviation: str, expected: str) -> None:
    assert deviation_price(Decimal(price), Decimal(deviation)) == Decimal(expected)
