"""Fetch under the grant, issue for the local day."""

from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

import httpx
import msgspec
import pytest
from fastapi import FastAPI

from cloud.chain.records import Book, Consent, EnrolledSite
from cloud.chain.store import Chain
from cloud.forecasting.fleet import READING_AGE_S_MAX, enrolled_sites, stored_fraction, taking_part
from cloud.forecasting.repository import HistoryRepository
from cloud.forecasting.router import router
from cloud.forecasting.service import ForecastingService
from cloud.markets.utility_http import UtilityClient
from cloud.storage.database import Database
from vpp_core.clock import ManualClock
from vpp_core.der import DerDescription, DerKind, OwnerLimits
from vpp_core.faults import CounterpartyFault
from vpp_core.ids import DerId, GatewayId, OwnerId, ProgramId, SiteId
from vpp_core.measurement import Quality
from vpp_core.messages import Reading

NOW = datetime(2021, 8, 11, 14, 0, tzinfo=UTC)
DAY = date(2021, 8, 12)
SITE = SiteId("site-01")
BATTERY = DerId("site-01.battery")


@dataclass
class Readings:
    """Newest readings that a test puts in."""

    known: dict[DerId, Reading] = field(default_factory=dict)

    def latest(self, devices: Iterable[DerId]) -> dict[DerId, Reading]:
        return {der_id: self.known[der_id] for der_id in devices if der_id in self.known}


@dataclass
class Utility:
    """Serves 1 kW of house, 0.5 kW of sun from two inverters and 0.25 kW of vehicle, in every step."""

    granted: bool = False

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.url.path == "/grants":
            self.granted = True
            return httpx.Response(201, json={})
        if not self.granted:
            return httpx.Response(403, json={"detail": "No grant."})
        start, end = (datetime.fromisoformat(request.url.params[name]) for name in ("start", "end"))
        steps = int((end - start).total_seconds()) // 900
        channels = {
            "net_kwh": [0.25 + 0.0625 - 0.125] * steps,
            "pv_kwh": [0.125] * steps,
            "evse_kwh": [0.0625] * steps,
        }
        body = {"site_id": SITE, "step_s": 900, "start": start.isoformat(), "channels": channels}
        return httpx.Response(200, json=body)


def der(name: str, kind: DerKind, **ratings: float) -> DerDescription:
    return DerDescription(
        der_id=DerId(f"{SITE}.{name}"),
        kind=kind,
        name=name,
        manufacturer="Test",
        model="T",
        serial="1",
        firmware="1",
        profile="test",
        **ratings,
    )


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOW)


@pytest.fixture
def site(chain: Chain) -> EnrolledSite:
    consent = chain.append(
        Consent(
            id=chain.new_id(),
            at=NOW,
            owner_id=OwnerId("own"),
            site_id=SITE,
            program_id=ProgramId("market-storage"),
            terms_version="1",
            owner_share_pct=80,
            applied_at=NOW,
        )
    )
    return chain.append(
        EnrolledSite(
            id=chain.new_id(),
            at=NOW,
            predecessors=(consent.id,),
            owner_id=OwnerId("own"),
            site_id=SITE,
            site_name="One",
            program_id=ProgramId("market-storage"),
            book=Book.MARKET,
            gateway_id=GatewayId("gw"),
            ders=(
                der("battery", DerKind.BATTERY, injection_w_max=5_000.0, energy_capacity_wh=10_000.0),
                der("pv-a", DerKind.PV, injection_w_max=3_000.0),
                der("pv-b", DerKind.PV, injection_w_max=1_000.0),
                der("meter", DerKind.METER),
            ),
            owner_limits=OwnerLimits(reserve_fraction=0.2),
            checks=(),
            applied_at=NOW,
        )
    )


@pytest.fixture
def readings() -> Readings:
    return Readings()


@pytest.fixture
def utility() -> Utility:
    return Utility()


@pytest.fixture
async def service(
    chain: Chain, database: Database, readings: Readings, utility: Utility
) -> AsyncIterator[ForecastingService]:
    async with httpx.AsyncClient(transport=httpx.MockTransport(utility)) as client:
        yield ForecastingService(
            chain, HistoryRepository(database), UtilityClient("http://utility", client, token="t"), readings
        )


async def test_history_is_fetched_under_the_owners_consent(
    service: ForecastingService, utility: Utility, site: EnrolledSite
) -> None:
    steps = await service.ingest_history(site.site_id)
    assert utility.granted
    assert steps >= 28 * 96


async def test_without_consent_no_data_is_asked_for(service: ForecastingService, utility: Utility) -> None:
    with pytest.raises(LookupError, match="has not consented"):
        await service.ingest_history(SiteId("site-99"))
    assert not utility.granted


async def test_a_utility_that_refuses_is_a_fault(
    service: ForecastingService, utility: Utility, site: EnrolledSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Utility, "__call__", lambda *_: httpx.Response(403, json={"detail": "No grant."}))
    with pytest.raises(CounterpartyFault, match="No grant"):
        await service.ingest_history(site.site_id)
    assert not utility.granted


