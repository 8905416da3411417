"""Clause 4.10, enter service."""

from dataclasses import replace

import pytest

from simulators.devices.functions.decision import Excursion, Mode
from simulators.devices.functions.settings import (
    EnterService,
    FrequencyDroop,
    FunctionSettings,
    Threshold,
    Trips,
    VoltVar,
    VoltWatt,
    WattVar,
)
from tests.simulators.devices.functions.bench import Bench, bench

QUICK = EnterService(delay_s=3.0, ramp_s=5.0)


def out_of_service(service: EnterService = QUICK, *, dt_s: float = 0.02, seed: int = 0) -> Bench:
    return bench(dt_s, enter_service=service, unit={"in_service": False, "seed": seed})


@pytest.mark.req("IEEE 1547-2018 4.10.3")
@pytest.mark.parametrize("dt_s", [0.005, 0.02, 0.1, 0.3, 1.0])
def test_the_delay_passes_and_then_power_ramps(dt_s: float) -> None:
    unit = out_of_service(dt_s=dt_s)
    unit.run(9.0)
    assert unit.first_s(Mode.ENTERING_SERVICE) == pytest.approx(3.0, abs=dt_s + 1e-9)
    assert unit.first_s(Mode.CONTINUOUS) == pytest.approx(8.0, abs=2 * dt_s + 1e-9)
    assert {decided.power_pu for decided in unit.decided if decided.mode is Mode.TRIP} == {0.0}
    half_s = (next(number for number, p in enumerate(unit.power_pu) if p >= 0.5 - 1e-9) + 1) * dt_s
    assert half_s == pytest.approx(5.5, abs=2 * dt_s + 1e-9)
    assert unit.decided[-1].power_pu == 1.0


def test_a_battery_ramps_into_charging_too() -> None:
    unit = out_of_service()
    unit.inputs = {"demand_pu": -0.8, "floor_pu": -1.0}
    assert unit.run(5.5).power_pu == pytest.approx(-0.5, abs=0.01)
    assert unit.run(5.0).power_pu == -0.8


def test_the_remaining_delay_counts_down() -> None:
    unit = out_of_service()
    assert unit.run(1.0).enter_service_remaining_s == pytest.approx(2.0, abs=1e-6)
    assert unit.run(2.5).enter_service_remaining_s == 0.0


@pytest.mark.parametrize(
    "outside",
    [
        pytest.param({"frequency_hz": 60.2}, id="frequency-high"),
        pytest.param({"frequency_hz": 59.4}, id="frequency-low"),
        pytest.param({"voltage_pu": 0.91}, id="voltage-low"),
        pytest.param({"voltage_pu": 1.06}, id="voltage-high"),
        pytest.param({"voltage_low_pu": 0.91}, id="one-phase-low"),
        pytest.param({"voltage_high_pu": 1.06}, id="one-phase-high"),
        pytest.param({"permitted": False}, id="no-permission"),
    ],
)
def test_an_excursion_starts_the_delay_anew(outside: dict[str, float]) -> None:
    unit = out_of_service()
    unit.run(2.9)
    unit.step(**outside)
    unit.inputs = {}
    assert unit.run(2.9).mode is Mode.TRIP
    assert unit.run(0.2).mode is Mode.ENTERING_SERVICE


@pytest.mark.parametrize(
    "edge",
    [
        pytest.param({"frequency_hz": 60.1}, id="frequency-high"),
        pytest.param({"frequency_hz": 59.5}, id="frequency-low"),
        pytest.param({"voltage_pu": 0.917}, id="voltage-low"),
        pytest.param({"voltage_pu": 1.05}, id="voltage-high"),
    ],
)
def test_the_edges_of_the_window_belong_to_it(edge: dict[str, float]) -> None:
    assert out_of_service().run(3.1, **edge).mode is Mode.ENTERING_SERVICE


def test_a_delay_of_nothing_and_a_ramp_of_nothing_come_back_at_once() -> None:
    assert out_of_service(EnterService(delay_s=0.0, ramp_s=0.0)).step().power_pu == 1.0


@pytest.mark.req("IEEE 1547-2018 4.6.1")
@pytest.mark.parametrize("by", ["the settings", "the controller"])
def test_without_permission_it_ceases_at_once_and_comes_back_with_delay_and_ramp(by: str) -> None:
    unit = bench(enter_service=QUICK)
    unit.run(1.0)
    allowed, forbidden = FunctionSettings(enter_service=QUICK), replace(QUICK, permitted=False)
    if by == "the settings":
        unit.functions.settings = replace(allowed, enter_service=forbidden)
        ceased = unit.step()
    else:
        ceased = unit.step(permitted=False)
    assert (ceased.power_pu, ceased.reactive_pu, ceased.mode, ceased.ceased) == (0.0, 0.0, Mode.TRIP, True)
    assert ceased.alarms == Excursion(0)
    assert unit.run(10.0).mode is Mode.TRIP
    unit.functions.settings = allowed
    unit.inputs = {}
    assert unit.run(2.9).mode is Mode.TRIP
    assert unit.run(0.2).mode is Mode.ENTERING_SERVICE


