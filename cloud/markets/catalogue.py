"""The product catalogue: rules of trade as versioned data with effective dates."""

import tomllib
from collections.abc import Iterable
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import StrEnum
from importlib.resources import files
from pathlib import Path

import msgspec

from cloud.chain.records import Book
from cloud.markets.local_day import at_local, local_day
from vpp_core.faults import ConfigurationFault
from vpp_core.ids import ProductId, ProgramId
from vpp_core.interval import Interval
from vpp_core.money import Price

ENERGY = ProductId("ercot-dam-energy")
RESERVE = ProductId("frequency-reserve-up")
EVENT = ProductId("utility-peak-event")


class ProductKind(StrEnum):
    ENERGY = "energy"
    """Energy by the interval, at a day-ahead price."""
    RESERVE = "reserve"
    """Power held ready, paid by the MW and hour."""
    EVENT = "event"
    """A change of injection against a baseline, when the counterparty calls."""


class Product(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One version of one product; quantities in Wh (or W held for an hour), prices in USD/MWh."""

    id: ProductId
    version: int
    program_id: ProgramId
    book: Book
    kind: ProductKind
    title: str
    effective_from: date
    """First local delivery day of this version."""
    effective_until: date | None = None
    """First local delivery day that it no longer covers; open if absent."""
    zone: str
    interval_s: int
    quantity_step_wh: int
    quantity_min_wh: int
    gate_closure: time | None = None
    """Local time of the day before delivery; absent where nothing is bid."""
    publication: time | None = None
    notice_s: int
    sustain_s: int
    """How long full delivery must last."""
    telemetry_s: int
    deviation_penalty: Decimal = Decimal(0)
    """Part of the price's magnitude that a deviation from the award costs, either way."""
    nominal_hz: float | None = None
    deadband_hz: float | None = None
    full_activation_hz: float | None = None
    window_from: time | None = None
    window_until: time | None = None
    event_price_per_mwh: Decimal | None = None
    shortfall_price_per_mwh: Decimal | None = None
    limit_price_min: Decimal = Decimal(0)
    limit_price_max: Decimal = Decimal(0)
    """What an offer's limit may be, where offers are made."""
    price_source: str
    synthetic: str = ""
    """What about this product is made up; empty when nothing is."""

    def covers(self, day: date) -> bool:
        return self.effective_from <= day and (self.effective_until is None or day < self.effective_until)

    def delivery_day(self, day: date) -> Interval:
        """The local delivery day in UTC."""
        return local_day(day, self.zone)

    def intervals(self, day: date) -> list[Interval]:
        """The delivery intervals of a local day: 23, 24 or 25 for an hourly product."""
        return list(self.delivery_day(day).split(self.interval_s))

    def gate_closes_at(self, day: date) -> datetime | None:
        return self._day_before(day, self.gate_closure)

    def published_at(self, day: date) -> datetime | None:
        return self._day_before(day, self.publication)

    def deviation_price(self, clearing: Price, deviation_wh: int) -> Price:
        """What a Wh more (positive) or less (negative) than awarded is settled at.

        Surplus is sold below the clearing price, shortfall bought above it, by the same part of its
        magnitude; so a deviation never pays, at negative prices neither.
        """
        penalty_micros = round(abs(clearing.micros_per_mwh) * self.deviation_penalty)
        if deviation_wh > 0:
            penalty_micros = -penalty_micros
        return Price(clearing.micros_per_mwh + penalty_micros, clearing.currency)

    def _day_before(self, day: date, clock_time: time | None) -> datetime | None:
        if clock_time is None:
            return None
        return at_local(day - timedelta(days=1), clock_time, self.zone)


class Catalogue:
    """All versions of all products.

    Raises:
        ConfigurationFault: two versions of a product cover the same day, or have the same number.
    """

    def __init__(self, products: Iterable[Product]) -> None:
        self._products = sorted(products, key=lambda product: (product.id, product.version))
        for earlier, later in zip(self._products, self._products[1:], strict=False):
            if earlier.id == later.id:
                _check_succession(earlier, later)

    def at(self, product_id: ProductId, day: date) -> Product:
        """The version in force on a local delivery day.

        Raises:
            ConfigurationFault: there is none.
        """
        for product in self._products:
            if product.id == product_id and product.covers(day):
                return product
        raise ConfigurationFault(
            f"No version of product '{product_id}' covers {day}; add one to cloud/markets/products.toml."
        )

    def on(self, day: date) -> list[Product]:
        """Every product in force on a local delivery day, by id."""
        return [product for product in self._products if product.covers(day)]


def load_catalogue(path: Path | None = None) -> Catalogue:
    """The catalogue that is shipped, or another file of the same form.

    Raises:
        ConfigurationFault: the file is missing, not TOML, or breaks a rule; the text names the key.
    """
    source = path or files("cloud.markets") / "products.toml"
    try:
        document = tomllib.loads(source.read_text(encoding="utf-8"))
        products = msgspec.convert(document.get("product", []), list[Product])
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise ConfigurationFault(f"The product catalogue {source} cannot be used: {error}.") from error
    return Catalogue(products)


def _check_succession(earlier: Product, later: Product) -> None:
    ended = earlier.effective_until
    if earlier.version == later.version or ended is None or ended > later.effective_from:
        raise ConfigurationFault(
            f"Versions {earlier.version} and {later.version} of product '{earlier.id}' overlap; "
            f"give version {earlier.version} an effective_until not after {later.effective_from}."
        )