async def test_house_and_sun_are_told_apart(service: ForecastingService, site: EnrolledSite) -> None:
    await service.ingest_history(site.site_id)
    forecast = service.issue(DAY, NOW)
    assert forecast.load[SITE].mean_w == (-1_000.0,) * 96
    assert forecast.pv[DerId("site-01.pv-a")].q50_w == (375.0,) * 96
    assert forecast.pv[DerId("site-01.pv-b")].mean_w == (125.0,) * 96
    assert forecast.load[SITE].persistence_w == (-1_000.0,) * 96
    assert forecast.predecessors == (site.id,)


@pytest.mark.parametrize(
    ("day", "steps"),
    [
        pytest.param(date(2021, 11, 7), 100, id="25 hours"),
        pytest.param(date(2022, 3, 13), 92, id="23 hours"),
    ],
)
async def test_the_horizon_is_the_local_day(
    service: ForecastingService, site: EnrolledSite, clock: ManualClock, day: date, steps: int
) -> None:
    issued = datetime(day.year, day.month, day.day, 14, tzinfo=UTC) - timedelta(days=1)
    clock.advance((issued - clock.now()).total_seconds())
    await service.ingest_history(site.site_id)
    forecast = service.issue(day, issued)
    assert len(forecast.load[SITE].mean_w) == len(forecast.capability_up_w) == steps
    assert set(forecast.load[SITE].mean_w) == {-1_000.0}


async def test_a_site_without_history_is_forecast_as_nothing(
    service: ForecastingService, site: EnrolledSite
) -> None:
    forecast = service.issue(DAY, NOW)
    assert set(forecast.load[site.site_id].mean_w) == {0.0}


@pytest.mark.parametrize(
    ("stored_pct", "expected_w"),
    [
        pytest.param(100.0, 5_000.0, id="full: limited by power"),
        pytest.param(30.0, 4_000.0, id="1 kWh above the reserve: limited by energy for a quarter of an hour"),
        pytest.param(20.0, 0.0, id="at the reserve: nothing"),
        pytest.param(None, 5_000.0, id="unknown: half full is assumed"),
    ],
)
async def test_capability_is_power_as_long_as_energy_lasts(
    service: ForecastingService,
    site: EnrolledSite,
    readings: Readings,
    stored_pct: float | None,
    expected_w: float,
) -> None:
    if stored_pct is not None:
        readings.known[BATTERY] = Reading(der_id=BATTERY, at=NOW, state_of_charge_pct=stored_pct)
    forecast = service.issue(DAY, NOW)
    assert forecast.capability_up_w[0] == pytest.approx(expected_w)
    assert forecast.enrolled_w == sum(d.injection_w_max for d in site.ders if d.kind is DerKind.BATTERY)


@pytest.mark.parametrize(
    ("changes", "fraction"),
    [
        pytest.param({}, 0.8, id="a fresh good reading"),
        pytest.param({"quality": Quality.SUSPECT}, 0.5, id="a doubtful one"),
        pytest.param({"state_of_charge_pct": None}, 0.5, id="one without a state of charge"),
        pytest.param({"at": NOW - timedelta(seconds=READING_AGE_S_MAX + 1)}, 0.5, id="an old one"),
        pytest.param({"state_of_charge_pct": 104.0}, 1.0, id="one above full"),
    ],
)
def test_only_a_good_fresh_state_of_charge_counts(changes: dict[str, Any], fraction: float) -> None:
    reading = Reading(der_id=BATTERY, at=NOW, state_of_charge_pct=80.0)
    assert stored_fraction(msgspec.structs.replace(reading, **changes), NOW) == fraction


def test_the_newest_enrolment_counts_and_an_opted_out_owner_does_not_take_part(
    chain: Chain, site: EnrolledSite
) -> None:
    out = msgspec.structs.replace(
        site, id=chain.new_id(), owner_limits=msgspec.structs.replace(site.owner_limits, opted_out=True)
    )
    chain.append(out)
    assert enrolled_sites(chain) == [out]
    assert taking_part([site], Book.MARKET) == [site]
    assert taking_part([site], Book.REGULATED) == []
    assert taking_part([out], Book.MARKET) == []


async def test_the_forecast_is_found_again(service: ForecastingService, site: EnrolledSite) -> None:
    first, second = service.issue(DAY, NOW), service.issue(DAY, NOW)
    assert first.predecessors == (site.id,)
    assert service.forecasts() == [first, second]


async def test_the_stage_answers_over_http(service: ForecastingService, site: EnrolledSite) -> None:
    app = FastAPI()
    app.include_router(router(service))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://cloud") as client:
        issued = await client.post("/api/v1/forecasts", json={"day": "2021-08-12"})
        assert issued.status_code == 201
        assert issued.json()["predecessors"] == [site.id]
        assert (await client.get("/api/v1/forecasts")).json() == [issued.json()]
        assert (await client.post("/api/v1/forecasts", json={"day": "soon"})).status_code == 422
