"""A site: the meter is the sum of what lies behind it, exactly, however often somebody looks."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulators.data.extracts import pv_profile
from simulators.data.house_load import HouseLoad
from simulators.devices.battery import Battery, BatteryConfig
from simulators.devices.evse import ChargingSession, Evse, EvseConfig
from simulators.devices.physics import BATTERY, EVSE, LOAD, METER, PV, SitePhysics
from simulators.devices.piece import EnergyCounters, Piece
from simulators.devices.pv import Pv, PvConfig

NOON_S = datetime(2021, 8, 12, 17, tzinfo=UTC).timestamp()
VISIT = ChargingSession(arrival_s=NOON_S + 1_000.0, departure_s=NOON_S + 9_000.0, requested_wh=9_000.0)


def site() -> SitePhysics:
    return SitePhysics(
        HouseLoad(3),
        Battery(BatteryConfig(state_of_charge=0.3)),
        Pv(PvConfig(), pv_profile()),
        Evse(EvseConfig(), (VISIT,), NOON_S),
        begins_s=NOON_S,
    )


def command(physics: SitePhysics, setpoint_w: float, timer_s: float = 0.0) -> None:
    changes = {"WSet": setpoint_w, "WSetRvrtTms": timer_s, "WSetEna": 1.0}
    physics.battery.controls.write(changes, physics.now_s)


def test_power_at_the_meter_is_the_sum_behind_it() -> None:
    physics = site()
    command(physics, 2_500.0)
    physics.advance(NOON_S + 2_000.0)
    behind_w = sum(physics.power_w(name) for name in (LOAD, BATTERY, PV, EVSE))
    assert physics.power_w(METER) == pytest.approx(behind_w)
    assert physics.power_w(BATTERY) == 2_500.0
    assert physics.power_w(EVSE) == -7_200.0
    assert physics.power_w(LOAD) < 0.0 < physics.power_w(PV)


def test_counters_are_the_integrals_of_load_and_sun() -> None:
    physics, load, profile = site(), HouseLoad(3), pv_profile()
    end_s = NOON_S + 40_000.0
    physics.advance(end_s)
    assert physics.counters[LOAD].absorbed_wh == pytest.approx(load.energy_wh(NOON_S, end_s), rel=1e-9)
    assert physics.counters[PV].injected_wh == pytest.approx(
        6_000.0 * profile.energy_pu_h(NOON_S, end_s), rel=1e-9
    )
    assert physics.counters[EVSE].absorbed_wh == pytest.approx(9_000.0, abs=1e-3)


@given(st.lists(st.floats(0.01, 3_000.0), max_size=30))
def test_how_often_somebody_looks_changes_nothing(looks_s: list[float]) -> None:
    looked, undisturbed = site(), site()
    for physics in (looked, undisturbed):
        command(physics, -4_000.0, timer_s=5_000.0)
    for after_s in sorted(looks_s):
        looked.advance(NOON_S + after_s)
    for physics in (looked, undisturbed):
        physics.advance(NOON_S + 12_000.0)
    for name, counters in looked.counters.items():
        assert counters.injected_wh == pytest.approx(undisturbed.counters[name].injected_wh, abs=1e-3)
        assert counters.absorbed_wh == pytest.approx(undisturbed.counters[name].absorbed_wh, abs=1e-3)
    assert looked.battery.energy_wh == pytest.approx(undisturbed.battery.energy_wh, abs=1e-3)


@given(
    st.lists(
        st.tuples(st.floats(-5_000.0, 5_000.0), st.floats(0.0, 100.0), st.floats(1.0, 5_000.0)),
        min_size=1,
        max_size=10,
    )
)
def test_the_energy_balance_holds_whatever_is_commanded(orders: list[tuple[float, float, float]]) -> None:
    physics = site()
    now_s, before = NOON_S, (0.0, 0.0)
    for setpoint_w, limit_pct, duration_s in orders:
        command(physics, setpoint_w)
        physics.pv.controls.write({"WMaxLimPct": limit_pct, "WMaxLimPctEna": 1.0}, now_s)
        now_s += duration_s
        physics.advance(now_s)
        meter = physics.counters[METER]
        behind_wh = sum(physics.counters[name].net_wh for name in (LOAD, BATTERY, PV, EVSE))
        assert meter.net_wh == pytest.approx(behind_wh, abs=1e-3)
        assert meter.injected_wh >= before[0]
        assert meter.absorbed_wh >= before[1]
        assert 0.0 <= physics.battery.state_of_charge <= 1.0
        before = meter.injected_wh, meter.absorbed_wh


def test_a_reversion_takes_effect_at_its_instant_and_not_at_the_next_look() -> None:
    physics = site()
    command(physics, 3_600.0, timer_s=100.0)
    physics.advance(NOON_S + 10_000.0)
    ramps_s = 3_600.0 / 10_000.0
    assert physics.counters[BATTERY].injected_wh == pytest.approx(100.0, abs=ramps_s)
    assert physics.battery.controls.setpoint_w() is None
    assert physics.power_w(BATTERY) == 0.0


def test_an_earlier_instant_changes_nothing() -> None:
    physics = site()
    physics.advance(NOON_S + 100.0)
    before_wh = physics.counters[METER].net_wh
    physics.advance(NOON_S - 3_600.0)
    assert physics.now_s == NOON_S + 100.0
    assert physics.counters[METER].net_wh == before_wh


def test_a_broken_balance_is_an_assertion() -> None:
    physics = site()
    physics.counters[METER].injected_wh += 1.0
    with pytest.raises(AssertionError, match="energy balance is broken"):
        physics.advance(NOON_S + 1.0)


def test_a_line_through_zero_counts_on_both_sides() -> None:
    """From -1,000 to 3,000 W in an hour: a quarter of it below zero (125 Wh), the rest above (1,125 Wh)."""
    counters = EnergyCounters()
    counters.count(Piece(3_600.0, -1_000.0, 3_000.0))
    assert counters.absorbed_wh == pytest.approx(125.0)
    assert counters.injected_wh == pytest.approx(1_125.0)
    assert counters.net_wh == pytest.approx(1_000.0)


@given(st.floats(-1e4, 1e4), st.floats(-1e4, 1e4), st.floats(0.1, 1e4), st.floats(0.0, 1.0))
def test_a_piece_cut_in_two_has_the_energy_of_the_whole(
    start_w: float, end_w: float, duration_s: float, share: float
) -> None:
    whole = Piece(duration_s, start_w, end_w)
    first = whole.over(share * duration_s)
    second = Piece(duration_s - first.duration_s, first.end_w, end_w)
    assert first.energy_wh + second.energy_wh == pytest.approx(whole.energy_wh, abs=1e-6)
    assert first.injected_wh + second.injected_wh == pytest.approx(whole.injected_wh, abs=1e-6)
