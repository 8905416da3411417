"""From counters, traces and histories to energy that counts."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec
import pytest

from cloud.chain.records import Commitment, Delivery, SiteEnergy
from cloud.markets.catalogue import ENERGY, RESERVE, load_catalogue
from cloud.markets.utility_http import IntervalHistory
from cloud.settlement.assessment import Measured
from cloud.settlement.history import good_steps, metered_days
from cloud.settlement.measurement import Response, response, site_energy
from cloud.settlement.metering import droop_of
from cloud.settlement.reconciliation import performance_rows
from cloud.settlement.scores import Droop
from cloud.telemetry.store import EnergyStep
from vpp_core.ids import DerId, SiteId
from vpp_core.interval import Interval
from vpp_core.measurement import Quality
from vpp_core.messages import EventKind, EventRecord, EventTrace

A, B = SiteId("a"), SiteId("b")
CHICAGO = ZoneInfo("America/Chicago")
NOON = datetime(2021, 8, 12, 17, 0, tzinfo=UTC)
HOUR = Interval.of(NOON, 3_600)
DROOP = Droop(60.0, 0.036, 0.5)


def step(net_wh: float | None, quality: Quality = Quality.GOOD, interval: Interval = HOUR) -> EnergyStep:
    if net_wh is None:
        return EnergyStep(interval=interval, injected_wh=None, absorbed_wh=None, quality=Quality.MISSING)
    return EnergyStep(
        interval=interval, injected_wh=max(net_wh, 0.0), absorbed_wh=max(-net_wh, 0.0), quality=quality
    )


def test_a_site_is_the_sum_of_its_devices_in_whole_wh() -> None:
    steps = {DerId("bat"): [step(1_000.4)], DerId("pv"): [step(-0.8)]}
    found = site_energy({A: [DerId("bat"), DerId("pv")]}, steps)
    assert found == {HOUR: {A: SiteEnergy(energy_wh=1_000, quality=Quality.GOOD)}}


@pytest.mark.parametrize(
    ("bad", "quality"),
    [
        pytest.param(step(500.0, Quality.ESTIMATED), Quality.ESTIMATED, id="estimated energy is not paid"),
        pytest.param(step(None), Quality.MISSING, id="missing energy is zero"),
    ],
)
def test_only_good_energy_counts_and_the_worst_quality_shows(bad: EnergyStep, quality: Quality) -> None:
    steps = {DerId("bat"): [bad], DerId("pv"): [step(70.0)]}
    found = site_energy({A: [DerId("bat"), DerId("pv")]}, steps)
    assert found[HOUR][A] == SiteEnergy(energy_wh=70, quality=quality)


def test_without_an_event_all_reserve_was_good() -> None:
    assert response({A: 3_000.0}, [], DROOP) == Response(
        1.0, {A: SiteEnergy(energy_wh=3_000, quality=Quality.GOOD)}
    )


def test_a_site_without_a_record_of_a_dip_did_not_answer_it() -> None:
    trace = EventTrace(
        offset_s=(0.0, 1.0),
        frequency_hz=(59.5, 59.5),
        demanded_w=(3_000.0, 3_000.0),
        measured_w=(3_000.0, 3_000.0),
    )
    dip = EventRecord(
        site_id=A,
        seq=1,
        event_id="dip",
        kind=EventKind.FREQUENCY_RESPONSE,
        triggered_at=NOON,
        trace=trace,
    )
    found = response({A: 3_000.0, B: 1_000.0}, [dip], DROOP)
    assert found.performance == 0.75
    assert found.sites[B] == SiteEnergy(energy_wh=0, quality=Quality.MISSING)


def test_the_contracted_response_comes_from_the_product() -> None:
    catalogue = load_catalogue()
    assert droop_of(catalogue.at(RESERVE, date(2021, 8, 12))) == DROOP
    with pytest.raises(ValueError, match="no frequency response"):
        droop_of(catalogue.at(ENERGY, date(2021, 8, 12)))


def history(net_wh: list[float | None], step_s: int = 900) -> IntervalHistory:
    none = (None,) * len(net_wh)
    return IntervalHistory(
        site_id=A, step_s=step_s, start=NOON, net_wh=tuple(net_wh), pv_wh=none, evse_wh=none
    )


def test_a_meters_consumption_becomes_negative_injection_by_local_step() -> None:
    assert metered_days(history([500.0, None, -250.4]), CHICAGO, 900) == {
        date(2021, 8, 12): {48: -500, 50: 250}
    }


def test_finer_steps_add_up_and_a_gap_leaves_the_step_out() -> None:
    fine = history([100.0, 100.0, 100.0, None, 50.0, 50.0], step_s=300)
    assert metered_days(fine, CHICAGO, 900) == {date(2021, 8, 12): {48: -300}}
    with pytest.raises(ValueError, match="does not make steps of 900 s"):
        metered_days(history([1.0], step_s=3_600), CHICAGO, 900)


def test_the_repeated_hour_of_the_25_h_day_adds_up_in_its_steps() -> None:
    first = datetime(2021, 11, 7, 6, 0, tzinfo=UTC)  # 01:00 CDT, which comes again as 01:00 CST
    twice = msgspec.structs.replace(history([10.0] * 8), start=first)
    assert metered_days(twice, CHICAGO, 900) == {date(2021, 11, 7): dict.fromkeys(range(4, 8), -20)}


def test_only_good_steps_of_the_day_enter_an_adjustment() -> None:
    later = Interval.of(NOON + timedelta(minutes=15), 900)
    rows = {
        DerId("m"): [step(-100.0, Quality.ESTIMATED, Interval.of(NOON, 900)), step(-90.0, interval=later)]
    }
    assert good_steps(rows, {A: DerId("m"), B: DerId("x")}, CHICAGO, 900) == {A: {49: -90}, B: {}}


def test_without_a_baseline_nothing_is_reported_to_the_utility(commitments: list[Commitment]) -> None:
    delivery = Delivery(
        id=commitments[0].id,
        at=NOON,
        interval=HOUR,
        product_id=ENERGY,
        sites={A: SiteEnergy(energy_wh=1, quality=Quality.GOOD)},
    )
    assert performance_rows(Measured(commitments[0], delivery, None)) == []
