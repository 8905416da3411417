"""The composition root: every service of the cloud, made once and wired here."""

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import httpx
from fastapi import APIRouter, FastAPI

from cloud.api import chain_router, fleet_router
from cloud.api.app import create_app
from cloud.api.security import read_token
from cloud.bidding import router as bidding_router
from cloud.bidding.service import BiddingService
from cloud.chain.records import EnrolledSite
from cloud.chain.store import Chain
from cloud.dispatch import router as dispatch_router
from cloud.dispatch.event_plan import ProgramRules
from cloud.dispatch.resplit import ResponseRules
from cloud.dispatch.service import DispatchService
from cloud.enrollment import router as enrollment_router
from cloud.enrollment.errands import HistoryErrands
from cloud.enrollment.service import EnrollmentService
from cloud.enrollment.welcome import Welcome
from cloud.forecasting import router as forecasting_router
from cloud.forecasting.repository import HistoryRepository
from cloud.forecasting.service import ForecastingService
from cloud.markets.catalogue import Catalogue, load_catalogue
from cloud.markets.day_ahead_http import HttpDayAheadMarket
from cloud.markets.utility_http import UtilityClient
from cloud.opportunity import router as opportunity_router
from cloud.opportunity.service import OpportunityService
from cloud.payout import router as payout_router
from cloud.payout.ledger import Ledger
from cloud.payout.service import PayoutService
from cloud.reporting import router as reporting_router
from cloud.reporting.service import ReportingService
from cloud.settings import CloudSettings, OpenAdrSettings
from cloud.settlement import router as settlement_router
from cloud.settlement.service import SettlementService
from cloud.storage.audit import AuditTrail
from cloud.storage.database import Database, open_database
from cloud.telemetry.duckdb_store import DuckDbStore
from cloud.telemetry.ingest import Batching, Handlers, Ingest, Stores
from cloud.telemetry.live import LiveFleet
from cloud.telemetry.repository import EventRepository, ProgressRepository
from cloud.telemetry.wire import CommandSink, MessageSource
from vpp_core.clock import Clock, cpu_s
from vpp_core.ids import IdFactory, ProgramId

if TYPE_CHECKING:
    from cloud.openadr.ven import Ven


class Surroundings(NamedTuple):
    """What the cloud touches outside itself; a rig puts its own in place."""

    clock: Clock
    ids: IdFactory
    source: MessageSource
    sink: CommandSink
    http: httpx.AsyncClient
    """Carries the requests to market and utility; its owner closes it."""
    chance: random.Random | None = None
    """Makes enrollment codes and spreads reconnects; the system's by default."""
    timer_s: Callable[[], float] = cpu_s
    """Measures how long a plan took; a run that must repeat gives one that stands still."""


class Records(NamedTuple):
    """Everything that is kept, and the newest of it in memory."""

    database: Database
    telemetry: DuckDbStore
    audit: AuditTrail
    chain: Chain
    events: EventRepository
    histories: HistoryRepository
    ledger: Ledger
    live: LiveFleet


@dataclass(frozen=True, slots=True)
class Stages:
    """The seven stages of the value stream, and the figures about them."""

    enrollment: EnrollmentService
    forecasting: ForecastingService
    opportunity: OpportunityService
    bidding: BiddingService
    dispatch: DispatchService
    settlement: SettlementService
    payout: PayoutService
    reporting: ReportingService

    def routers(self) -> list[APIRouter]:
        return [
            enrollment_router.router(self.enrollment),
            forecasting_router.router(self.forecasting),
            opportunity_router.router(self.opportunity),
            bidding_router.router(self.bidding),
            dispatch_router.router(self.dispatch),
            settlement_router.router(self.settlement),
            payout_router.router(self.payout),
            reporting_router.router(self.reporting),
        ]


@dataclass(frozen=True, slots=True)
class Cloud:
    """One operator's cloud. Made by :func:`build`, run by :meth:`run`, ended by :meth:`close`."""

    settings: CloudSettings
    records: Records
    stages: Stages
    ingest: Ingest
    errands: HistoryErrands
    ven: "Ven | None"
    """Hears a utility's events, if one is configured."""
    api: FastAPI

    async def run(self) -> None:
        """Ingest, dispatch, errands and the VEN, until cancelled.

        Raises:
            Fault: inside an exception group: the broker was never there, or a store cannot be used.
        """
        async with asyncio.TaskGroup() as services:
            services.create_task(self.ingest.run(), name="ingest")
            services.create_task(self.stages.dispatch.run(), name="dispatch")
            services.create_task(self.errands.run(), name="errands")
            if self.ven is not None:
                services.create_task(self.ven.run(), name="ven")

    def close(self) -> None:
        self.records.telemetry.close()
        self.records.database.close()


