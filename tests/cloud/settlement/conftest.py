"""A day with two market sites and two program sites: commitments, counters, history, counterparties."""

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from zoneinfo import ZoneInfo

import pytest

from cloud.chain.records import (
    Book,
    Command,
    CommandReceipt,
    Commitment,
    EnrolledSite,
    GridEvent,
    Loss,
    Offer,
)
from cloud.chain.store import Chain
from cloud.markets.adapter import (
    HeldReserve,
    MarketAward,
    MarketStatement,
    MeteredEnergy,
    PublishedPrice,
)
from cloud.markets.catalogue import ENERGY, EVENT, RESERVE, load_catalogue
from cloud.markets.utility_http import EventId, EventPerformanceRow, EventStatement, IntervalHistory
from cloud.settlement.service import SettlementService
from cloud.telemetry.duckdb_store import DuckDbStore
from cloud.telemetry.store import columns_of
from vpp_core.der import DerDescription, DerKind, OwnerLimits
from vpp_core.ids import CommandId, DerId, GatewayId, OwnerId, ProductId, ProgramId, RecordId, SiteId
from vpp_core.interval import Interval
from vpp_core.measurement import Quality
from vpp_core.messages import (
    DispatchPriority,
    EventKind,
    EventRecord,
    EventTrace,
    Reading,
    ReceiptStatus,
)
from vpp_core.money import Price
from vpp_core.schedule import Schedule

DAY = date(2021, 8, 12)
CHICAGO = ZoneInfo("America/Chicago")
MIDNIGHT = datetime(2021, 8, 12, tzinfo=CHICAGO).astimezone(UTC)
EVENT_SPAN = Interval.of(MIDNIGHT + timedelta(hours=17), 7_200)
LOST_AT = MIDNIGHT + timedelta(hours=17, minutes=40)
HOUSE_W = -2_000.0
SHARE_W = 3_000.0
MARKET_SITES = (SiteId("site-002"), SiteId("site-004"))
EVENT_SITES = (SiteId("site-001"), SiteId("site-003"))


class Market:
    """A counterparty that settles by the published rules, in decimals and MWh."""

    name = "test market"

    def __init__(self) -> None:
        self.energy: dict[ProductId, list[MeteredEnergy]] = {}
        self.reserve: dict[ProductId, list[HeldReserve]] = {}
        self.awarded_mwh = Decimal("0.006")
        self.price = Decimal(40)
        self.extra_cents = 0
        self.currency = "USD"

    async def prices(self, product_id: ProductId, interval: Interval) -> list[PublishedPrice]:
        raise NotImplementedError

    async def submit(self, offers: Sequence[Offer]) -> None:
        raise NotImplementedError

    async def awards(self, day: date) -> list[MarketAward] | None:
        raise NotImplementedError

    async def submit_energy(self, product_id: ProductId, metered: Sequence[MeteredEnergy]) -> None:
        self.energy[product_id] = list(metered)

    async def submit_reserve(self, product_id: ProductId, held: Sequence[HeldReserve]) -> None:
        self.reserve[product_id] = list(held)

    async def statement(self, day: date) -> MarketStatement:
        total = Decimal(0)
        for energy in self.energy[ENERGY]:
            deviation = Decimal(energy.energy_wh) / 1_000_000 - self.awarded_mwh
            factor = Decimal("0.75") if deviation > 0 else Decimal("1.25")
            total += self.awarded_mwh * self.price + deviation * self.price * factor
        for held in self.reserve[RESERVE]:
            total += Decimal(held.held_w) / 1_000_000 * Decimal(12) * Decimal(str(held.performance))
        cents = int((total * 100).quantize(Decimal(1), rounding=ROUND_HALF_EVEN)) + self.extra_cents
        return MarketStatement(day=day, lines=(), total_cents=cents, currency=self.currency)


class Utility:
    """A utility that pays 1 USD/kWh up to 110 % of the commitment, and takes 0.50 for what is missing."""

    name = "test utility"

    def __init__(self) -> None:
        self.rows: dict[str, list[EventPerformanceRow]] = {}

    async def submit_performance(self, event_id: EventId, rows: Sequence[EventPerformanceRow]) -> None:
        self.rows[event_id] = list(rows)

    async def event_statement(self, event_id: EventId) -> EventStatement:
        total = Decimal(0)
        for interval in EVENT_SPAN.split(900):
            delivered = sum(
                row.metered_wh - row.baseline_wh
                for row in self.rows[event_id]
                if row.interval == interval and row.metered_wh is not None
            )
            committed = Decimal(2 * SHARE_W) / 4 / 1_000
            useful = max(Decimal(delivered) / 1_000, Decimal(0))
            total += min(useful, committed * Decimal("1.1")) - max(committed - useful, Decimal(0)) / 2
        cents = int((total * 100).quantize(Decimal(1), rounding=ROUND_HALF_EVEN))
        return EventStatement(event_id=event_id, lines=(), total_cents=cents, currency="USD")


