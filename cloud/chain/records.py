"""What the chain records. Every record is immutable, has an id, and points to its predecessors.

Power and energy are injection positive (W, Wh); prices and money are whole micro-units
(:mod:`vpp_core.money`). ``DeliveryWindow`` intervals are those of the product: an hour of the day-ahead
market, fifteen minutes of a utility event.
"""

from datetime import date, datetime
from enum import StrEnum

import msgspec

from vpp_core.der import DerDescription, OwnerLimits
from vpp_core.ids import (
    CommandId,
    DerId,
    GatewayId,
    OwnerId,
    ProductId,
    ProgramId,
    RecordId,
    SiteId,
)
from vpp_core.interval import Interval
from vpp_core.measurement import Quality
from vpp_core.messages import CommissioningCheck, DispatchPriority, ReceiptStatus
from vpp_core.money import Money, Price
from vpp_core.schedule import Schedule


class Book(StrEnum):
    """Whose rules the money follows; the two are never mixed."""

    REGULATED = "regulated"
    MARKET = "market"


class Side(StrEnum):
    SELL = "sell"
    BUY = "buy"


class Record(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind"):
    """One link. ``id`` is a ULID, ``predecessors`` are the records that it follows from."""

    id: RecordId
    at: datetime
    predecessors: tuple[RecordId, ...] = ()


class Consent(Record, frozen=True, kw_only=True, tag="consent"):
    """Stage 1. The owner agrees to a program, its share and the use of meter data."""

    owner_id: OwnerId
    site_id: SiteId
    program_id: ProgramId
    terms_version: str
    owner_share_pct: int
    applied_at: datetime


class EnrolledSite(Record, frozen=True, kw_only=True, tag="enrolled_site"):
    """Stage 1. Consent plus a commissioned gateway: the site may be dispatched."""

    owner_id: OwnerId
    site_id: SiteId
    site_name: str
    program_id: ProgramId
    book: Book
    gateway_id: GatewayId
    ders: tuple[DerDescription, ...]
    owner_limits: OwnerLimits
    checks: tuple[CommissioningCheck, ...]
    applied_at: datetime


class ForecastSeries(msgspec.Struct, frozen=True, kw_only=True):
    """Mean injection (W) in each step, with an 80 % band."""

    q10_w: tuple[float, ...]
    q50_w: tuple[float, ...]
    q90_w: tuple[float, ...]
    persistence_w: tuple[float, ...]
    """The naive reference: the same time yesterday."""
    mean_w: tuple[float, ...] = ()
    """The expected value: what portfolios add up, since medians must not be added."""


class Forecast(Record, frozen=True, kw_only=True, tag="forecast"):
    """Stage 2. What the fleet is expected to do and can do, as known at gate closure."""

    horizon: Interval
    step_s: int
    pv: dict[DerId, ForecastSeries]
    load: dict[SiteId, ForecastSeries]
    """House load as injection, so negative."""
    capability_up_w: tuple[float, ...]
    """Power that the fleet can add for one step, by step."""
    enrolled_w: float


class Opportunity(Record, frozen=True, kw_only=True, tag="opportunity"):
    """Stage 3. One product in one interval, what it may be worth, and why it is bid or not."""

    product_id: ProductId
    interval: Interval
    offerable_w: float
    expected_price: Price
    expected_value: Money
    worthwhile: bool
    reason: str


class DevicePlan(msgspec.Struct, frozen=True, kw_only=True):
    """The plan of one device: mean injection, energy at the end of each step, reserve held."""

    der_id: DerId
    site_id: SiteId
    setpoint_w: tuple[float, ...]
    energy_wh: tuple[float, ...]
    reserve_w: tuple[float, ...]


class Plan(Record, frozen=True, kw_only=True, tag="plan"):
    """Stage 4. An optimal plan of every device; before the bids, and again after the awards."""

    purpose: str
    horizon: Interval
    step_s: int
    devices: tuple[DevicePlan, ...]
    objective: Money
    solver: str
    status: str
    gap: float
    solve_s: float
    binding: tuple[str, ...]
    """Names of the constraints that bind, the costliest first."""


class Offer(Record, frozen=True, kw_only=True, tag="offer"):
    """Stage 4. A priced quantity for one product and interval, as submitted before gate closure."""

    product_id: ProductId
    interval: Interval
    side: Side
    quantity_wh: int
    """Wh of energy, or W of reserve held for each hour of the interval; a magnitude."""
    limit_price: Price
    market_reference: str = ""


class Award(Record, frozen=True, kw_only=True, tag="award"):
    """Stage 4. What the market took of an offer, and at which price; zero when it lost."""

    product_id: ProductId
    interval: Interval
    side: Side
    quantity_wh: int
    clearing_price: Price


class GridEvent(Record, frozen=True, kw_only=True, tag="grid_event"):
    """Stage 5. One modification of a utility's event as it arrived (OpenADR), with our opt.

    A cancellation is a modification with target zero.
    """

    source: str
    event_id: str
    modification: int
    program_id: ProgramId
    interval: Interval
    target_w: float
    """Change of injection that the utility asks for (W, magnitude upward)."""
    opt: str
    received_at: datetime
    reason: str = ""
    """Why we opted out, or what the modification was."""


class Commitment(Record, frozen=True, kw_only=True, tag="commitment"):
    """Stage 5. What we owe: one product or program, one interval.

    A later commitment of the same product and interval replaces this one: an event may be modified, and
    the rest of a cancelled one is replaced by zero.
    """

    product_id: ProductId
    program_id: ProgramId
    book: Book
    interval: Interval
    power_w: float
    """Mean injection owed (energy product), reserve held, or change of injection (event)."""
    price: Price
    sites: dict[SiteId, float]
    """The part of ``power_w`` that each site was planned to carry."""


class Command(Record, frozen=True, kw_only=True, tag="command"):
    """Stage 5. One revision of the setpoints of one device, as sent."""

    command_id: CommandId
    revision: int
    site_id: SiteId
    der_id: DerId
    expires_at: datetime
    priority: DispatchPriority
    schedule: Schedule
    reason: str


class CommandReceipt(Record, frozen=True, kw_only=True, tag="command_receipt"):
    """Stage 5. What the gateway reported about a command."""

    command_id: CommandId
    revision: int
    site_id: SiteId
    der_id: DerId
    status: ReceiptStatus
    reason: str
    setpoint_w: float | None
    reported_at: datetime
    """The gateway's own stamp; ``at`` is when the cloud had it."""


class Loss(Record, frozen=True, kw_only=True, tag="loss"):
    """Stage 5. A site dropped out of a running commitment; its share was split again."""

    site_id: SiteId
    lost_w: float
    resplit: dict[SiteId, float]
    """What each remaining site took over (W)."""
    unserved_w: float
    reason: str


class SiteEnergy(msgspec.Struct, frozen=True, kw_only=True):
    """Energy of one site in one interval (Wh, injection positive)."""

    energy_wh: int
    quality: Quality


class Delivery(Record, frozen=True, kw_only=True, tag="delivery"):
    """Stage 6. What the meters show for a commitment's interval."""

    interval: Interval
    product_id: ProductId
    sites: dict[SiteId, SiteEnergy]
    """Metered energy: the devices' own for a market product, the site's for an event."""
    performance: float | None = None
    """Score 0..1 of a response product, from the recorded events."""


class Baseline(Record, frozen=True, kw_only=True, tag="baseline"):
    """Stage 6. What the meters would have shown without us."""

    interval: Interval
    product_id: ProductId
    rule: str
    """Id and version of the baseline rule."""
    sites: dict[SiteId, int]
    """Baseline energy of each site (Wh, injection positive)."""
    adjustment: str = ""
    """What the same-day adjustment did to the aggregate, and why."""


class SettlementLine(msgspec.Struct, frozen=True, kw_only=True):
    """One amount and how it came about; positive is income."""

    what: str
    quantity_wh: int
    price: Price
    amount: Money


class Settlement(Record, frozen=True, kw_only=True, tag="settlement"):
    """Stage 6. The money of one commitment, by line; and how much each site earned of it."""

    product_id: ProductId
    program_id: ProgramId
    book: Book
    interval: Interval
    rule: str
    lines: tuple[SettlementLine, ...]
    net: Money
    sites: dict[SiteId, Money]
    """``net`` attributed to sites by what each delivered; sums to ``net`` exactly."""


class Invoice(Record, frozen=True, kw_only=True, tag="invoice"):
    """Stage 6. The counterparty's own statement of a book's day, in whole cents."""

    book: Book
    counterparty: str
    day: date
    amount_cents: int
    currency: str
    ours_cents: int
    """What our settlements of that day come to; a difference is a dispute."""


class Payment(Record, frozen=True, kw_only=True, tag="payment"):
    """Stage 7. What one owner is paid for a period of one book, in whole cents."""

    owner_id: OwnerId
    book: Book
    day: date
    gross_cents: int
    operator_fee_cents: int
    amount_cents: int
    currency: str
    due_on: date
    value_date: date


class Statement(Record, frozen=True, kw_only=True, tag="statement"):
    """Stage 7. What the owner reads; the text can be made again from its predecessors."""

    owner_id: OwnerId
    day: date
    amount_cents: int
    currency: str


class Figure(Record, frozen=True, kw_only=True, tag="figure"):
    """Stage 7. A figure of the scorecard and the records that it was computed from."""

    kpi: str
    stage: int
    label: str
    value: float | None
    unit: str
    definition: str
    note: str = ""
    """Says what is synthetic or missing; empty when nothing is."""
    day: date | None = None
    """The delivery day that it is about."""


AnyRecord = (
    Consent
    | EnrolledSite
    | Forecast
    | Opportunity
    | Plan
    | Offer
    | Award
    | GridEvent
    | Commitment
    | Command
    | CommandReceipt
    | Loss
    | Delivery
    | Baseline
    | Settlement
    | Invoice
    | Payment
    | Statement
    | Figure
)
