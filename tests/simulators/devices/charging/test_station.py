"""A charging station as IEC 61851-1 has it: offers, pilot states, pauses, phases, fail-safe, energy."""

import math
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulators.devices.charging.readings import Phase, Pilot
from simulators.devices.charging.station import EvseUnit, EvseUnitConfig
from simulators.devices.charging.vehicle import (
    CURRENT_A_MIN,
    Fleet,
    ImpossibleVisit,
    Vehicle,
    Visit,
    in_order,
    visits,
)
from tests.simulators.devices.charging.conftest import HOUR_S, FlatGrid, Make

FULL_W = 3 * 230.0 * 16.0 * 0.99
"""What the usual vehicle draws."""


def charging(unit: EvseUnit) -> EvseUnit:
    """The unit half a minute after the vehicle came."""
    unit.advance(40.0)
    assert unit.readings().phase is Phase.CHARGING
    return unit


def test_a_vehicle_comes_is_offered_current_takes_it_and_leaves(make: Make) -> None:
    unit = make(departure_s=100.0)
    seen = []
    for at_s in (5.0, 10.5, 40.0, 101.0):
        unit.advance(at_s)
        seen.append((unit.readings().pilot, unit.readings().plugged))
    assert seen == [(Pilot.A, False), (Pilot.B, True), (Pilot.C, True), (Pilot.A, False)]


def test_charging_is_negative_power_on_all_phases(make: Make) -> None:
    shown = charging(make()).readings()
    assert shown.power_w == pytest.approx(-FULL_W)
    assert shown.phase_current_a == (16.0, 16.0, 16.0)
    assert shown.power_w == pytest.approx(sum(shown.phase_power_w))
    assert math.hypot(shown.power_w, shown.reactive_var) == pytest.approx(3 * 230.0 * 16.0)
    assert shown.reactive_var < 0.0


@pytest.mark.parametrize(
    ("phases", "currents"),
    [
        pytest.param(1, (16.0, 0.0, 0.0), id="one"),
        pytest.param(2, (16.0, 16.0, 0.0), id="two"),
        pytest.param(3, (16.0, 16.0, 16.0), id="three"),
    ],
)
def test_a_vehicle_uses_the_phases_that_it_has(
    make: Make, phases: int, currents: tuple[float, float, float]
) -> None:
    assert charging(make(Vehicle(phases=phases))).readings().phase_current_a == currents


@pytest.mark.parametrize(
    ("limit_a", "drawn_a"),
    [
        pytest.param(5.9, 0.0, id="under-6-A-pauses"),
        pytest.param(6.0, 6.0, id="6-A-is-the-least"),
        pytest.param(10.0, 10.0, id="the-limit-holds"),
        pytest.param(40.0, 16.0, id="the-vehicle-has-its-own-limit"),
    ],
)
def test_the_limit_is_followed(make: Make, limit_a: float, drawn_a: float) -> None:
    unit = charging(make())
    unit.set_limit(limit_a)
    unit.advance(60.0)
    shown = unit.readings()
    assert shown.phase_current_a[0] == pytest.approx(drawn_a)
    assert (shown.pilot is Pilot.C) == (drawn_a > 0.0)


def test_the_hardware_bounds_the_offer(make: Make) -> None:
    unit = charging(make(Vehicle(current_a_max=32.0), EvseUnitConfig(current_a_max=20.0)))
    unit.set_limit(63.0)
    unit.advance(60.0)
    assert unit.readings().limit_a == unit.readings().phase_current_a[0] == 20.0


def test_a_vehicle_reacts_after_its_dead_time_and_then_ramps(make: Make) -> None:
    unit = make(Vehicle(reaction_s=2.0, rise_a_per_s=4.0))
    currents = []
    for at_s in (11.9, 13.0, 14.0, 20.0):
        unit.advance(at_s)
        currents.append(unit.readings().phase_current_a[0])
    assert currents[0] == 0.0
    assert currents[1] == pytest.approx(4.0, abs=0.5)
    assert currents[2] == pytest.approx(8.0, abs=0.5)
    assert currents[3] == 16.0


def test_a_disabled_station_offers_nothing_and_goes_on_when_enabled(make: Make) -> None:
    unit = charging(make())
    unit.enable(enabled=False)
    unit.advance(50.0)
    assert (unit.readings().phase, unit.power_w()) == (Phase.SUSPENDED, 0.0)
    unit.enable(enabled=True)
    unit.advance(80.0)
    assert unit.readings().phase is Phase.CHARGING


