"""A made-up outcome of a run, for the screens."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from simulators.rig.report.outcome import (
    BookMoney,
    DataSource,
    EventCurves,
    ForecastCurves,
    FrequencyCurves,
    Kpi,
    MarketCurves,
    MoneyLine,
    ReportData,
    Run,
    Scorecard,
    StatementLink,
)

NOON = datetime(2021, 8, 12, 17, tzinfo=UTC)


@pytest.fixture(scope="session")
def scorecard() -> Scorecard:
    return Scorecard(
        run=Run(
            day=date(2021, 8, 12),
            zone=ZoneInfo("America/Chicago"),
            sites=3,
            enrolled_w=15_300.0,
            seed=7,
            wall_s=41.25,
            broker="embedded iotcore",
            clock="paced",
            records=1_234,
            messages=5_678,
        ),
        kpis=(
            _kpi("onboarding", 1, 0.002, "d"),
            _kpi("accuracy", 5, 93.75, "%"),
            _kpi("restated", 7, None, "%", note="nothing was restated"),
        ),
        books=(
            BookMoney(
                book="market",
                counterparty="Day-ahead market",
                lines=(MoneyLine(what="Energy", cents=1_001), MoneyLine(what="Deviation", cents=-100)),
                invoice_cents=901,
                owners_cents=721,
                operator_cents=180,
                owners=2,
                trace_id="01MARKET",
            ),
            BookMoney(
                book="regulated",
                counterparty="Peak program <of the utility>",
                lines=(MoneyLine(what="Energy above baseline", cents=500),),
                invoice_cents=500,
                owners_cents=400,
                operator_cents=100,
                owners=1,
            ),
        ),
        sources=(
            DataSource(what="Day-ahead prices", origin="ERCOT 2021", licence="CC BY 4.0"),
            DataSource(what="House load", origin="generated", synthetic=True),
        ),
    )


@pytest.fixture(scope="session")
def report_data(scorecard: Scorecard) -> ReportData:
    minutes = tuple(NOON + timedelta(minutes=number) for number in range(60))
    hours = tuple(NOON + timedelta(hours=number) for number in range(25))
    return ReportData(
        scorecard=scorecard,
        headline=("accuracy", "no-such-figure"),
        event=EventCurves(
            times=minutes,
            step_s=60.0,
            target_w=(9_000.0,) * 60,
            delivered_w={"site-01": (4_500.0,) * 60, "site-03": (4_500.0,) * 20 + (0.0,) * 40},
            lost_site="site-03",
            lost_at=minutes[20],
            resplit_at=minutes[21],
            restored_at=minutes[50],
            lost_w=4_500.0,
        ),
        market=MarketCurves(
            hours=hours,
            price_per_mwh=tuple(20.0 + number for number in range(24)),
            awarded_w=(-3_000.0,) * 8 + (0.0,) * 8 + (3_000.0,) * 8,
            reserve_w=(500.0,) * 24,
            times=hours,
            state_of_charge_pct=(60.0,) * 25,
            reserve_pct=20.0,
        ),
        frequency=FrequencyCurves(
            triggered_at=NOON,
            sites=3,
            offset_s=(-1.0, 0.0, 1.0, 5.0),
            frequency_hz=(60.0, 59.96, 59.5, 60.0),
            demanded_w=(0.0, 0.0, 6_000.0, 0.0),
            measured_w=(0.0, 0.0, 5_500.0, 0.0),
        ),
        forecasts=(
            ForecastCurves(
                what="PV production",
                times=minutes,
                step_s=60.0,
                q10_w=(800.0,) * 60,
                q50_w=(1_000.0,) * 60,
                q90_w=(1_200.0,) * 60,
                measured_w=(1_100.0,) * 30 + (None,) * 30,
            ),
        ),
        statements=(StatementLink(owner="owner-03", cents=198, href="statement-03.html"),),
    )


def _kpi(name: str, stage: int, value: float | None, unit: str, note: str = "") -> Kpi:
    return Kpi(
        id=name,
        stage=stage,
        label=name.capitalize(),
        value=value,
        unit=unit,
        definition=f"how {name} is computed",
        note=note,
        trace_id=f"01{name.upper()}",
    )
