"""The utility over HTTP: meter data by the owner's grant, event performance, statements, and its desk."""

import secrets
from collections.abc import Callable, Collection
from datetime import UTC, datetime
from typing import Annotated, Any, NamedTuple

from fastapi import APIRouter, Depends, FastAPI, Header, HTTPException, Path, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import AwareDatetime

from simulators.utility.events import EventBook, PeakEvent, Refused
from simulators.utility.tariff import (
    CURRENCY,
    STEP_S,
    SYNTHETIC,
    Line,
    SiteRow,
    committed_kwh,
    delivered_kwh,
    statement,
    total,
)
from simulators.utility.wire import (
    CallForm,
    GrantForm,
    ModifyForm,
    Name,
    OptForm,
    PerformanceForm,
    PerformanceRow,
    stamp,
    text,
)
from vpp_core.clock import Clock
from vpp_core.faults import ConfigurationFault
from vpp_core.interval import Interval

UNAUTHORIZED, FORBIDDEN, NOT_FOUND, CONFLICT, UNPROCESSABLE = 401, 403, 404, 409, 422
HISTORY_DAYS_MAX = 400
SECONDS_PER_DAY = 86_400


class MeterHistory(NamedTuple):
    """A meter's energies by quarter-hour (kWh); a gap is ``None``. Consumption and generation positive."""

    net_kwh: list[float | None]
    pv_kwh: list[float | None]
    evse_kwh: list[float | None]


History = Callable[[str, datetime, datetime], MeterHistory]
"""The history of a meter by its name, from a start to an end."""


class Meters(NamedTuple):
    """The meters that the utility reads."""

    names: Collection[str]
    history: History


class Utility:
    """What the utility remembers: grants and reported performance; its events are in the book."""

    def __init__(self, book: EventBook, meters: Meters, clock: Clock) -> None:
        self.book = book
        self.clock = clock
        self._meters = meters
        self._granted: dict[str, str] = {}
        self._rows: dict[str, dict[tuple[str, datetime], SiteRow]] = {}

    def grant(self, form: GrantForm) -> None:
        meter = form.meter or form.site_id
        if meter not in self._meters.names:
            raise HTTPException(NOT_FOUND, f"The utility has no meter {meter}.")
        self._granted[form.site_id] = meter

    def interval_data(self, site_id: str, start: datetime, end: datetime) -> dict[str, Any]:
        if site_id not in self._granted:
            raise HTTPException(FORBIDDEN, f"No owner has granted access to the data of {site_id}.")
        if start.timestamp() % STEP_S or end.timestamp() % STEP_S:
            raise Refused(f"Meter data comes in steps of {STEP_S} s; ask for whole steps.")
        if not start < end <= self.clock.now():
            raise Refused("Meter data is a history: ask for an interval that ends before now.")
        if (end - start).total_seconds() > HISTORY_DAYS_MAX * SECONDS_PER_DAY:
            raise Refused(f"Ask for at most {HISTORY_DAYS_MAX} days at a time.")
        channels = self._meters.history(self._granted[site_id], start, end)
        return {"site_id": site_id, "step_s": STEP_S, "start": stamp(start), "channels": channels._asdict()}

    def record(self, event: PeakEvent, rows: list[PerformanceRow]) -> None:
        quarters = {
            interval.start: interval for call in event.calls for interval in call.interval.split(STEP_S)
        }
        for row in rows:
            quarter = quarters.get(row.start)
            if quarter is None or row.end != quarter.end:
                span = f"{stamp(row.start)} to {stamp(row.end)}"
                raise Refused(f"{span} is no quarter-hour of the event {event.event_id}.")
        reported = self._rows.setdefault(event.event_id, {})
        for row in rows:
            key = (row.site_id, row.start)
            reported[key] = SiteRow(row.site_id, row.start, row.metered_kwh, row.baseline_kwh)

    def statement(self, event: PeakEvent) -> list[Line] | None:
        """The lines of an event that is over and reported on, or nothing."""
        over = event.newest.cancelled or self.clock.now() >= event.newest.interval.end
        if not over or event.event_id not in self._rows:
            return None
        return statement(committed_kwh(event), delivered_kwh(self._rows[event.event_id].values()))


def create_app(*, clock: Clock, meters: Meters, token: str, desk_token: str, book: EventBook) -> FastAPI:
    """The utility's service for aggregators, and the desk of its own operators.

    Args:
        clock: whose time decides what is history and which event is over.
        meters: the meters it reads.
        token: what an aggregator must present as bearer token.
        desk_token: what the utility's operator must present; may be the same only in a closed demo.
        book: the events; a VTN distributes from the same book.

    Raises:
        ConfigurationFault: a token is empty.
    """
    if not token or not desk_token:
        raise ConfigurationFault("The utility needs two bearer tokens; give ones that are not empty.")
    utility = Utility(book, meters, clock)
    app = FastAPI(title="Simulated utility", docs_url=None, redoc_url=None)
    app.add_exception_handler(RequestValidationError, _malformed)
    app.add_exception_handler(Refused, _refused)

    @app.get("/health")
    async def health() -> dict[str, str]:
        return {"status": "ok"}

    service = APIRouter(dependencies=[Depends(_bearer(token))])
    _meter_data(service, utility)
    _settlement(service, utility)
    app.include_router(service)
    desk = APIRouter(prefix="/events", dependencies=[Depends(_bearer(desk_token))])
    _desk(desk, utility)
    app.include_router(desk)
    return app


