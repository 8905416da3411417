"""One small day with every kind of record, in numbers that can be worked out by hand."""

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from typing import Any

import pytest

from cloud.chain.records import (
    Award,
    Baseline,
    Book,
    Command,
    CommandReceipt,
    Commitment,
    Consent,
    Delivery,
    EnrolledSite,
    Forecast,
    ForecastSeries,
    GridEvent,
    Invoice,
    Loss,
    Offer,
    Opportunity,
    Plan,
    Settlement,
    Side,
    SiteEnergy,
)
from cloud.chain.store import Chain
from cloud.markets.catalogue import ENERGY, EVENT, RESERVE, load_catalogue
from cloud.payout.ledger import Ledger
from cloud.payout.service import PayoutService
from cloud.reporting.service import ReportingService
from cloud.settlement.baselining import RuleQuality
from cloud.settlement.placebo import Placebo
from cloud.settlement.settle import settle_event, total
from cloud.storage.database import Database
from cloud.telemetry.duckdb_store import DuckDbStore
from cloud.telemetry.store import columns_of
from vpp_core.clock import ManualClock
from vpp_core.der import DerDescription, DerKind, OwnerLimits
from vpp_core.ids import CommandId, DerId, GatewayId, OwnerId, ProductId, ProgramId, RecordId, SiteId
from vpp_core.interval import Interval
from vpp_core.measurement import Quality
from vpp_core.messages import DispatchPriority, Reading, ReceiptStatus
from vpp_core.money import Money, Price
from vpp_core.schedule import Schedule, ScheduleStep

DAY = date(2021, 8, 12)
MIDNIGHT = datetime(2021, 8, 12, 5, 0, tzinfo=UTC)
SPAN = Interval.of(MIDNIGHT, 86_400)
EVENT_SPAN = Interval.of(MIDNIGHT + timedelta(hours=17), 1_800)
NOTICE = MIDNIGHT + timedelta(hours=15)
ONE, TWO = SiteId("site-001"), SiteId("site-002")
KINDS = {"bat": DerKind.BATTERY, "pv": DerKind.PV, "met": DerKind.METER}


@pytest.fixture
def telemetry() -> Iterator[DuckDbStore]:
    """Hourly readings of two sites: PV 1 kW, house -2 kW, batteries at rest, 60 % and 20 % charged."""
    store = DuckDbStore(None, gap_s_max=3_600.0)
    readings: list[tuple[SiteId, Reading]] = []
    for site, charged in ((ONE, 60.0), (TWO, 20.0)):
        for hour in range(25):
            at = MIDNIGHT + timedelta(hours=hour)
            for name, power_w in (("bat", 0.0), ("pv", 1_000.0), ("met", -1_000.0)):
                readings.append((site, _reading(site, name, at, power_w * hour, charged)))
    store.write_batch(columns_of(readings))
    yield store
    store.close()


@pytest.fixture
def ledger(database: Database, clock: ManualClock) -> Ledger:
    return Ledger(database, clock)


@pytest.fixture
def reporting(chain: Chain, ledger: Ledger, telemetry: DuckDbStore) -> ReportingService:
    return ReportingService(
        chain=chain,
        ledger=ledger,
        telemetry=telemetry,
        catalogue=load_catalogue(),
        rule_quality=lambda _: [RuleQuality("event-1", "caiso-10-of-10 v1", Placebo(10, -0.4, 12.2))],
        zone="America/Chicago",
        notes={"signal_latency_p50": "paced clock"},
    )


@pytest.fixture
def payout(chain: Chain, ledger: Ledger) -> PayoutService:
    return PayoutService(chain=chain, ledger=ledger, zone="America/Chicago")


@pytest.fixture
def whole_day(chain: Chain) -> Chain:
    """Two sites; one energy hour, one reserve hour, two event intervals; two invoices."""
    story = Story(chain)
    for number, (site, book) in enumerate(((ONE, Book.REGULATED), (TWO, Book.MARKET)), start=1):
        story.join(site, book, days=number)
    story.forecast_and_plan()
    energy = story.market(ENERGY, hour=18, prices=(30, 40), quantities=(8_000, 6_000, 5_400))
    reserve = story.market(RESERVE, hour=14, prices=(5, 12), quantities=(4_000, 4_000, 3_000))
    story.market(ENERGY, hour=19, prices=(90, 40), quantities=(2_000, 0, 0))
    event = story.event()
    story.invoice(Book.MARKET, [energy, reserve], 24, 25)
    story.invoice(Book.REGULATED, event, 100, 100)
    return chain


