"""Products are versioned data; the day that is delivered decides which version holds."""

from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from cloud.markets.catalogue import ENERGY, EVENT, RESERVE, ProductKind, load_catalogue
from vpp_core.faults import ConfigurationFault
from vpp_core.ids import ProductId
from vpp_core.money import Price

DAY = date(2021, 8, 12)

VERSIONED = """
[[product]]
id = "p"
version = {version}
program_id = "prog"
book = "market"
kind = "energy"
title = "t"
effective_from = {since}
{until}
zone = "America/Chicago"
interval_s = 3600
quantity_step_wh = 100
quantity_min_wh = 100
notice_s = 0
sustain_s = 3600
telemetry_s = 60
price_source = "none"
"""


def write(path: Path, *versions: tuple[int, str, str]) -> Path:
    file = path / "products.toml"
    file.write_text(
        "".join(
            VERSIONED.format(version=v, since=since, until=f"effective_until = {until}" if until else "")
            for v, since, until in versions
        )
    )
    return file


def test_the_shipped_catalogue_serves_energy_reserve_and_event() -> None:
    products = {product.id: product.kind for product in load_catalogue().on(DAY)}
    assert products == {
        ENERGY: ProductKind.ENERGY,
        RESERVE: ProductKind.RESERVE,
        EVENT: ProductKind.EVENT,
    }


def test_every_synthetic_price_is_called_synthetic() -> None:
    assert all("synthetic" in product.synthetic for product in load_catalogue().on(DAY))


def test_the_gate_closes_at_ten_and_results_come_at_half_past_one_the_day_before() -> None:
    energy = load_catalogue().at(ENERGY, DAY)
    assert energy.gate_closes_at(DAY) == datetime(2021, 8, 11, 15, 0, tzinfo=UTC)
    assert energy.published_at(DAY) == datetime(2021, 8, 11, 18, 30, tzinfo=UTC)


def test_an_event_is_not_bid_so_it_has_no_gate() -> None:
    event = load_catalogue().at(EVENT, DAY)
    assert event.gate_closes_at(DAY) is None
    assert event.published_at(DAY) is None


@pytest.mark.parametrize(
    ("day", "hours"),
    [
        pytest.param(date(2021, 3, 14), 23, id="the day that loses an hour has 23"),
        pytest.param(DAY, 24, id="a plain day has 24"),
        pytest.param(date(2021, 11, 7), 25, id="the day that gains an hour has 25"),
    ],
)
def test_a_delivery_day_is_a_local_day(day: date, hours: int) -> None:
    assert len(load_catalogue().at(ENERGY, day).intervals(day)) == hours


@pytest.mark.parametrize(
    ("clearing", "deviation_wh", "expected"),
    [
        pytest.param("40", -1, "50", id="a shortfall is bought a quarter dearer"),
        pytest.param("40", 1, "30", id="a surplus is sold a quarter cheaper"),
        pytest.param("-40", -1, "-30", id="at a negative price a shortfall earns less than it would"),
        pytest.param("-40", 1, "-50", id="at a negative price a surplus costs more"),
        pytest.param("0", 1, "0", id="at zero nothing is lost"),
    ],
)
def test_a_deviation_never_pays(clearing: str, deviation_wh: int, expected: str) -> None:
    energy = load_catalogue().at(ENERGY, DAY)
    price = energy.deviation_price(Price.from_decimal(clearing), deviation_wh)
    assert price == Price.from_decimal(expected)


def test_the_version_of_the_delivery_day_holds(tmp_path: Path) -> None:
    catalogue = load_catalogue(write(tmp_path, (1, "2021-01-01", "2021-08-12"), (2, "2021-08-12", "")))
    assert catalogue.at(ProductId("p"), date(2021, 8, 11)).version == 1
    assert catalogue.at(ProductId("p"), DAY).version == 2


@pytest.mark.parametrize(
    "versions",
    [
        pytest.param([(1, "2021-01-01", ""), (2, "2021-08-12", "")], id="an open version has a successor"),
        pytest.param([(1, "2021-01-01", "2021-09-01"), (2, "2021-08-12", "")], id="two versions overlap"),
        pytest.param([(1, "2021-01-01", "2021-02-01"), (1, "2021-02-01", "")], id="a number comes twice"),
    ],
)
def test_two_versions_for_one_day_are_refused(tmp_path: Path, versions: list[tuple[int, str, str]]) -> None:
    with pytest.raises(ConfigurationFault, match="overlap"):
        load_catalogue(write(tmp_path, *versions))


def test_a_day_without_a_version_is_a_fault() -> None:
    with pytest.raises(ConfigurationFault, match="No version of product"):
        load_catalogue().at(ENERGY, date(2020, 12, 31))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        pytest.param("[[product", "cannot be used", id="no TOML"),
        pytest.param(
            VERSIONED.format(version=1, since="2021-01-01", until="colour = 1"), "colour", id="an unknown key"
        ),
        pytest.param(
            VERSIONED.format(version='"x"', since="2021-01-01", until=""), "version", id="a wrong type"
        ),
    ],
)
def test_a_broken_catalogue_names_what_is_wrong(tmp_path: Path, text: str, reason: str) -> None:
    file = tmp_path / "products.toml"
    file.write_text(text)
    with pytest.raises(ConfigurationFault, match=reason):
        load_catalogue(file)


def test_a_missing_catalogue_is_a_fault(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationFault, match="cannot be used"):
        load_catalogue(tmp_path / "none.toml")