class Histories:
    """Three weeks of a house that always draws the same, in the meter's own sign."""

    def load(self, site_id: SiteId, interval: Interval) -> IntervalHistory | None:
        assert interval.end == MIDNIGHT
        start = datetime(2021, 7, 22, tzinfo=UTC)
        steps = int((MIDNIGHT - start).total_seconds()) // 900
        none = (None,) * steps
        return IntervalHistory(
            site_id=site_id, step_s=900, start=start, net_wh=(-HOUSE_W / 4,) * steps, pv_wh=none, evse_wh=none
        )


class Events:
    """One dip at 14:00: site 2 answers in full, site 4 by half."""

    def triggered_in(self, interval: Interval) -> list[EventRecord]:
        at = MIDNIGHT + timedelta(hours=14, seconds=1)
        if not interval.contains(at):
            return []
        return [
            _dip(site, at, given_w) for site, given_w in zip(MARKET_SITES, (4_000.0, 1_000.0), strict=True)
        ]


@pytest.fixture
def market() -> Market:
    return Market()


@pytest.fixture
def utility() -> Utility:
    return Utility()


@pytest.fixture
def telemetry() -> Iterator[DuckDbStore]:
    """Counters every ten minutes; the second program site is silent after it was lost."""
    store = DuckDbStore(None)
    readings: list[tuple[SiteId, Reading]] = []
    for site in (*MARKET_SITES, *EVENT_SITES):
        counters = {kind: [0.0, 0.0] for kind in ("bat", "pv", "met")}
        for tick in range(24 * 6 + 1):
            at = MIDNIGHT + timedelta(minutes=10 * tick)
            if site != EVENT_SITES[1] or at <= LOST_AT:
                readings.extend((site, _reading(site, kind, at, counters[kind])) for kind in counters)
            for kind, counter in counters.items():
                energy_wh = _power_w(site, kind, at) / 6
                counter[0] += max(energy_wh, 0.0)
                counter[1] += max(-energy_wh, 0.0)
    store.write_batch(columns_of(readings))
    yield store
    store.close()


@pytest.fixture
def sites(chain: Chain) -> list[EnrolledSite]:
    return [
        chain.append(_enrolled(chain, site, book))
        for book, ids in ((Book.MARKET, MARKET_SITES), (Book.REGULATED, EVENT_SITES))
        for site in ids
    ]


@pytest.fixture
def commitments(chain: Chain, sites: list[EnrolledSite]) -> list[Commitment]:
    """18:00 to 19:00 energy, 14:00 to 15:00 reserve, and the event with its command, receipt and loss."""
    assert sites
    energy = _commitment(chain, ENERGY, Interval.of(MIDNIGHT + timedelta(hours=18), 3_600), 6_000.0, 40)
    reserve = _commitment(chain, RESERVE, Interval.of(MIDNIGHT + timedelta(hours=14), 3_600), 6_000.0, 12)
    event = chain.append(
        GridEvent(
            id=chain.new_id(),
            at=MIDNIGHT,
            source="test",
            event_id="event-1",
            modification=0,
            program_id=ProgramId("utility-peak"),
            interval=EVENT_SPAN,
            target_w=2 * SHARE_W,
            opt="optIn",
            received_at=MIDNIGHT,
        )
    )
    owed = [_commitment(chain, EVENT, span, 2 * SHARE_W, 1_000, event.id) for span in EVENT_SPAN.split(900)]
    command = chain.append(
        Command(
            id=chain.new_id(),
            at=MIDNIGHT,
            predecessors=(event.id, *(each.id for each in owed)),
            command_id=CommandId("command-1"),
            revision=0,
            site_id=EVENT_SITES[0],
            der_id=DerId("site-001-bat"),
            expires_at=EVENT_SPAN.end,
            priority=DispatchPriority.EVENT,
            schedule=Schedule(),
            reason="event",
        )
    )
    chain.append(
        CommandReceipt(
            id=chain.new_id(),
            at=MIDNIGHT,
            predecessors=(command.id,),
            command_id=command.command_id,
            revision=0,
            site_id=command.site_id,
            der_id=command.der_id,
            status=ReceiptStatus.ACCEPTED,
            reason="",
            setpoint_w=None,
            reported_at=MIDNIGHT,
        )
    )
    chain.append(
        Loss(
            id=chain.new_id(),
            at=LOST_AT,
            predecessors=(event.id, *(each.id for each in owed[2:])),
            site_id=EVENT_SITES[1],
            lost_w=SHARE_W,
            resplit={},
            unserved_w=SHARE_W,
            reason="gateway offline",
        )
    )
    return [energy, reserve, *owed]