def test_the_contactor_opens_under_load_when_a_vehicle_does_not_obey(make: Make) -> None:
    unit = make(Vehicle(reaction_s=60.0), EvseUnitConfig(patience_s=6.0))
    unit.advance(90.0)
    unit.set_limit(0.0)
    unit.advance(95.0)
    assert unit.power_w() == pytest.approx(-FULL_W)
    unit.advance(97.0)
    assert unit.power_w() == 0.0


def test_a_vehicle_that_has_what_it_wants_ends_charging_by_itself(make: Make) -> None:
    unit = make(wanted_wh=500.0)
    unit.advance(HOUR_S)
    shown = unit.readings()
    assert shown.session_wh == pytest.approx(500.0, abs=FULL_W / HOUR_S)
    assert (shown.pilot, shown.phase, shown.power_w) == (Pilot.B, Phase.OFFERING, 0.0)


def test_the_current_tapers_near_full(make: Make) -> None:
    vehicle = Vehicle(capacity_wh=10_000.0, taper_from=0.8, taper_a=2.0)
    unit = make(vehicle, wanted_wh=99_000.0, state_of_charge=0.7)
    powers = []
    for at_s in range(60, 3_600, 60):
        unit.advance(float(at_s))
        powers.append(-unit.power_w())
    assert max(powers) == pytest.approx(FULL_W)
    falling = powers[powers.index(max(powers)) :]
    assert all(later <= earlier for earlier, later in pairwise(falling))
    assert 0.0 < falling[30] < 0.5 * FULL_W


def test_a_vehicle_without_vent_is_c_and_with_it_is_d_or_refused(make: Make) -> None:
    vehicle = Vehicle(needs_ventilation=True)
    refused, allowed = make(vehicle), make(vehicle, EvseUnitConfig(ventilated=True))
    for unit in (refused, allowed):
        unit.advance(40.0)
    assert (refused.readings().pilot, refused.power_w()) == (Pilot.B, 0.0)
    assert allowed.readings().pilot is Pilot.D
    assert allowed.power_w() == pytest.approx(-FULL_W)


def test_a_failed_station_is_f_and_one_without_mains_is_e(make: Make, grid: FlatGrid) -> None:
    unit = charging(make())
    unit.fail(0x40000)
    unit.advance(41.0)
    assert (unit.readings().pilot, unit.readings().phase, unit.power_w()) == (Pilot.F, Phase.FAILED, 0.0)
    unit.fail(0)
    unit.advance(70.0)
    assert unit.readings().pilot is Pilot.C
    grid.voltage = 0.0
    unit.advance(71.0)
    assert (unit.readings().pilot, unit.power_w()) == (Pilot.E, 0.0)


def test_phases_are_switched_with_the_contactor_open(make: Make) -> None:
    unit = charging(make(config=EvseUnitConfig(switch_pause_s=8.0)))
    unit.switch_phases(1)
    seen: list[tuple[int, float]] = []
    for tenth in range(400, 800):
        unit.advance(tenth / 10)
        shown = unit.readings()
        seen.append((shown.phases, shown.phase_current_a[0]))
    change = next(index for index, (phases, _) in enumerate(seen) if phases == 1)
    dead = [current for _, current in seen[: change + 1]]
    assert dead[-80:] == [0.0] * 80
    assert seen[-1] == (1, 16.0)
    assert unit.power_w() == pytest.approx(-FULL_W / 3)
    unit.switch_phases(3)
    unit.advance(120.0)
    assert unit.power_w() == pytest.approx(-FULL_W)


def test_switching_to_the_present_phases_does_not_pause(make: Make) -> None:
    unit = charging(make())
    unit.switch_phases(3)
    unit.advance(41.0)
    assert unit.power_w() == pytest.approx(-FULL_W)


@pytest.mark.parametrize(
    ("config", "phases"),
    [
        pytest.param(EvseUnitConfig(phases=1), 3, id="three-where-one-is-wired"),
        pytest.param(EvseUnitConfig(switches_phases=False), 1, id="a-station-that-cannot"),
        pytest.param(EvseUnitConfig(), 2, id="two-phases"),
    ],
)
def test_impossible_phases_are_refused(make: Make, config: EvseUnitConfig, phases: int) -> None:
    with pytest.raises(ValueError, match="cannot switch"):
        make(config=config).switch_phases(phases)


