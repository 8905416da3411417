"""What every market looks like from inside: SI quantities, whole micro-units, injection positive."""

from collections.abc import Sequence
from datetime import date
from typing import Protocol

import msgspec

from cloud.chain.records import Offer, Side
from vpp_core.ids import ProductId
from vpp_core.interval import Interval
from vpp_core.money import Money, Price


class PublishedPrice(msgspec.Struct, frozen=True, kw_only=True):
    """A clearing price that the market has made known."""

    interval: Interval
    price: Price


class MarketAward(msgspec.Struct, frozen=True, kw_only=True):
    """What the market took of one of our offers; zero when it lost."""

    reference: str
    product_id: ProductId
    interval: Interval
    side: Side
    quantity_wh: int
    clearing_price: Price


class MeteredEnergy(msgspec.Struct, frozen=True, kw_only=True):
    """Metered net injection of the portfolio's devices (Wh)."""

    interval: Interval
    energy_wh: int


class HeldReserve(msgspec.Struct, frozen=True, kw_only=True):
    """Reserve that stood ready for an hour (W) and how well it answered, 0 to 1."""

    interval: Interval
    held_w: int
    performance: float


class StatementLine(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a counterparty's statement; a positive amount is income for us."""

    product_id: ProductId
    interval: Interval
    what: str
    quantity_wh: int
    price: Price
    amount: Money


class MarketStatement(msgspec.Struct, frozen=True, kw_only=True):
    """The market's own account of our day."""

    day: date
    lines: tuple[StatementLine, ...]
    total_cents: int
    currency: str


class MarketAdapter(Protocol):
    """One market. Every method raises CounterpartyFault when it does not answer as agreed."""

    @property
    def name(self) -> str:
        """What the counterparty is called on invoices."""
        ...

    async def prices(self, product_id: ProductId, interval: Interval) -> list[PublishedPrice]:
        """Clearing prices published so far, in order of time."""
        ...

    async def submit(self, offers: Sequence[Offer]) -> None:
        """Hand offers in, each under its ``market_reference``; a repetition changes nothing."""
        ...

    async def awards(self, day: date) -> list[MarketAward] | None:
        """The awards of a local delivery day, or nothing while they are not published."""
        ...

    async def submit_energy(self, product_id: ProductId, metered: Sequence[MeteredEnergy]) -> None: ...

    async def submit_reserve(self, product_id: ProductId, held: Sequence[HeldReserve]) -> None: ...

    async def statement(self, day: date) -> MarketStatement: ...
