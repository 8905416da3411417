"""Every figure against numbers worked out by hand, traced to its records, and published once."""

from collections.abc import AsyncIterator, Iterator
from datetime import UTC, date, datetime, timedelta

import httpx
import msgspec
import pytest
from fastapi import FastAPI

from cloud.chain.records import Consent, EnrolledSite, Figure, GridEvent, Offer
from cloud.chain.store import Chain
from cloud.markets.catalogue import load_catalogue
from cloud.payout.ledger import Ledger
from cloud.payout.service import PayoutService
from cloud.reporting.computed import computed, percentile
from cloud.reporting.definitions import KPIS
from cloud.reporting.router import router
from cloud.reporting.service import ReportingService
from cloud.settlement.baselining import RuleQuality
from cloud.telemetry.duckdb_store import DuckDbStore
from cloud.telemetry.store import columns_of
from vpp_core.clock import ManualClock
from vpp_core.ids import DerId, SiteId
from vpp_core.measurement import Quality
from vpp_core.messages import Reading

DAY = date(2021, 8, 12)
WORKED_OUT = {
    "onboarding_median": (1.0, "one and two days: the median is the first"),
    "onboarding_p90": (2.0, "one and two days: ninety percent are within two"),
    "portfolio_growth": (0.01, "two batteries of 5 kW joined"),
    "forecast_mae": (0.0002, "PV is 100 W too high at two sites"),
    "forecast_nmae": (10.0, "200 W of 2 kW net"),
    "forecast_to_persistence": (0.2, "yesterday was 1 kW off"),
    "forecast_bias": (0.0002, "the forecast injects 200 W too much"),
    "forecast_coverage": (50.0, "house inside its band, PV outside"),
    "availability": (12.5, "a reading holds 15 of 60 min; one of two batteries is above its reserve"),
    "opportunity_value": (0.4, "one of two hours was worth bidding"),
    "opportunity_captured": (54.0, "0.216 USD of 0.40 USD"),
    "bid_to_win_energy": (60.0, "6 of 10 kWh"),
    "bid_to_win_reserve": (100.0, "all reserve"),
    "bid_to_win_count": (200.0 / 3.0, "two of three offers"),
    "optimisation_p50": (0.4, "of 0.2, 0.4 and 0.6 s"),
    "optimisation_max": (0.6, "the longest"),
    "optimisation_gap": (0.1, "gap of a thousandth"),
    "bid_value_offered": (0.44, "8 kWh x 30 + 2 kWh x 90 + 4 kW-h x 5"),
    "bid_value_cleared": (0.288, "6 kWh x 40 + 4 kW-h x 12"),
    "dispatch_accuracy_event": (62.5, "1.25 of 2 kWh"),
    "dispatch_accuracy_market": (90.0, "5.4 of 6 kWh"),
    "dispatch_within_5pct": (50.0, "one of two intervals"),
    "signal_latency_p50": (0.2, "of 0.2 and 0.4 s"),
    "signal_latency_p95": (0.4, "the later one"),
    "start_latency_p50": (1.0, "a second after the step began"),
    "start_latency_p95": (1.0, "a second after the step began"),
    "resplit_lost": (4.0, "4 kW dropped out"),
    "resplit_taken_over": (1.0, "1 kW was taken over"),
    "resplit_unserved": (3.0, "3 kW was not"),
    "resplit_forgone": (0.75, "0.75 kWh missing after the loss x 1 USD"),
    "shortfall_penalty": (-0.375, "0.75 kWh x 0.50 USD"),
    "performance_reserve": (0.75, "three of four kW"),
    "performance_event": (0.625, "1.25 of 2 kWh"),
    "baseline_bias": (-0.4, "as the placebo test says"),
    "baseline_cvrmse": (12.2, "as the placebo test says"),
    "settlement_value": (1.24, "0.24 and 1.00 USD"),
    "settlement_accuracy": (100.0 * (1 - 1 / 124), "one cent of 124"),
    "on_time_count": (100.0, "both within 30 days"),
    "on_time_amount": (100.0, "both within 30 days"),
    "paid_to_owners": (0.99, "80 percent of each book: 0.19 and 0.80 USD"),
    "operator_margin": (0.25, "the rest"),
    "report_accuracy": (100.0, "statements match the ledger"),
    "money_conserved": (0.0, "not a cent is missing"),
}


@pytest.fixture
def figures(whole_day: Chain, reporting: ReportingService, payout: PayoutService) -> dict[str, Figure]:
    assert whole_day.of_kind(EnrolledSite)
    payout.run(DAY)
    payout.statements(DAY)
    return {figure.kpi: figure for figure in reporting.publish(DAY)}


def test_each_figure_is_what_its_definition_says(figures: dict[str, Figure]) -> None:
    for kpi, (value, why) in WORKED_OUT.items():
        assert figures[kpi].value == pytest.approx(value, abs=1e-9), (kpi, why)
    assert WORKED_OUT.keys() == KPIS.keys()


