"""A day-ahead market over HTTP; the one place where its MWh and decimal strings become ours.

The wire: ``GET /prices?product=&start=&end=``, ``POST /offers``, ``GET /awards?participant=&day=`` (404 until
published), ``POST /meter-data``, ``GET /settlement-statement?participant=&day=`` (404 until there is one).
"""

from collections.abc import Callable, Sequence
from datetime import date, datetime
from decimal import Decimal
from itertools import groupby
from typing import Any, TypeVar

import httpx
import msgspec

from cloud.chain.records import Offer, Side
from cloud.markets import decimals
from cloud.markets.adapter import HeldReserve, MarketAward, MarketStatement, MeteredEnergy, PublishedPrice
from cloud.markets.adapter import StatementLine as Line
from cloud.markets.http import CounterpartyHttp
from vpp_core.faults import CounterpartyFault
from vpp_core.ids import ProductId
from vpp_core.interval import Interval
from vpp_core.units import mw_from_watts

Row = TypeVar("Row")
Core = TypeVar("Core")

PERFORMANCE_PLACES = 4
"""As many decimals of a performance score as the market counts."""


class WirePrice(msgspec.Struct, frozen=True):
    start: datetime
    end: datetime
    price: Decimal


class WirePrices(msgspec.Struct, frozen=True):
    currency: str
    prices: list[WirePrice]


class WireAward(msgspec.Struct, frozen=True):
    reference: str
    product: str
    start: datetime
    end: datetime
    side: Side
    quantity_mwh: Decimal
    clearing_price: Decimal


class WireAwards(msgspec.Struct, frozen=True):
    currency: str
    awards: list[WireAward]


class WireLine(msgspec.Struct, frozen=True):
    product: str
    start: datetime
    end: datetime
    what: str
    quantity_mwh: Decimal
    price: Decimal
    amount: Decimal


class WireStatement(msgspec.Struct, frozen=True):
    currency: str
    lines: list[WireLine]
    total: Decimal


class HttpDayAheadMarket:
    """A :class:`~cloud.markets.adapter.MarketAdapter` on a :class:`CounterpartyHttp` connection.

    Args:
        base_url: where the market listens.
        client: carries the requests; its owner closes it.
        token: bearer token that the market issued.
        participant: the account that we trade under.
        name: what the counterparty is called in faults and on invoices.
    """

    def __init__(
        self,
        base_url: str,
        client: httpx.AsyncClient,
        *,
        token: str,
        participant: str = "gridchorus",
        name: str = "day-ahead market",
    ) -> None:
        self._http = CounterpartyHttp(name, base_url, client, token=token)
        self._participant = participant

    @property
    def name(self) -> str:
        return self._http.name

    async def prices(self, product_id: ProductId, interval: Interval) -> list[PublishedPrice]:
        path = "/prices"
        params = {"product": product_id, "start": _stamp(interval.start), "end": _stamp(interval.end)}
        answer = await self._http.get(path, WirePrices, params)
        if answer is None:
            raise CounterpartyFault(f"The {self.name} knows no prices of the product '{product_id}'.")
        rows = self._all(path, answer.prices, lambda row: to_price(row, answer.currency))
        return sorted(rows, key=lambda row: row.interval)

    async def submit(self, offers: Sequence[Offer]) -> None:
        by_product = sorted(
            offers, key=lambda offer: (offer.product_id, offer.interval, offer.market_reference)
        )
        for product_id, group in groupby(by_product, key=lambda offer: offer.product_id):
            rows = [from_offer(offer) for offer in group]
            body = {"participant": self._participant, "product": product_id, "offers": rows}
            await self._http.post("/offers", body)

    async def awards(self, day: date) -> list[MarketAward] | None:
        path = "/awards"
        params = {"participant": self._participant, "day": day.isoformat()}
        answer = await self._http.get(path, WireAwards, params)
        if answer is None:
            return None
        return self._all(path, answer.awards, lambda row: to_award(row, answer.currency))

    async def submit_energy(self, product_id: ProductId, metered: Sequence[MeteredEnergy]) -> None:
        await self._meter_data(product_id, [from_metered(row) for row in metered])

    async def submit_reserve(self, product_id: ProductId, held: Sequence[HeldReserve]) -> None:
        await self._meter_data(product_id, [from_held(row) for row in held])

    async def statement(self, day: date) -> MarketStatement:
        path = "/settlement-statement"
        params = {"participant": self._participant, "day": day.isoformat()}
        answer = await self._http.get(path, WireStatement, params)
        if answer is None:
            raise CounterpartyFault(
                f"The {self.name} has no settlement statement of {day} yet; ask again later."
            )
        lines = self._all(path, answer.lines, lambda row: to_line(row, answer.currency))
        (total_cents,) = self._all(
            path, [answer.total], lambda total: decimals.cents_from_total(total, answer.currency)
        )
        return MarketStatement(day=day, lines=tuple(lines), total_cents=total_cents, currency=answer.currency)

    async def _meter_data(self, product_id: ProductId, rows: list[dict[str, Any]]) -> None:
        body = {"participant": self._participant, "product": product_id, "intervals": rows}
        await self._http.post("/meter-data", body)

    def _all(self, path: str, rows: Sequence[Row], convert: Callable[[Row], Core]) -> list[Core]:
        try:
            return [convert(row) for row in rows]
        except ValueError as error:
            raise self._http.unusable(path, error) from error


def to_price(row: WirePrice, currency: str) -> PublishedPrice:
    price = decimals.price_from_per_mwh(row.price, currency)
    return PublishedPrice(interval=Interval(row.start, row.end), price=price)


def to_award(row: WireAward, currency: str) -> MarketAward:
    return MarketAward(
        reference=row.reference,
        product_id=ProductId(row.product),
        interval=Interval(row.start, row.end),
        side=row.side,
        quantity_wh=decimals.wh_from_mwh(row.quantity_mwh),
        clearing_price=decimals.price_from_per_mwh(row.clearing_price, currency),
    )


def to_line(row: WireLine, currency: str) -> Line:
    return Line(
        product_id=ProductId(row.product),
        interval=Interval(row.start, row.end),
        what=row.what,
        quantity_wh=decimals.wh_from_mwh(row.quantity_mwh),
        price=decimals.price_from_per_mwh(row.price, currency),
        amount=decimals.money_from_amount(row.amount, currency),
    )


def from_offer(offer: Offer) -> dict[str, str]:
    return _ends(offer.interval) | {
        "reference": offer.market_reference,
        "side": offer.side.value,
        "quantity_mwh": decimals.mwh_from_wh(offer.quantity_wh),
        "limit_price": decimals.per_mwh_from_price(offer.limit_price),
    }


def from_metered(row: MeteredEnergy) -> dict[str, str]:
    return _ends(row.interval) | {"energy_mwh": decimals.mwh_from_wh(row.energy_wh)}


def from_held(row: HeldReserve) -> dict[str, str]:
    performance = f"{row.performance:.{PERFORMANCE_PLACES}f}"
    return _ends(row.interval) | {"held_mw": f"{mw_from_watts(row.held_w):.6f}", "performance": performance}


def _ends(interval: Interval) -> dict[str, str]:
    return {"start": _stamp(interval.start), "end": _stamp(interval.end)}


def _stamp(instant: datetime) -> str:
    return instant.isoformat()