def _meter_data(routes: APIRouter, utility: Utility) -> None:
    @routes.post("/grants", status_code=201)
    async def grant(form: GrantForm) -> dict[str, str]:
        utility.grant(form)
        return {"site_id": form.site_id}

    @routes.get("/interval-data/{site_id}")
    async def interval_data(
        site_id: Annotated[Name, Path()], start: Annotated[AwareDatetime, Query()], end: AwareDatetime
    ) -> dict[str, Any]:
        return utility.interval_data(site_id, start, end)


def _settlement(routes: APIRouter, utility: Utility) -> None:
    @routes.post("/event-performance", status_code=201)
    async def performance(form: PerformanceForm) -> dict[str, int]:
        utility.record(_known(utility.book, form.event_id), form.rows)
        return {"recorded": len(form.rows)}

    @routes.get("/event-statement/{event_id}")
    async def event_statement(event_id: str) -> dict[str, Any]:
        lines = utility.statement(_known(utility.book, event_id))
        if lines is None:
            raise HTTPException(NOT_FOUND, f"The event {event_id} is not over, or not reported on yet.")
        return {
            "event_id": event_id,
            "currency": CURRENCY,
            "lines": [_line(line) for line in lines],
            "total": text(total(lines)),
            "synthetic": SYNTHETIC,
        }


def _desk(routes: APIRouter, utility: Utility) -> None:
    book, clock = utility.book, utility.clock

    @routes.post("", status_code=201)
    async def call(form: CallForm) -> dict[str, Any]:
        interval = Interval.of(form.start.astimezone(UTC), form.duration_s)
        event = book.call(form.event_id, form.ven, interval, form.target_kw, clock.now())
        return _state(event, clock.now())

    @routes.get("/{event_id}")
    async def state(event_id: str) -> dict[str, Any]:
        return _state(_known(book, event_id), clock.now())

    @routes.put("/{event_id}")
    async def modify(event_id: str, form: ModifyForm) -> dict[str, Any]:
        interval = Interval.of(form.start.astimezone(UTC), form.duration_s)
        return _state(book.modify(event_id, interval, form.target_kw, clock.now()), clock.now())

    @routes.delete("/{event_id}")
    async def cancel(event_id: str) -> dict[str, Any]:
        return _state(book.cancel(event_id, clock.now()), clock.now())

    @routes.post("/{event_id}/opt", status_code=201)
    async def answer(event_id: str, form: OptForm) -> dict[str, Any]:
        event = _known(book, event_id)
        book.answer(event_id, form.modification, form.opt, clock.now())
        return _state(event, clock.now())


def _bearer(token: str) -> Callable[..., Any]:
    async def authorized(authorization: Annotated[str, Header()] = "") -> None:
        if not secrets.compare_digest(authorization.encode(), f"Bearer {token}".encode()):
            raise HTTPException(
                UNAUTHORIZED,
                "Present the bearer token that the utility issued.",
                {"WWW-Authenticate": "Bearer"},
            )

    return authorized


def _known(book: EventBook, event_id: str) -> PeakEvent:
    event = book.get(event_id)
    if event is None:
        raise HTTPException(NOT_FOUND, f"There is no event {event_id}.")
    return event


def _state(event: PeakEvent, now: datetime) -> dict[str, Any]:
    newest = event.newest
    return {
        "event_id": event.event_id,
        "ven": event.ven,
        "modification": newest.modification,
        "status": event.status(now),
        "start": stamp(newest.interval.start),
        "end": stamp(newest.interval.end),
        "target_kw": text(newest.target_kw),
        "opt": event.opt if event.answered else None,
        "answers": [
            {"modification": row.modification, "opt": row.opt, "answered_at": stamp(row.answered_at)}
            for row in event.answers
        ],
    }


def _line(line: Line) -> dict[str, str]:
    return {
        "start": stamp(line.interval.start),
        "end": stamp(line.interval.end),
        "what": line.what,
        "quantity_kwh": text(line.quantity_kwh),
        "price_per_kwh": text(line.price_usd_per_kwh),
        "amount": text(line.amount),
    }


async def _malformed(_request: Request, error: Exception) -> JSONResponse:
    """One sentence that names the first field that is wrong."""
    sentence = "The request is malformed."
    if isinstance(error, RequestValidationError) and error.errors():
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        sentence = f"The request is malformed at {where}: {first['msg']}."
    return JSONResponse({"detail": sentence}, UNPROCESSABLE)


async def _refused(_request: Request, error: Exception) -> JSONResponse:
    return JSONResponse({"detail": str(error)}, CONFLICT)