def test_every_figure_is_published_with_its_definition_and_traced_to_records(
    figures: dict[str, Figure], chain: Chain
) -> None:
    assert list(figures) == list(KPIS)
    for kpi, figure in figures.items():
        definition = KPIS[kpi]
        assert (figure.stage, figure.unit, figure.definition) == (
            definition.stage,
            definition.unit,
            definition.formula,
        )
        assert figure.predecessors, kpi
    reached = {type(record) for record in chain.ancestors(figures["money_conserved"].id)}
    assert {Offer, GridEvent, Consent} <= reached


def test_what_is_synthetic_is_named(figures: dict[str, Figure]) -> None:
    assert "house load is synthetic" in figures["forecast_mae"].note
    assert "synthetic" in figures["settlement_value"].note
    assert figures["signal_latency_p50"].note.endswith("paced clock")


def test_publishing_again_adds_nothing(
    figures: dict[str, Figure], reporting: ReportingService, chain: Chain
) -> None:
    assert reporting.publish(DAY) == list(figures.values()) == reporting.figures(DAY)
    assert len(chain.of_kind(Figure)) == len(KPIS)


def test_a_figure_that_changed_is_a_revision_that_follows_from_the_old_one(
    figures: dict[str, Figure], reporting: ReportingService, chain: Chain, clock: ManualClock
) -> None:
    clock.advance(1.0)
    old = chain.of_kind(EnrolledSite)[0]
    chain.append(_slower(old, chain))
    again = {figure.kpi: figure for figure in reporting.publish(DAY)}
    assert figures["onboarding_p90"].id in again["onboarding_p90"].predecessors
    assert again["money_conserved"] == figures["money_conserved"]
    assert reporting.figures(DAY) == list(again.values())


def test_an_owner_who_opts_out_later_did_not_take_longer_to_join(
    figures: dict[str, Figure], reporting: ReportingService, chain: Chain
) -> None:
    for joined in chain.of_kind(EnrolledSite):
        later = msgspec.structs.replace(joined, id=chain.new_id(), at=joined.at + timedelta(hours=9))
        chain.append(later)
    again = {figure.kpi: figure.value for figure in reporting.publish(DAY)}
    for kpi in ("onboarding_median", "onboarding_p90"):
        assert again[kpi] == figures[kpi].value


def test_an_empty_day_has_every_figure_without_a_value_and_with_a_reason(reporting: ReportingService) -> None:
    figures = reporting.publish(date(2021, 8, 20))
    zero = {"portfolio_growth", "resplit_lost", "resplit_taken_over", "resplit_unserved", "resplit_forgone"}
    assert {figure.kpi for figure in figures if figure.value is not None} - zero == {
        "baseline_bias",
        "baseline_cvrmse",
    }
    assert all(figure.note for figure in figures if figure.value is None)


def test_without_telemetry_or_history_the_figures_say_so(
    whole_day: Chain, ledger: Ledger, silent: DuckDbStore
) -> None:
    reporting = ReportingService(
        chain=whole_day,
        ledger=ledger,
        telemetry=silent,
        catalogue=load_catalogue(),
        rule_quality=lambda _: [RuleQuality("event-1", "caiso-10-of-10 v1", None)],
        zone="America/Chicago",
    )
    figures = {figure.kpi: figure for figure in reporting.publish(DAY)}
    assert figures["forecast_mae"].note == "in no step were all sites measured"
    assert figures["baseline_bias"].note == "history is too short for placebo days"
    assert figures["availability"].value == 0.0


@pytest.fixture
def silent() -> Iterator[DuckDbStore]:
    """One battery reading, and that one is not good."""
    store = DuckDbStore(None)
    reading = Reading(
        der_id=DerId("site-001-bat"),
        at=datetime(2021, 8, 12, 12, 0, tzinfo=UTC),
        quality=Quality.SUSPECT,
        state_of_charge_pct=90.0,
    )
    store.write_batch(columns_of([(SiteId("site-001"), reading)]))
    yield store
    store.close()


def test_a_figure_without_a_value_needs_a_reason() -> None:
    with pytest.raises(ValueError, match="neither a value nor a reason"):
        computed("x", None, ())
    assert percentile([], 0.5) is None


async def test_the_scorecard_over_http(
    whole_day: Chain, reporting: ReportingService, client: httpx.AsyncClient
) -> None:
    assert whole_day.of_kind(EnrolledSite)
    day = {"day": "2021-08-12"}
    assert (await client.get("/api/v1/scorecard", params=day)).json() == []
    published = (await client.post("/api/v1/scorecard", json=day)).json()
    assert [figure["kpi"] for figure in published] == list(KPIS)
    assert (await client.get("/api/v1/scorecard", params=day)).json() == published
    unpaid = {figure.kpi: figure.note for figure in reporting.figures(DAY)}
    assert unpaid["money_conserved"] == "the day is not paid yet"


@pytest.fixture
async def client(reporting: ReportingService) -> AsyncIterator[httpx.AsyncClient]:
    app = FastAPI()
    app.include_router(router(reporting))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://cloud") as client:
        yield client


def _slower(site: EnrolledSite, chain: Chain) -> EnrolledSite:
    """Another site, whose owner applied long ago."""
    return msgspec.structs.replace(
        site,
        id=chain.new_id(),
        site_id=SiteId("site-099"),
        ders=(),
        applied_at=site.applied_at.replace(day=1),
    )
