"""The market over HTTP: prices, offers, awards, meter data and the settlement statement."""

import secrets
from collections.abc import Iterable
from decimal import Decimal
from typing import Annotated, Any

from fastapi import APIRouter, Depends, FastAPI, Header, HTTPException, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import AwareDatetime

from simulators.market.book import HOUR, Closed, OrderBook, Refused
from simulators.market.clearing import StandingOffer
from simulators.market.products import PRODUCTS
from simulators.market.statement import Held, Line, total
from simulators.market.wire import (
    Day,
    EnergyData,
    Hour,
    MeterData,
    Name,
    OffersForm,
    ProductName,
    stamp,
    text,
)
from vpp_core.clock import Clock
from vpp_core.faults import ConfigurationFault
from vpp_core.interval import Interval

CURRENCY = "USD"

UNAUTHORIZED, NOT_FOUND, CONFLICT, UNPROCESSABLE = 401, 404, 409, 422


def create_app(*, clock: Clock, prices: Iterable[tuple[Interval, Decimal]], token: str) -> FastAPI:
    """A market that knows its clearing prices beforehand and keeps its secret until publication.

    Args:
        clock: whose time decides on gate closure and publication.
        prices: day-ahead energy prices by hour (USD/MWh).
        token: what a participant must present as bearer token.

    Raises:
        ConfigurationFault: the token is empty.
    """
    if not token:
        raise ConfigurationFault("The market needs a bearer token; give one that is not empty.")
    book = OrderBook({interval.start: price for interval, price in prices})
    app = FastAPI(title="Simulated day-ahead market", docs_url=None, redoc_url=None)
    app.add_exception_handler(RequestValidationError, _malformed)
    app.add_exception_handler(Refused, _refused)

    async def authorized(authorization: Annotated[str, Header()] = "") -> None:
        if not secrets.compare_digest(authorization.encode(), f"Bearer {token}".encode()):
            raise HTTPException(
                UNAUTHORIZED,
                "Present the bearer token that the market issued.",
                {"WWW-Authenticate": "Bearer"},
            )

    @app.get("/health")
    async def health() -> dict[str, str]:
        return {"status": "ok"}

    routes = APIRouter(dependencies=[Depends(authorized)])
    _reading(routes, book, clock)
    _writing(routes, book, clock)
    app.include_router(routes)
    return app


def _reading(routes: APIRouter, book: OrderBook, clock: Clock) -> None:
    @routes.get("/prices")
    async def published_prices(
        product: ProductName, start: AwareDatetime, end: AwareDatetime
    ) -> dict[str, Any]:
        traded = PRODUCTS[product]
        rows = [
            _hour(row.start, row.end) | {"price": text(row.price)}
            for row in book.published(product, start, end, clock.now())
        ]
        return {
            "product": product,
            "currency": CURRENCY,
            "source": traded.source,
            "synthetic": traded.synthetic,
            "prices": rows,
        }

    @routes.get("/awards")
    async def awards(participant: Name, day: Day) -> dict[str, Any]:
        won = book.awards(participant, day, clock.now())
        if won is None:
            raise HTTPException(NOT_FOUND, f"The results of {day} are not published yet.")
        rows = [
            _hour(award.offer.start, award.offer.end)
            | {
                "reference": award.offer.reference,
                "product": award.offer.product,
                "side": award.offer.side,
                "quantity_mwh": text(award.quantity_mwh),
                "clearing_price": text(award.price),
            }
            for award in won
        ]
        return {"participant": participant, "day": day.isoformat(), "currency": CURRENCY, "awards": rows}

    @routes.get("/settlement-statement")
    async def settlement_statement(participant: Name, day: Day) -> dict[str, Any]:
        found = book.statement(participant, day, clock.now())
        if found is None:
            raise HTTPException(NOT_FOUND, f"The delivery day {day} is not over yet.")
        return {
            "participant": participant,
            "day": day.isoformat(),
            "currency": CURRENCY,
            "lines": [_line(line) for line in found],
            "total": text(total(found)),
            "synthetic": [product.synthetic for product in PRODUCTS.values()],
        }


def _writing(routes: APIRouter, book: OrderBook, clock: Clock) -> None:
    @routes.post("/offers", status_code=201)
    async def enter(form: OffersForm) -> dict[str, int]:
        book.enter(
            [
                StandingOffer(
                    form.participant,
                    form.product,
                    offer.reference,
                    offer.start,
                    offer.end,
                    offer.side,
                    offer.quantity_mwh,
                    offer.limit_price,
                )
                for offer in form.offers
            ],
            clock.now(),
        )
        return {"standing": len(form.offers)}

    @routes.post("/meter-data", status_code=201)
    async def record(form: MeterData) -> dict[str, int]:
        for row in form.intervals:
            _check_hour(row)
        if isinstance(form, EnergyData):
            metered = {row.start: row.energy_mwh for row in form.intervals}
            book.record_energy(form.participant, metered, clock.now())
        else:
            held = {row.start: Held(row.held_mw, row.performance) for row in form.intervals}
            book.record_held(form.participant, held, clock.now())
        return {"recorded": len(form.intervals)}


def _check_hour(row: Hour) -> None:
    if row.end - row.start != HOUR:
        raise Refused(f"Meter data comes by the hour, not from {stamp(row.start)} to {stamp(row.end)}.")


def _line(line: Line) -> dict[str, str]:
    return _hour(line.start, line.end) | {
        "product": line.product,
        "what": line.what,
        "quantity_mwh": text(line.quantity_mwh),
        "price": text(line.price),
        "amount": text(line.amount),
    }


def _hour(start: AwareDatetime, end: AwareDatetime) -> dict[str, str]:
    return {"start": stamp(start), "end": stamp(end)}


async def _malformed(_request: Request, error: Exception) -> JSONResponse:
    """One sentence that names the first field that is wrong."""
    sentence = "The request is malformed."
    if isinstance(error, RequestValidationError) and error.errors():
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        sentence = f"The request is malformed at {where}: {first['msg']}."
    return JSONResponse({"detail": sentence}, UNPROCESSABLE)


async def _refused(_request: Request, error: Exception) -> JSONResponse:
    return JSONResponse({"detail": str(error)}, CONFLICT if isinstance(error, Closed) else UNPROCESSABLE)