def test_a_random_delay_is_seeded_and_drawn_anew_for_every_return() -> None:
    service = EnterService(delay_s=1.0, random_delay_s=20.0, ramp_s=0.0)

    def returns(seed: int) -> list[float]:
        unit = out_of_service(service, seed=seed)
        remaining_s = []
        for _ in range(3):
            remaining_s.append(unit.step(permitted=False).enter_service_remaining_s)
            unit.run(25.0, permitted=True)
        return remaining_s

    assert returns(1) == returns(1)
    assert len({*returns(1), *returns(2)}) == 6
    assert all(1.0 <= each_s <= 21.0 for each_s in returns(3))


def test_a_shorter_delay_that_is_set_while_it_waits_holds() -> None:
    unit = out_of_service()
    unit.run(1.0)
    unit.functions.settings = FunctionSettings(enter_service=replace(QUICK, delay_s=1.2))
    assert unit.run(0.3).mode is Mode.ENTERING_SERVICE


def test_a_trip_on_the_way_up_starts_from_the_beginning() -> None:
    trips = Trips(over_frequency=(Threshold(at=62.0, clearing_s=0.1),))
    unit = bench(enter_service=QUICK, trips=trips, unit={"in_service": False})
    assert unit.run(5.0).mode is Mode.ENTERING_SERVICE
    assert unit.run(0.2, frequency_hz=62.5).mode is Mode.TRIP
    assert unit.run(2.9, frequency_hz=60.0).mode is Mode.TRIP
    assert unit.run(0.2).power_pu < 0.1


TRIPS = Trips(over_frequency=(Threshold(at=62.0, clearing_s=0.1),))


def trip(unit: Bench, **inputs: float) -> None:
    """Through a trip by frequency, to half a second before the delay is over."""
    unit.run(1.0)
    unit.run(0.5, frequency_hz=62.5)
    assert unit.run(2.5, frequency_hz=60.0, **inputs).mode is Mode.TRIP


def test_what_droop_was_about_does_not_outlast_a_trip() -> None:
    droop = FrequencyDroop(enabled=True, droop_over=0.02, response_s=10.0)
    unit = bench(frequency_droop=droop, enter_service=QUICK, trips=TRIPS)
    trip(unit)
    unit.run(1.0)
    entered = next(number for number, each in enumerate(unit.decided) if each.mode is Mode.ENTERING_SERVICE)
    assert unit.power_pu[entered : entered + 3] == pytest.approx([0.004, 0.008, 0.012], abs=1e-9)


def test_coming_back_at_once_under_a_slight_excursion_moves_the_demand_and_not_nothing() -> None:
    droop = FrequencyDroop(enabled=True, response_s=0.2)
    unit = bench(frequency_droop=droop, enter_service=replace(QUICK, ramp_s=0.0), trips=TRIPS)
    trip(unit)
    assert unit.run(3.0, frequency_hz=60.096).power_pu == pytest.approx(1.0 - 0.06 / 3.0, abs=1e-6)


def test_the_reactions_to_voltage_go_on_measuring_and_come_back_settled() -> None:
    at_once = EnterService(delay_s=60.0, ramp_s=0.0)
    unit = bench(
        0.1,
        enter_service=at_once,
        volt_var=VoltVar(enabled=True, response_s=5.0),
        volt_watt=VoltWatt(enabled=True, points=((1.0, 1.0), (1.1, 0.0)), response_s=5.0),
        trips=TRIPS,
    )
    trip(unit, voltage_pu=1.05)
    back = next(each for each in (unit.step() for _ in range(700)) if each.mode is not Mode.TRIP)
    assert (back.power_pu, back.reactive_pu) == pytest.approx((0.5, -0.22), abs=1e-6)


def test_watt_var_begins_anew_from_no_power() -> None:
    unit = bench(
        watt_var=WattVar(enabled=True), enter_service=replace(QUICK, ramp_s=0.0), trips=TRIPS, dt_s=0.02
    )
    unit.run(60.0)
    assert unit.decided[-1].reactive_pu == pytest.approx(-0.44, abs=1e-3)
    trip(unit)
    back = next(each for each in (unit.step() for _ in range(100)) if each.mode is not Mode.TRIP)
    assert -0.01 < back.reactive_pu <= 0.0


def test_an_abnormal_voltage_on_the_way_up_is_told_by_its_mode() -> None:
    unit = out_of_service()
    assert unit.run(4.0).mode is Mode.ENTERING_SERVICE
    sagging = unit.step(voltage_pu=0.8)
    assert sagging.mode is Mode.MANDATORY
    assert 0.0 < sagging.power_pu < 0.3