class Story:
    def __init__(self, chain: Chain) -> None:
        self.chain = chain

    def add(self, kind: Any, at: datetime, *predecessors: RecordId, **fields: Any) -> Any:
        return self.chain.append(kind(id=self.chain.new_id(), at=at, predecessors=predecessors, **fields))

    def join(self, site: SiteId, book: Book, *, days: int) -> None:
        at = MIDNIGHT - timedelta(days=1)
        program = ProgramId("utility-peak" if book is Book.REGULATED else "market-storage")
        owner = OwnerId(f"own-{site}")
        consent = self.add(
            Consent,
            at,
            owner_id=owner,
            site_id=site,
            program_id=program,
            terms_version="2021-1",
            owner_share_pct=80,
            applied_at=at,
        )
        self.add(
            EnrolledSite,
            at,
            consent.id,
            owner_id=owner,
            site_id=site,
            site_name=site,
            program_id=program,
            book=book,
            gateway_id=GatewayId(f"gw-{site}"),
            ders=tuple(_der(site, name, kind) for name, kind in KINDS.items()),
            owner_limits=OwnerLimits(),
            checks=(),
            applied_at=at - timedelta(days=days),
        )

    def forecast_and_plan(self) -> None:
        at = MIDNIGHT - timedelta(hours=15)
        pv = {DerId(f"{site}-pv"): _series(1_100.0, 24) for site in (ONE, TWO)}
        load = {site: _series(-2_000.0, 24) for site in (ONE, TWO)}
        forecast = self.add(
            Forecast,
            at,
            horizon=SPAN,
            step_s=3_600,
            pv=pv,
            load=load,
            capability_up_w=(),
            enrolled_w=10_000.0,
        )
        for seconds in (0.2, 0.6, 0.4):
            self.add(
                Plan,
                at,
                forecast.id,
                purpose="bid",
                horizon=SPAN,
                step_s=3_600,
                devices=(),
                objective=Money(0),
                solver="highs",
                status="optimal",
                gap=0.001,
                solve_s=seconds,
                binding=(),
            )
        for hour, worthwhile in ((18, True), (3, False)):
            self.add(
                Opportunity,
                at,
                forecast.id,
                product_id=ENERGY,
                interval=_hour(hour),
                offerable_w=8_000.0,
                expected_price=Price.from_decimal(50),
                expected_value=Money(400_000),
                worthwhile=worthwhile,
                reason="",
            )

    def market(
        self,
        product_id: ProductId,
        *,
        hour: int,
        prices: tuple[int, int],
        quantities: tuple[int, int, int],
    ) -> Settlement | None:
        """Prices are limit and clearing (USD/MWh); quantities offered, won and metered (Wh)."""
        (limit, clearing), (offered, won, metered) = prices, quantities
        at, interval = MIDNIGHT - timedelta(hours=14), _hour(hour)
        what = {"product_id": product_id, "interval": interval}
        offer = self.add(
            Offer, at, **what, side=Side.SELL, quantity_wh=offered, limit_price=Price.from_decimal(limit)
        )
        price = Price.from_decimal(clearing)
        award = self.add(Award, at, offer.id, **what, side=Side.SELL, quantity_wh=won, clearing_price=price)
        if not won:
            return None
        contract = {"program_id": ProgramId("market-storage"), "book": Book.MARKET}
        owed = self.add(
            Commitment,
            at,
            award.id,
            **what,
            **contract,
            power_w=float(won),
            price=price,
            sites={TWO: float(won)},
        )
        delivery = self.add(
            Delivery,
            SPAN.end,
            owed.id,
            **what,
            sites={TWO: SiteEnergy(energy_wh=metered, quality=Quality.GOOD)},
            performance=metered / won if product_id == RESERVE else None,
        )
        net = price.of(metered)
        settlement: Settlement = self.add(
            Settlement,
            SPAN.end,
            delivery.id,
            **what,
            **contract,
            rule="v1",
            lines=(),
            net=net,
            sites={TWO: net},
        )
        return settlement

    def event(self) -> list[Settlement | None]:
        """4 kW owed for half an hour; the site answers 4 kW, drops out after a quarter and gives 1 kW."""
        event = self.add(
            GridEvent,
            NOTICE,
            source="utility",
            event_id="event-1",
            modification=0,
            program_id=ProgramId("utility-peak"),
            interval=EVENT_SPAN,
            target_w=4_000.0,
            opt="optIn",
            received_at=NOTICE,
        )
        settled: list[Settlement | None] = []
        owed: list[Commitment] = []
        for interval, given_wh in zip(EVENT_SPAN.split(900), (1_000, 250), strict=True):
            what = {"product_id": EVENT, "interval": interval}
            contract = {"program_id": ProgramId("utility-peak"), "book": Book.REGULATED}
            price = Price.from_decimal(1_000)
            commitment = self.add(
                Commitment,
                NOTICE,
                event.id,
                **what,
                **contract,
                power_w=4_000.0,
                price=price,
                sites={ONE: 4_000.0},
            )
            sites = {ONE: SiteEnergy(energy_wh=given_wh - 500, quality=Quality.GOOD)}
            delivery = self.add(Delivery, SPAN.end, commitment.id, **what, sites=sites)
            baseline = self.add(
                Baseline, SPAN.end, delivery.id, **what, rule="caiso-10-of-10 v1", sites={ONE: -500}
            )
            lines = settle_event(
                committed_wh=1_000,
                delivered_wh=given_wh,
                pay=price,
                penalty=Price.from_decimal(500),
                paid_share_max=Fraction(11, 10),
            )
            net = total(lines, "USD")
            owed.append(commitment)
            settled.append(
                self.add(
                    Settlement,
                    SPAN.end,
                    delivery.id,
                    baseline.id,
                    **what,
                    **contract,
                    rule="v1",
                    lines=lines,
                    net=net,
                    sites={ONE: net},
                )
            )
        self._commands(event, owed)
        self.add(
            Loss,
            EVENT_SPAN.start + timedelta(minutes=15),
            event.id,
            site_id=ONE,
            lost_w=4_000.0,
            resplit={TWO: 1_000.0},
            unserved_w=3_000.0,
            reason="gateway offline",
        )
        return settled

    def invoice(
        self, book: Book, settlements: Sequence[Settlement | None], theirs_cents: int, ours_cents: int
    ) -> None:
        ids = [each.id for each in settlements if each is not None]
        self.add(
            Invoice,
            SPAN.end,
            *ids,
            book=book,
            counterparty=book.value,
            day=DAY,
            amount_cents=theirs_cents,
            currency="USD",
            ours_cents=ours_cents,
        )

    def _commands(self, event: GridEvent, owed: Sequence[Commitment]) -> None:
        """Accepted after 0.2 and 0.4 s; started 1 s after the event began. One for no event at all."""
        steps = Schedule((ScheduleStep(EVENT_SPAN, 4_000.0),))
        for number, links in ((1, event.id), (2, event.id), (3, owed[0].id)):
            command = self.add(
                Command,
                NOTICE,
                links,
                command_id=CommandId(f"command-{number}"),
                revision=0,
                site_id=ONE,
                der_id=DerId(f"{ONE}-bat"),
                expires_at=EVENT_SPAN.end,
                priority=DispatchPriority.EVENT,
                schedule=steps if number == 1 else Schedule(),
                reason="",
            )
            self._receipt(command, ReceiptStatus.ACCEPTED, NOTICE + timedelta(seconds=0.2 * number))
            self._receipt(command, ReceiptStatus.ACCEPTED, NOTICE + timedelta(seconds=9))
            if number == 1:
                self._receipt(command, ReceiptStatus.STARTED, EVENT_SPAN.start + timedelta(seconds=1))

    def _receipt(self, command: Command, status: ReceiptStatus, at: datetime) -> None:
        self.add(
            CommandReceipt,
            at,
            command.id,
            command_id=command.command_id,
            revision=command.revision,
            site_id=command.site_id,
            der_id=command.der_id,
            status=status,
            reason="",
            setpoint_w=None,
            reported_at=at,
        )


def _reading(site: SiteId, name: str, at: datetime, counted_wh: float, charged_pct: float) -> Reading:
    return Reading(
        der_id=DerId(f"{site}-{name}"),
        at=at,
        energy_injected_wh=max(counted_wh, 0.0),
        energy_absorbed_wh=max(-counted_wh, 0.0),
        state_of_charge_pct=charged_pct if name == "bat" else None,
    )


def _der(site: SiteId, name: str, kind: DerKind) -> DerDescription:
    return DerDescription(
        der_id=DerId(f"{site}-{name}"),
        kind=kind,
        name=name,
        manufacturer="",
        model="",
        serial="",
        firmware="",
        profile="",
        injection_w_max=5_000.0 if kind is DerKind.BATTERY else 0.0,
        energy_capacity_wh=10_000.0,
    )


def _series(level_w: float, steps: int) -> ForecastSeries:
    band = {
        "q10_w": level_w - 50.0,
        "q50_w": level_w,
        "q90_w": level_w + 50.0,
        "persistence_w": level_w + 200.0,
    }
    return ForecastSeries(**{name: (value,) * steps for name, value in band.items()})


def _hour(hour: int) -> Interval:
    return Interval.of(MIDNIGHT + timedelta(hours=hour), 3_600)
