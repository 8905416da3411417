"""The utility over HTTP: meter data by the owner's grant, performance of events, its statement.

The utility counts consumption as positive and in kWh; PV generation is positive there as here. This
module is the one place where that changes. JSON of the wire:

* ``POST /grants`` ``{site_id, consent_id}``
* ``GET /interval-data/{site_id}?start=&end=`` answers ``{site_id, step_s, start, channels: {net_kwh: [..],
  pv_kwh: [..], evse_kwh: [..]}}``; a gap is null; 403 without a grant.
* ``POST /event-performance`` ``{event_id, rows: [{site_id, start, end, metered_kwh, baseline_kwh}]}``;
  energies are decimal strings, consumption positive; ``metered_kwh`` is null where no good data exists.
* ``GET /event-statement/{event_id}`` answers ``{event_id, currency, lines: [{start, end, what,
  quantity_kwh, price_per_kwh, amount}], total}``, numbers as decimal strings; 404 while there is none.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import NewType

import httpx
import msgspec

from cloud.markets import decimals
from cloud.markets.http import CounterpartyHttp
from vpp_core.faults import CounterpartyFault
from vpp_core.ids import RecordId, SiteId
from vpp_core.interval import Interval
from vpp_core.money import Money, Price
from vpp_core.sign import SignConvention
from vpp_core.units import watt_hours_from_kwh

EventId = NewType("EventId", str)

UTILITY_SIGN = SignConvention.CONSUMPTION_POSITIVE


class IntervalHistory(msgspec.Struct, frozen=True, kw_only=True):
    """Past interval energies of a site, by channel; ``None`` is a gap.

    ``net_wh`` and ``evse_wh`` count consumption as positive (a meter's history, kept as the meter has
    it), ``pv_wh`` generation.
    """

    site_id: SiteId
    step_s: int
    start: datetime
    net_wh: tuple[float | None, ...]
    pv_wh: tuple[float | None, ...]
    evse_wh: tuple[float | None, ...]

    def __post_init__(self) -> None:
        if self.step_s <= 0 or self.start.tzinfo is None:
            raise ValueError("an interval history needs a positive step and an aware start")
        if not len(self.net_wh) == len(self.pv_wh) == len(self.evse_wh):
            raise ValueError("the channels of an interval history differ in length")

    @property
    def end(self) -> datetime:
        return self.start + timedelta(seconds=self.step_s * len(self.net_wh))


class EventPerformanceRow(msgspec.Struct, frozen=True, kw_only=True):
    """One site in one interval of an event (Wh, injection positive); no metered value if no good data."""

    site_id: SiteId
    interval: Interval
    metered_wh: int | None
    baseline_wh: int


class EventStatementLine(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the utility's statement; a positive amount is income for us."""

    interval: Interval
    what: str
    quantity_wh: int
    price: Price
    amount: Money


class EventStatement(msgspec.Struct, frozen=True, kw_only=True):
    """The utility's own account of one event."""

    event_id: EventId
    lines: tuple[EventStatementLine, ...]
    total_cents: int
    currency: str


class WireChannels(msgspec.Struct, frozen=True):
    net_kwh: list[float | None]
    pv_kwh: list[float | None]
    evse_kwh: list[float | None]


class WireHistory(msgspec.Struct, frozen=True):
    site_id: str
    step_s: int
    start: datetime
    channels: WireChannels


class WireEventLine(msgspec.Struct, frozen=True):
    start: datetime
    end: datetime
    what: str
    quantity_kwh: Decimal
    price_per_kwh: Decimal
    amount: Decimal


class WireEventStatement(msgspec.Struct, frozen=True):
    event_id: str
    currency: str
    lines: list[WireEventLine]
    total: Decimal


class UtilityClient:
    """Our account with the utility. Every method raises CounterpartyFault when it does not answer as agreed.

    Args:
        base_url: where the utility listens.
        client: carries the requests; its owner closes it.
        token: bearer token that the utility issued.
        name: what the counterparty is called in faults and on invoices.
    """

    def __init__(
        self, base_url: str, client: httpx.AsyncClient, *, token: str, name: str = "utility"
    ) -> None:
        self._http = CounterpartyHttp(name, base_url, client, token=token)

    @property
    def name(self) -> str:
        return self._http.name

    async def grant(self, site_id: SiteId, consent_id: RecordId) -> None:
        """Present the owner's consent, which opens the site's meter data to us."""
        await self._http.post("/grants", {"site_id": site_id, "consent_id": consent_id})

    async def interval_history(self, site_id: SiteId, interval: Interval) -> IntervalHistory:
        path = f"/interval-data/{site_id}"
        params = {"start": interval.start.isoformat(), "end": interval.end.isoformat()}
        answer = await self._http.get(path, WireHistory, params)
        if answer is None:
            raise CounterpartyFault(f"The {self.name} has no meter data of site '{site_id}'.")
        try:
            return to_history(answer)
        except ValueError as error:
            raise self._http.unusable(path, error) from error

    async def submit_performance(self, event_id: EventId, rows: Sequence[EventPerformanceRow]) -> None:
        body = {"event_id": event_id, "rows": [from_performance(row) for row in rows]}
        await self._http.post("/event-performance", body)

    async def event_statement(self, event_id: EventId) -> EventStatement:
        path = f"/event-statement/{event_id}"
        answer = await self._http.get(path, WireEventStatement)
        if answer is None:
            raise CounterpartyFault(
                f"The {self.name} has no statement of event '{event_id}' yet; ask again later."
            )
        try:
            return to_event_statement(answer)
        except ValueError as error:
            raise self._http.unusable(path, error) from error


def to_history(wire: WireHistory) -> IntervalHistory:
    return IntervalHistory(
        site_id=SiteId(wire.site_id),
        step_s=wire.step_s,
        start=wire.start,
        net_wh=_watt_hours(wire.channels.net_kwh),
        pv_wh=_watt_hours(wire.channels.pv_kwh),
        evse_wh=_watt_hours(wire.channels.evse_kwh),
    )


def from_performance(row: EventPerformanceRow) -> dict[str, str | None]:
    metered_wh = row.metered_wh
    return {
        "site_id": row.site_id,
        "start": row.interval.start.isoformat(),
        "end": row.interval.end.isoformat(),
        "metered_kwh": None if metered_wh is None else _consumption_kwh(metered_wh),
        "baseline_kwh": _consumption_kwh(row.baseline_wh),
    }


def to_event_statement(wire: WireEventStatement) -> EventStatement:
    lines = [
        EventStatementLine(
            interval=Interval(row.start, row.end),
            what=row.what,
            quantity_wh=decimals.wh_from_kwh(row.quantity_kwh),
            price=decimals.price_from_per_kwh(row.price_per_kwh, wire.currency),
            amount=decimals.money_from_amount(row.amount, wire.currency),
        )
        for row in wire.lines
    ]
    return EventStatement(
        event_id=EventId(wire.event_id),
        lines=tuple(lines),
        total_cents=decimals.cents_from_total(wire.total, wire.currency),
        currency=wire.currency,
    )


def _watt_hours(energies_kwh: Sequence[float | None]) -> tuple[float | None, ...]:
    return tuple(None if energy is None else watt_hours_from_kwh(energy) for energy in energies_kwh)


def _consumption_kwh(injection_wh: int) -> str:
    return decimals.kwh_from_wh(int(UTILITY_SIGN.from_core(injection_wh)))
