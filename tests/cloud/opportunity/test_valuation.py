"""What may be earned, counted once, with a reason."""

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cloud.forecasting.fleet import StorageUnit
from cloud.markets.catalogue import EVENT, RESERVE, load_catalogue
from cloud.markets.costs import FleetCosts
from cloud.opportunity.valuation import Valuation, replacement_price, value_energy, value_event, value_reserve
from vpp_core.ids import DerId, SiteId
from vpp_core.interval import Interval
from vpp_core.money import Money, Price

START = datetime(2021, 8, 12, 5, tzinfo=UTC)
PRODUCTS = {product.id: product for product in load_catalogue()._products}
COSTS = FleetCosts(wear=Price.from_decimal(20), reserve_holding=Price.from_decimal(1))


def usd(*prices: float) -> list[Price]:
    return [Price.from_decimal(str(price)) for price in prices]


def hours(count: int) -> list[Interval]:
    return list(Interval.of(START, 3_600.0 * count).split(3_600))


def unit(*, stored_wh: float = 5_000.0, efficiency: float = 1.0, charge_w: float = 5_000.0) -> StorageUnit:
    return StorageUnit(
        der_id=DerId("bat"),
        site_id=SiteId("site"),
        injection_w_max=5_000.0,
        absorption_w_max=charge_w,
        energy_wh_min=0.0,
        energy_wh_max=10_000.0,
        energy_start_wh=stored_wh,
        charge_efficiency=efficiency,
        discharge_efficiency=efficiency,
    )


def energy(prices: list[Price], pv_w: list[float], units: list[StorageUnit]) -> list[Valuation]:
    return value_energy(hours(len(prices)), prices, pv_w, units, COSTS)


def test_storage_is_counted_in_the_dearest_hours_until_one_cycle_is_used_up() -> None:
    valued = energy(usd(10, 10, 90, 80, 70), [0.0] * 5, [unit()])
    assert [row.offerable_w for row in valued] == [0.0, 0.0, 5_000.0, 5_000.0, 0.0]
    assert [row.worthwhile for row in valued] == [False, False, True, True, False]
    assert valued[2].expected_value == Money.from_decimal("0.30")  # 5 kWh x (90 - 10 - 20)
    assert valued[4].reason == "no PV, and storage earns more in dearer hours"


def test_a_price_below_replacement_is_not_worthwhile_and_says_so() -> None:
    valued = energy(usd(30, 30, 45), [0.0] * 3, [unit()])
    assert not any(row.worthwhile for row in valued)
    assert valued[2].reason == (
        "no PV, and 45.00 USD/MWh does not cover the 50.00 USD/MWh that replacing the energy costs"
    )


def test_sunshine_is_worth_its_price() -> None:
    valued = energy(usd(30, -5), [4_000.0, 4_000.0], [])
    assert [row.worthwhile for row in valued] == [True, False]
    assert valued[0].expected_value == Money.from_decimal("0.12")
    assert valued[0].reason.startswith("PV only")


@pytest.mark.parametrize(
    ("fleet", "expected"),
    [
        pytest.param([unit()], "30", id="two cheap hours of 10, and wear of 20"),
        pytest.param(
            [unit(efficiency=0.5)], "100", id="four hours of mean 20, divided by a quarter, and wear"
        ),
        pytest.param([], "20", id="without storage only wear"),
        pytest.param([unit(charge_w=0.0)], "20", id="storage that cannot charge"),
    ],
)
def test_replacement_costs_the_cheapest_hours_with_losses_and_wear(
    fleet: list[StorageUnit], expected: str
) -> None:
    assert replacement_price(usd(30, 10, 90, 10, 30), fleet, COSTS) == Price.from_decimal(expected)


def test_reserve_is_what_the_energy_offer_leaves() -> None:
    first, second = hours(2)
    valued = value_reserve(
        PRODUCTS[RESERVE],
        list(zip([first, second], usd(10, 10), strict=True)),
        {second: 4_000.0},
        [unit()],
        COSTS,
    )
    assert [row.offerable_w for row in valued] == [5_000.0, 1_000.0]
    assert valued[0].expected_value == Money.from_decimal("0.045")


@pytest.mark.parametrize(
    ("price", "stored_wh", "reason"),
    [
        pytest.param(10, 0.0, "no energy behind it", id="an empty battery"),
        pytest.param(1, 5_000.0, "does not cover the 1.00 USD/MWh that holding costs", id="a price at cost"),
    ],
)
def test_reserve_that_is_not_bid_says_why(price: float, stored_wh: float, reason: str) -> None:
    (row,) = value_reserve(
        PRODUCTS[RESERVE], [(hours(1)[0], usd(price)[0])], {}, [unit(stored_wh=stored_wh)], COSTS
    )
    assert not row.worthwhile
    assert reason in row.reason


def test_an_event_is_valued_but_never_bid() -> None:
    (row,) = value_event(PRODUCTS[EVENT], [Interval.of(START, 900)], [unit()], 6)
    assert row.offerable_w == pytest.approx(2_500.0)  # 5 kWh for two hours
    assert row.expected_value == Money.from_decimal("0.625")
    assert not row.worthwhile
    assert row.reason == "called by the utility, not bid: 6 sites stand by and are offered in no market"


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.integers(-50, 300), min_size=1, max_size=25),
    st.lists(st.floats(0.0, 10_000.0), max_size=3),
)
def test_no_capacity_is_counted_twice(prices: list[int], stored: list[float]) -> None:
    fleet = [unit(stored_wh=stored_wh, efficiency=0.9) for stored_wh in stored]
    sold = energy(usd(*prices), [0.0] * len(prices), fleet)
    held = value_reserve(
        PRODUCTS[RESERVE],
        list(zip(hours(len(prices)), usd(*prices), strict=True)),
        {row.interval: row.storage_w for row in sold},
        fleet,
        COSTS,
    )
    power_w = 5_000.0 * len(fleet)
    assert all(
        one.storage_w + other.storage_w <= power_w + 1e-6 for one, other in zip(sold, held, strict=True)
    )
    assert sum(row.storage_w for row in sold) <= 9_000.0 * len(fleet) + 1e-6
    assert all(row.expected_value.micros > 0 for row in (*sold, *held) if row.worthwhile)