def test_silence_brings_the_fail_safe_current_and_a_sign_of_life_ends_it(make: Make) -> None:
    unit = make()
    unit.set_failsafe(current_a=6.0, timeout_s=30.0)
    unit.heard(10.0)
    unit.set_limit(16.0)
    unit.advance(39.0)
    assert not unit.readings().failsafe
    unit.advance(50.0)
    assert (unit.readings().failsafe, unit.readings().phase_current_a[0]) == (True, 6.0)
    unit.heard(50.0)
    unit.advance(70.0)
    assert (unit.readings().failsafe, unit.readings().phase_current_a[0]) == (False, 16.0)


def test_a_fail_safe_under_6_a_pauses(make: Make) -> None:
    unit = charging(make(config=EvseUnitConfig(failsafe_timeout_s=60.0)))
    unit.advance(80.0)
    assert (unit.readings().failsafe, unit.power_w()) == (True, 0.0)


def test_a_session_ends_at_its_energy_limit_and_the_next_one_does_not(make: Make) -> None:
    unit = charging(make())
    unit.end_session_at(400.0)
    unit.advance(HOUR_S)
    shown = unit.readings()
    assert (shown.phase, shown.power_w) == (Phase.ENDED, 0.0)
    assert 400.0 <= shown.session_wh < 400.0 + 5.0 * FULL_W / HOUR_S
    unit.unplug()
    unit.plug(Visit(arrival_s=HOUR_S, departure_s=2 * HOUR_S))
    unit.advance(1.5 * HOUR_S)
    assert unit.readings().phase is Phase.CHARGING
    assert unit.readings().session_wh > 1_000.0


def test_the_plug_is_locked_while_charging_and_unlocked_when_suspended(make: Make) -> None:
    unit = charging(make())
    with pytest.raises(ValueError, match="stays locked"):
        unit.unlock()
    unit.enable(enabled=False)
    unit.advance(60.0)
    unit.unlock()
    assert (unit.readings().locked, unit.readings().plugged) == (False, True)


def test_a_vehicle_that_fell_asleep_stays_so_until_it_is_plugged_in_again(make: Make) -> None:
    vehicle = Vehicle(sleeps_after_s=60.0)
    unit = charging(make(vehicle))
    unit.set_limit(0.0)
    unit.advance(200.0)
    unit.set_limit(16.0)
    unit.advance(260.0)
    assert (unit.readings().pilot, unit.power_w()) == (Pilot.B, 0.0)
    unit.plug(Visit(arrival_s=260.0, departure_s=HOUR_S, vehicle=vehicle))
    unit.advance(300.0)
    assert unit.readings().pilot is Pilot.C


def test_a_reboot_forgets_commands_but_not_what_was_kept(make: Make) -> None:
    unit = charging(make())
    unit.set_limit(8.0)
    unit.enable(enabled=False)
    unit.set_failsafe(current_a=10.0, timeout_s=60.0)
    unit.keep_failsafe()
    unit.set_failsafe(current_a=0.0, timeout_s=20.0)
    unit.reboot()
    unit.advance(41.0)
    assert unit.readings().phase is Phase.STARTING
    unit.advance(80.0)
    shown = unit.readings()
    assert (shown.enabled, shown.limit_a, unit.failsafe) == (True, 32.0, (10.0, 60.0))
    assert shown.phase is Phase.CHARGING


def test_energy_is_the_integral_of_power(make: Make) -> None:
    unit = make(Vehicle(capacity_wh=8_000.0), state_of_charge=0.5)
    integral_wh, last_w = 0.0, 0.0
    for tenth in range(1, 36_000):
        unit.advance(tenth / 10)
        if tenth == 10_000:
            unit.set_limit(9.0)
        if tenth == 20_000:
            unit.set_limit(16.0)
        power_w = -unit.power_w()
        integral_wh += 0.5 * (power_w + last_w) * 0.1 / HOUR_S
        last_w = power_w
    shown = unit.readings()
    assert shown.total_wh == pytest.approx(integral_wh, rel=1e-6)
    assert shown.total_wh == shown.session_wh
    vehicle = unit.vehicle
    assert vehicle is not None
    stored_wh = (vehicle.state_of_charge - 0.5) * 8_000.0
    assert stored_wh == pytest.approx(0.92 * shown.total_wh, rel=1e-4)


