"""A trading floor in one process: the chain, three sites, and the simulated market behind real HTTP."""

from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import httpx
import pytest

from cloud.bidding.service import BiddingService
from cloud.chain.records import Book, EnrolledSite, Forecast, ForecastSeries
from cloud.chain.store import Chain
from cloud.forecasting.fleet import StorageUnit
from cloud.markets.catalogue import load_catalogue
from cloud.markets.day_ahead_http import HttpDayAheadMarket
from cloud.markets.local_day import local_day
from cloud.opportunity.service import OpportunityService
from simulators.market.app import create_app
from vpp_core.clock import ManualClock
from vpp_core.der import DerDescription, DerKind, OwnerLimits
from vpp_core.ids import DerId, GatewayId, OwnerId, ProgramId, SiteId
from vpp_core.interval import Interval
from vpp_core.messages import Reading

ZONE = "America/Chicago"
DAY = date(2021, 8, 12)
MORNING = datetime(2021, 8, 11, 14, 0, tzinfo=UTC)
"""09:00 in Texas on the day before delivery."""
TOKEN = "market-token"


def make_unit(name: str = "bat", **changes: float) -> StorageUnit:
    """A battery of 5 kW and 10 kWh without losses or owner limits, half full."""
    values: dict[str, float] = {
        "injection_w_max": 5_000.0,
        "absorption_w_max": 5_000.0,
        "energy_wh_min": 0.0,
        "energy_wh_max": 10_000.0,
        "energy_start_wh": 5_000.0,
        "charge_efficiency": 1.0,
        "discharge_efficiency": 1.0,
    }
    return StorageUnit(der_id=DerId(name), site_id=SiteId("site"), **(values | changes))


@pytest.fixture
def unit() -> Callable[..., StorageUnit]:
    return make_unit


def make_site(number: int, book: Book = Book.MARKET) -> EnrolledSite:
    site_id = f"site-{number:02}"

    def der(kind: DerKind, **ratings: float) -> DerDescription:
        return DerDescription(
            der_id=DerId(f"{site_id}.{kind.value}"),
            kind=kind,
            name=kind.value,
            manufacturer="Test",
            model="T",
            serial="1",
            firmware="1",
            profile="test",
            **ratings,
        )

    return EnrolledSite(
        id=f"01J00000000000000000000{number:03}",  # type: ignore[arg-type]
        at=MORNING,
        owner_id=OwnerId("owner"),
        site_id=SiteId(site_id),
        site_name=site_id,
        program_id=ProgramId("market-storage"),
        book=book,
        gateway_id=GatewayId("gw"),
        ders=(
            der(
                DerKind.BATTERY,
                injection_w_max=5_000.0,
                absorption_w_max=5_000.0,
                energy_capacity_wh=13_500.0,
                charge_efficiency=0.95,
                discharge_efficiency=0.95,
            ),
            der(DerKind.PV, injection_w_max=6_000.0),
        ),
        owner_limits=OwnerLimits(),
        checks=(),
        applied_at=MORNING,
    )


class NoReadings:
    """Nothing measured yet: storage is assumed half full."""

    def latest(self, devices: Iterable[DerId]) -> dict[DerId, Reading]:  # noqa: ARG002
        return {}


@dataclass
class Floor:
    chain: Chain
    clock: ManualClock
    market: HttpDayAheadMarket
    opportunity: OpportunityService
    bidding: BiddingService

    def forecast(self, day: date = DAY, sun_w: float = 0.0) -> Forecast:
        """A forecast with PV of ``sun_w`` from 12:00 to 16:00 UTC in every enrolled inverter."""
        horizon = local_day(day, ZONE)
        pv = tuple(sun_w if 17 <= piece.start.hour < 21 else 0.0 for piece in horizon.split(900))
        sites = self.chain.of_kind(EnrolledSite)
        series = ForecastSeries(q10_w=pv, q50_w=pv, q90_w=pv, persistence_w=pv, mean_w=pv)
        ders = [der.der_id for site in sites for der in site.ders if der.kind is DerKind.PV]
        return self.chain.append(
            Forecast(
                id=self.chain.new_id(),
                at=self.clock.now(),
                predecessors=tuple(site.id for site in sites),
                horizon=horizon,
                step_s=900,
                pv=dict.fromkeys(ders, series),
                load={},
                capability_up_w=(),
                enrolled_w=0.0,
            )
        )


def hourly_prices(
    start: datetime, days: int, price: Callable[[datetime], str]
) -> list[tuple[Interval, Decimal]]:
    hours = [start + timedelta(hours=hour) for hour in range(24 * days)]
    return [(Interval.of(hour, 3_600.0), Decimal(price(hour))) for hour in hours]


def evening_peak(hour: datetime) -> str:
    """20 USD/MWh, and 120 from 22:00 to 24:00 UTC (17:00 to 19:00 in Texas)."""
    return "120.00" if hour.hour in {22, 23} else "20.00"


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(MORNING)


@pytest.fixture
async def floor(chain: Chain, clock: ManualClock) -> AsyncIterator[Floor]:
    prices = hourly_prices(datetime(2021, 8, 1, 5, tzinfo=UTC), 14, evening_peak)
    app = create_app(clock=clock, prices=prices, token=TOKEN)
    for number in (0, 2):
        chain.append(make_site(number))
    chain.append(make_site(1, Book.REGULATED))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://market") as client:
        market = HttpDayAheadMarket("http://market", client, token=TOKEN)
        catalogue = load_catalogue()
        yield Floor(
            chain,
            clock,
            market,
            OpportunityService(chain, market, catalogue, NoReadings()),
            BiddingService(chain, market, catalogue, NoReadings(), timer_s=lambda: 0.0),
        )
