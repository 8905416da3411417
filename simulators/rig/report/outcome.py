"""What a run has to show: figures, money, sources and curves. The story fills it, the screens draw it.

Power is W and energy Wh, injection positive; money is whole cents; instants are aware UTC and are shown
in the market's zone.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

STAGES: Mapping[int, str] = {
    1: "Enrollment",
    2: "Forecast",
    3: "Opportunity",
    4: "Optimization and bids",
    5: "Dispatch",
    6: "Settlement",
    7: "Payment",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Kpi:
    """One figure and where it comes from; ``value`` is missing when there was nothing to compute."""

    id: str
    stage: int
    label: str
    value: float | None
    unit: str
    definition: str
    note: str = ""
    trace_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What was run."""

    day: date
    zone: ZoneInfo
    sites: int
    enrolled_w: float
    seed: int
    wall_s: float
    broker: str
    clock: str
    """How time passed, in words: "paced, up to 3,600 times real time", "virtual"."""
    records: int = 0
    """Records on the chain."""
    messages: int = 0
    """Messages that the gateways sent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MoneyLine:
    """One kind of income (positive) or charge (negative) of a book."""

    what: str
    cents: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BookMoney:
    """One book's money, from the counterparty's invoice to the owners."""

    book: str
    counterparty: str
    lines: tuple[MoneyLine, ...]
    """In whole cents; they sum to the invoice."""
    invoice_cents: int
    owners_cents: int
    operator_cents: int
    owners: int
    trace_id: str = ""

    @property
    def conserved(self) -> bool:
        """Whether owners and operator get exactly what the counterparty pays."""
        return self.owners_cents + self.operator_cents == self.invoice_cents


@dataclass(frozen=True, slots=True, kw_only=True)
class DataSource:
    """One input of the run."""

    what: str
    origin: str
    licence: str = ""
    synthetic: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementLink:
    """One owner's statement; ``href`` is relative to the report."""

    owner: str
    cents: int
    href: str
    trace_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scorecard:
    run: Run
    kpis: tuple[Kpi, ...]
    books: tuple[BookMoney, ...]
    sources: tuple[DataSource, ...]
    currency: str = "USD"

    @property
    def conserved(self) -> bool:
        return all(book.conserved for book in self.books)

    @property
    def synthetic(self) -> tuple[str, ...]:
        """The inputs that were made up."""
        return tuple(source.what for source in self.sources if source.synthetic)


@dataclass(frozen=True, slots=True, kw_only=True)
class EventCurves:
    """A utility event: what was asked for and what each site gave above its baseline (W)."""

    times: tuple[datetime, ...]
    """Start of each step; the steps are of equal length."""
    step_s: float
    target_w: tuple[float, ...]
    delivered_w: Mapping[str, tuple[float, ...]]
    """By site; zero where the meter says nothing."""
    lost_site: str = ""
    lost_at: datetime | None = None
    resplit_at: datetime | None = None
    restored_at: datetime | None = None
    lost_w: float = 0.0
    """Share of the lost site at that moment."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketCurves:
    """The market day: prices and awards by hour, and the fleet's state of charge."""

    hours: tuple[datetime, ...]
    """Start of each hour, and the end of the last one."""
    price_per_mwh: tuple[float, ...]
    awarded_w: tuple[float, ...]
    """Mean injection sold (positive) or bought (negative)."""
    reserve_w: tuple[float, ...]
    times: tuple[datetime, ...]
    state_of_charge_pct: tuple[float, ...]
    """Of the fleet's usable energy, at ``times``."""
    reserve_pct: float
    """What the owners keep for themselves."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FrequencyCurves:
    """One frequency event as the gateways recorded it; offsets in seconds from the trigger."""

    triggered_at: datetime
    sites: int
    offset_s: tuple[float, ...]
    frequency_hz: tuple[float, ...]
    demanded_w: tuple[float, ...]
    measured_w: tuple[float, ...]
    nominal_hz: float = 60.0
    deadband_hz: float = 0.036


@dataclass(frozen=True, slots=True, kw_only=True)
class ForecastCurves:
    """A forecast of record with its 80 % band beside what the meters showed (W, positive up)."""

    what: str
    times: tuple[datetime, ...]
    step_s: float
    q10_w: tuple[float, ...]
    q50_w: tuple[float, ...]
    q90_w: tuple[float, ...]
    measured_w: tuple[float | None, ...]
    """``None`` where nothing good was measured."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportData:
    """Everything that the report shows."""

    scorecard: Scorecard
    headline: tuple[str, ...] = ()
    """Ids of the figures that stand on top, at most four."""
    event: EventCurves | None = None
    market: MarketCurves | None = None
    frequency: FrequencyCurves | None = None
    forecasts: tuple[ForecastCurves, ...] = ()
    statements: tuple[StatementLink, ...] = ()