@settings(deadline=None, max_examples=20)
@given(st.lists(st.floats(0.01, 40.0), min_size=1, max_size=30))
def test_it_does_not_matter_how_often_it_is_looked_at(pauses: list[float]) -> None:
    plan = (Visit(arrival_s=3.0, departure_s=60.0, wanted_wh=60.0), Visit(arrival_s=70.0, departure_s=200.0))
    often, once = (EvseUnit(EvseUnitConfig(), FlatGrid(), plan, 0.0) for _ in range(2))
    at_s = 0.0
    for pause_s in pauses:
        at_s += pause_s
        often.advance(at_s)
    once.advance(at_s)
    assert once.readings().total_wh == pytest.approx(often.readings().total_wh, abs=1e-9)
    assert once.power_w() == pytest.approx(often.power_w())


@settings(deadline=None, max_examples=30)
@given(
    st.lists(
        st.tuples(st.floats(0.0, 40.0), st.booleans(), st.sampled_from((1, 3)), st.floats(0.5, 30.0)),
        max_size=12,
    )
)
def test_never_more_than_the_offer_and_never_a_current_under_load_of_nothing(
    orders: list[tuple[float, bool, int, float]],
) -> None:
    vehicle = Vehicle(reaction_s=0.5, current_a_max=32.0)
    unit = EvseUnit(
        EvseUnitConfig(), FlatGrid(), (Visit(arrival_s=0.0, departure_s=1e6, vehicle=vehicle),), 0.0
    )
    at_s, last_wh = 0.0, 0.0
    for limit_a, enabled, phases, pause_s in orders:
        unit.set_limit(limit_a)
        unit.enable(enabled=enabled)
        unit.switch_phases(phases)
        unit.advance(at_s + pause_s)
        at_s += pause_s
        shown = unit.readings()
        assert shown.total_wh >= last_wh
        last_wh = shown.total_wh
        assert max(shown.phase_current_a) <= 32.0
        assert shown.offered_a == 0.0 or CURRENT_A_MIN <= shown.offered_a <= 32.0
        if pause_s > 10.0:
            assert max(shown.phase_current_a) <= shown.offered_a + 1e-9
        if not shown.enabled and pause_s > 7.0:
            assert shown.power_w == 0.0


def test_random_visits_repeat_by_seed_and_never_overlap() -> None:
    plan = visits(7, 1_000.0, 30)
    assert plan == visits(7, 1_000.0, 30)
    assert plan != visits(8, 1_000.0, 30)
    assert 15 <= len(plan) <= 90
    assert in_order(plan) == plan
    assert {visit.vehicle.phases for visit in plan} == {1, 2, 3}
    assert all(visit.arrival_s >= 1_000.0 for visit in visits(7, 1_000.0, 3, Fleet(visits_a_day=3.0)))


@pytest.mark.parametrize(
    ("impossible", "reason"),
    [
        pytest.param(lambda: Vehicle(phases=4), "4 phases", id="phases"),
        pytest.param(lambda: Vehicle(current_a_max=5.0), "takes 5 A only", id="current"),
        pytest.param(lambda: Vehicle(power_factor=0.0), "power factor of 0", id="power-factor"),
        pytest.param(lambda: Visit(arrival_s=2.0, departure_s=1.0), "ends before", id="backwards"),
        pytest.param(
            lambda: Visit(arrival_s=0.0, departure_s=1.0, state_of_charge=1.5), "charge of 1.5", id="full"
        ),
        pytest.param(lambda: EvseUnitConfig(phases=2), "1 or 3 phases", id="a-station-with-two-phases"),
        pytest.param(lambda: EvseUnitConfig(current_a_max=100.0), "6 to 80 A", id="a-station-of-100-A"),
        pytest.param(lambda: EvseUnitConfig(step_s=0.0), "step_s", id="no-step"),
        pytest.param(
            lambda: in_order((Visit(arrival_s=0.0, departure_s=9.0), Visit(arrival_s=8.0, departure_s=9.0))),
            "before the last one ended",
            id="overlapping-visits",
        ),
    ],
)
def test_what_cannot_be_says_why(impossible: object, reason: str) -> None:
    assert callable(impossible)
    with pytest.raises(ImpossibleVisit, match=reason):
        impossible()