def build(settings: CloudSettings, around: Surroundings) -> Cloud:
    """Open the stores and make every service.

    Raises:
        ConfigurationFault: a token file or a catalogue cannot be used.
        StorageFault: a store cannot be used.
    """
    token = read_token(settings.api.token_file)
    market = HttpDayAheadMarket(
        settings.market.url,
        around.http,
        token=read_token(settings.market.token_file),
        participant=settings.market.participant,
    )
    utility = UtilityClient(settings.utility.url, around.http, token=read_token(settings.utility.token_file))
    catalogue = load_catalogue()
    records = _open(settings, around)
    try:
        stages = _stages(settings, around, records, catalogue, market, utility)
        return _wire(settings, around, records, stages, token)
    except BaseException:
        records.telemetry.close()
        records.database.close()
        raise


def _open(settings: CloudSettings, around: Surroundings) -> Records:
    database = open_database(settings.storage.database_file)
    try:
        telemetry = DuckDbStore(settings.storage.telemetry_file, settings.telemetry.gap_s_max)
    except BaseException:
        database.close()
        raise
    chain = Chain(database, around.ids, around.clock)
    live = LiveFleet()
    ders = [der.der_id for record in chain.of_kind(EnrolledSite) for der in record.ders]
    for reading in telemetry.latest(ders).values():
        live.note_reading(reading)
    return Records(
        database=database,
        telemetry=telemetry,
        audit=AuditTrail(database, around.clock),
        chain=chain,
        events=EventRepository(database),
        histories=HistoryRepository(database),
        ledger=Ledger(database, around.clock),
        live=live,
    )


def _stages(
    settings: CloudSettings,
    around: Surroundings,
    records: Records,
    catalogue: Catalogue,
    market: HttpDayAheadMarket,
    utility: UtilityClient,
) -> Stages:
    chain, live, zone = records.chain, records.live, settings.zone
    settlement = SettlementService(
        chain=chain,
        telemetry=records.telemetry,
        events=records.events,
        history=records.histories,
        catalogue=catalogue,
        market=market,
        utility=utility,
    )
    return Stages(
        enrollment=EnrollmentService(
            records.database, chain, around.clock, records.audit, chance=around.chance
        ),
        forecasting=ForecastingService(chain, records.histories, utility, live, zone=zone),
        opportunity=OpportunityService(chain, market, catalogue, live, zone=zone),
        bidding=BiddingService(chain, market, catalogue, live, timer_s=around.timer_s),
        dispatch=DispatchService(
            chain=chain,
            catalogue=catalogue,
            readings=live,
            sink=around.sink,
            clock=around.clock,
            rules=(ProgramRules(), ResponseRules(**settings.dispatch.model_dump())),
        ),
        settlement=settlement,
        payout=PayoutService(chain=chain, ledger=records.ledger, zone=zone),
        reporting=ReportingService(
            chain=chain,
            ledger=records.ledger,
            telemetry=records.telemetry,
            catalogue=catalogue,
            rule_quality=settlement.rule_quality,
            zone=zone,
        ),
    )


def _wire(
    settings: CloudSettings, around: Surroundings, records: Records, stages: Stages, token: str
) -> Cloud:
    enrollment, dispatch = stages.enrollment, stages.dispatch
    errands = HistoryErrands(
        stages.forecasting.ingest_history,
        lambda: [record.site_id for record in enrollment.enrolled_sites()],
        around.clock,
    )
    welcome = Welcome(enrollment.on_enrollment, errands.request, around.sink, around.clock)
    ingest = Ingest(
        around.source,
        around.sink,
        around.clock,
        enrollment.roster,
        Stores(records.telemetry, records.events, ProgressRepository(records.database), records.audit),
        handlers=Handlers(
            on_enrollment=welcome.on_enrollment,
            on_state=dispatch.on_state,
            on_receipt=dispatch.on_receipt,
        ),
        batching=Batching(settings.telemetry.flush_s, settings.telemetry.flush_rows),
        live=records.live,
        chance=around.chance,
    )
    api = create_app(
        [
            *stages.routers(),
            chain_router.router(records.chain),
            fleet_router.router(enrollment, records.live, records.telemetry, records.events),
        ],
        token=token,
        audit=records.audit,
    )
    return Cloud(settings, records, stages, ingest, errands, _ven(settings.openadr, around, dispatch), api)


def _ven(settings: OpenAdrSettings | None, around: Surroundings, dispatch: DispatchService) -> "Ven | None":
    if settings is None:
        return None
    from cloud.openadr.ven import Ven, VenSettings

    fields = settings.model_dump(exclude={"programs"})
    programs = {context: ProgramId(program_id) for context, program_id in settings.programs.items()}
    return Ven(VenSettings(programs=programs, **fields), dispatch.on_grid_event, around.clock)