@pytest.fixture
def service(
    chain: Chain,
    telemetry: DuckDbStore,
    market: Market,
    utility: Utility,
    commitments: list[Commitment],
) -> SettlementService:
    assert commitments
    return SettlementService(
        chain=chain,
        telemetry=telemetry,
        events=Events(),
        history=Histories(),
        catalogue=load_catalogue(),
        market=market,
        utility=utility,
    )


def _power_w(site: SiteId, kind: str, at: datetime) -> float:
    """What flows in the ten minutes from ``at`` on; injection positive."""
    hour = (at - MIDNIGHT).total_seconds() / 3_600
    in_event = 17 <= hour < 19
    if site in MARKET_SITES:
        battery_w = {MARKET_SITES[0]: 4_000.0, MARKET_SITES[1]: 1_500.0}[site] if 18 <= hour < 19 else 0.0
    else:
        battery_w = SHARE_W if in_event else 0.0
    pv_w = 100.0 if kind != "bat" and site == MARKET_SITES[0] else 0.0
    return {"bat": battery_w, "pv": pv_w, "met": HOUSE_W + battery_w + pv_w}[kind]


def _reading(site: SiteId, kind: str, at: datetime, counter: list[float]) -> Reading:
    return Reading(
        der_id=DerId(f"{site}-{kind}"),
        at=at,
        quality=Quality.GOOD,
        energy_injected_wh=counter[0],
        energy_absorbed_wh=counter[1],
    )


def _dip(site: SiteId, at: datetime, given_w: float) -> EventRecord:
    """Full activation for two seconds."""
    trace = EventTrace(
        offset_s=(0.0, 1.0, 2.0),
        frequency_hz=(59.5, 59.5, 59.5),
        demanded_w=(given_w,) * 3,
        measured_w=(given_w,) * 3,
    )
    return EventRecord(
        site_id=site,
        seq=1,
        event_id=f"dip-{site}",
        kind=EventKind.FREQUENCY_RESPONSE,
        triggered_at=at,
        trace=trace,
    )


def _enrolled(chain: Chain, site: SiteId, book: Book) -> EnrolledSite:
    kinds = {"bat": DerKind.BATTERY, "pv": DerKind.PV, "met": DerKind.METER}
    return EnrolledSite(
        id=chain.new_id(),
        at=MIDNIGHT - timedelta(days=1),
        owner_id=OwnerId(f"owner-{site}"),
        site_id=site,
        site_name=site,
        program_id=ProgramId("market-storage" if book is Book.MARKET else "utility-peak"),
        book=book,
        gateway_id=GatewayId(f"gateway-{site}"),
        ders=tuple(
            DerDescription(
                der_id=DerId(f"{site}-{short}"),
                kind=kind,
                name=short,
                manufacturer="",
                model="",
                serial="",
                firmware="",
                profile="",
            )
            for short, kind in kinds.items()
        ),
        owner_limits=OwnerLimits(),
        checks=(),
        applied_at=MIDNIGHT - timedelta(days=1, hours=1),
    )


def _commitment(
    chain: Chain,
    product_id: ProductId,
    interval: Interval,
    power_w: float,
    price: int,
    cause: RecordId | None = None,
) -> Commitment:
    book = Book.REGULATED if product_id == EVENT else Book.MARKET
    shares = {
        ENERGY: dict(zip(MARKET_SITES, (4_000.0, 2_000.0), strict=True)),
        RESERVE: dict(zip(MARKET_SITES, (4_000.0, 2_000.0), strict=True)),
        EVENT: dict.fromkeys(EVENT_SITES, SHARE_W),
    }
    return chain.append(
        Commitment(
            id=chain.new_id(),
            at=MIDNIGHT,
            predecessors=() if cause is None else (cause,),
            product_id=product_id,
            program_id=ProgramId("market-storage" if book is Book.MARKET else "utility-peak"),
            book=book,
            interval=interval,
            power_w=power_w,
            price=Price.from_decimal(price),
            sites=shares[product_id],
        )
    )
