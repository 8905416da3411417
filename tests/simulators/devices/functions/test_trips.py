"""Clauses 6.4.1 and 6.5.1, mandatory tripping."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulators.devices.functions.decision import Excursion, Mode
from simulators.devices.functions.settings import (
    Category,
    EnterService,
    FunctionSettings,
    Threshold,
    Trips,
    default_settings,
)
from tests.simulators.devices.functions.bench import Bench, bench

QUICK = EnterService(delay_s=2.0, ramp_s=0.0)


def unit_with(trips: Trips, dt_s: float = 0.02) -> Bench:
    unit = bench(dt_s, trips=trips, enter_service=QUICK)
    unit.run(0.5)
    return unit


DEFAULTS = [
    pytest.param({"voltage_pu": 1.2}, 0.16, Excursion.OVER_VOLTAGE, id="ov2"),
    pytest.param({"voltage_pu": 1.1}, 13.0, Excursion.OVER_VOLTAGE, id="ov1"),
    pytest.param({"voltage_pu": 0.88}, 21.0, Excursion.UNDER_VOLTAGE, id="uv1"),
    pytest.param({"voltage_pu": 0.5}, 2.0, Excursion.UNDER_VOLTAGE, id="uv2"),
    pytest.param({"frequency_hz": 62.0}, 0.16, Excursion.OVER_FREQUENCY, id="of2"),
    pytest.param({"frequency_hz": 61.2}, 300.0, Excursion.OVER_FREQUENCY, id="of1"),
    pytest.param({"frequency_hz": 58.5}, 300.0, Excursion.UNDER_FREQUENCY, id="uf1"),
    pytest.param({"frequency_hz": 56.5}, 0.16, Excursion.UNDER_FREQUENCY, id="uf2"),
    pytest.param({"voltage_high_pu": 1.2}, 0.16, Excursion.OVER_VOLTAGE, id="ov2-on-one-phase"),
    pytest.param({"voltage_low_pu": 0.5}, 2.0, Excursion.UNDER_VOLTAGE, id="uv2-on-one-phase"),
]


@pytest.mark.req("IEEE 1547-2018 tables 13 and 18")
@pytest.mark.parametrize(("at_threshold", "clearing_s", "cause"), DEFAULTS)
def test_category_iii_trips_at_its_clearing_time(
    at_threshold: dict[str, float], clearing_s: float, cause: Excursion
) -> None:
    unit = unit_with(Trips())
    before = unit.run(clearing_s - 0.04, **at_threshold)
    assert before.mode is not Mode.TRIP
    assert before.alarms == cause
    tripped = unit.run(0.08)
    assert (tripped.mode, tripped.power_pu, tripped.reactive_pu) == (Mode.TRIP, 0.0, 0.0)
    assert tripped.alarms == cause


@pytest.mark.parametrize(("at_threshold", "clearing_s", "cause"), DEFAULTS)
def test_an_excursion_that_ends_in_time_does_not_trip_nor_add_to_the_next(
    at_threshold: dict[str, float], clearing_s: float, cause: Excursion
) -> None:
    unit = unit_with(Trips())
    for _ in range(3):
        assert unit.run(clearing_s - 0.04, **at_threshold).alarms == cause
        unit.inputs = {}
        back = unit.step()
        assert (back.mode, back.power_pu, back.alarms) == (Mode.CONTINUOUS, 1.0, Excursion(0))


@pytest.mark.parametrize(
    "just_within",
    [
        pytest.param({"voltage_pu": 1.0999}, id="below-ov1"),
        pytest.param({"voltage_pu": 0.8801}, id="above-uv1"),
        pytest.param({"frequency_hz": 61.199}, id="below-of1"),
        pytest.param({"frequency_hz": 58.501}, id="above-uf1"),
    ],
)
def test_just_within_a_threshold_nothing_ever_trips(just_within: dict[str, float]) -> None:
    unit = bench(1.0, trips=Trips())
    unit.run(1_000.0, **just_within)
    assert {decided.alarms for decided in unit.decided} == {Excursion(0)}
    assert Mode.TRIP not in {decided.mode for decided in unit.decided}


@pytest.mark.parametrize(
    "frequency_hz",
    [61.2, 61.2 - 4e-7, 60.0 + 1.2, 3 * 20.4],
    ids=["as-written", "half-a-microhertz-below", "as-a-sum", "as-a-product"],
)
def test_no_float_decides_at_the_threshold(frequency_hz: float) -> None:
    assert unit_with(Trips()).step(frequency_hz=frequency_hz).alarms == Excursion.OVER_FREQUENCY


@pytest.mark.parametrize("dt_s", [0.005, 0.02, 0.03, 0.1, 0.7, 1.0])
@pytest.mark.parametrize("clearing_s", [0.0, 0.16, 1.0, 2.1, 13.0])
def test_the_clearing_time_is_kept_to_one_step_whatever_the_step(dt_s: float, clearing_s: float) -> None:
    unit = bench(dt_s, trips=Trips(over_voltage=(Threshold(at=1.1, clearing_s=clearing_s),)))
    unit.run(clearing_s + 2.0 * dt_s, voltage_pu=1.15)
    assert clearing_s - 1e-6 <= unit.first_s(Mode.TRIP) <= clearing_s + dt_s + 1e-6


@pytest.mark.req("IEEE 1547-2018 tables 11 and 12")
@pytest.mark.parametrize(
    ("category", "voltage_pu", "clearing_s"),
    [
        pytest.param(Category.ONE, 1.1, 2.0, id="category-i-ov1"),
        pytest.param(Category.ONE, 0.7, 2.0, id="category-i-uv1"),
        pytest.param(Category.ONE, 0.45, 0.16, id="category-i-uv2"),
        pytest.param(Category.TWO, 0.7, 10.0, id="category-ii-uv1"),
        pytest.param(Category.TWO, 0.45, 0.16, id="category-ii-uv2"),
        pytest.param(Category.TWO, 1.2, 0.16, id="category-ii-ov2"),
        pytest.param(Category.THREE, 0.88, 21.0, id="category-iii-uv1"),
    ],
)
def test_defaults_of_the_categories(category: Category, voltage_pu: float, clearing_s: float) -> None:
    unit = bench(trips=Trips.of(category))
    unit.run(clearing_s + 0.1, voltage_pu=voltage_pu)
    assert unit.first_s(Mode.TRIP) == pytest.approx(clearing_s, abs=0.021)


def test_what_has_tripped_it_is_told_until_it_comes_back() -> None:
    unit = unit_with(Trips())
    unit.run(0.5, frequency_hz=62.5)
    assert unit.run(1.9, frequency_hz=60.0).alarms == Excursion.OVER_FREQUENCY
    back = unit.run(0.2)
    assert (back.mode, back.alarms, back.power_pu) == (Mode.CONTINUOUS, Excursion(0), 1.0)


def test_two_quantities_at_once_are_both_told() -> None:
    unit = unit_with(Trips())
    assert (
        unit.step(voltage_pu=1.15, frequency_hz=61.5).alarms
        == Excursion.OVER_VOLTAGE | Excursion.OVER_FREQUENCY
    )


def test_new_thresholds_hold_at_once_and_time_already_counted_stays() -> None:
    unit = unit_with(Trips())
    unit.run(10.0, voltage_pu=1.15)
    sooner = replace(
        Trips(), over_voltage=(Threshold(at=1.2, clearing_s=0.16), Threshold(at=1.1, clearing_s=10.5))
    )
    unit.functions.settings = FunctionSettings(trips=sooner, enter_service=QUICK)
    assert unit.run(0.4).mode is not Mode.TRIP
    assert unit.run(0.2).mode is Mode.TRIP


def test_without_elements_nothing_trips() -> None:
    none = Trips(over_voltage=(), under_voltage=(), over_frequency=(), under_frequency=())
    unit = bench(1.0, trips=none)
    unit.run(1_000.0, frequency_hz=70.0, voltage_pu=0.7)
    assert Mode.TRIP not in {decided.mode for decided in unit.decided}


def test_defaults_at_50_hz_keep_their_share_of_nominal() -> None:
    trips = default_settings(50.0).trips
    assert [each.at for each in trips.over_frequency] == [51.667, 51.0]
    assert [each.at for each in trips.under_frequency] == [48.75, 47.083]
    assert default_settings() == FunctionSettings()


@settings(max_examples=50)
@given(
    st.lists(st.floats(0.0, 1.3), min_size=1, max_size=200),
    st.floats(0.1, 5.0),
    st.sampled_from([0.02, 0.1, 0.5]),
)
def test_it_trips_exactly_when_a_run_of_samples_is_long_enough(
    voltages_pu: list[float], clearing_s: float, dt_s: float
) -> None:
    trips = Trips(
        over_voltage=(Threshold(at=1.1, clearing_s=clearing_s),), under_voltage=(), momentary_cessation=False
    )
    unit = bench(dt_s, trips=trips, enter_service=replace(QUICK, delay_s=1e6))
    longest = run = 0
    for voltage_pu in voltages_pu:
        unit.step(voltage_pu=voltage_pu)
        run = run + 1 if voltage_pu >= 1.1 - 5e-7 else 0
        longest = max(longest, run)
    assert (unit.decided[-1].mode is Mode.TRIP) == (longest * dt_s >= clearing_s - 1e-6)


def test_an_element_that_is_left_begins_anew_while_another_goes_on() -> None:
    unit = unit_with(Trips())
    for _ in range(3):
        unit.run(0.1, voltage_pu=1.25)
        unit.run(1.0, voltage_pu=1.15)
    assert Mode.TRIP not in {decided.mode for decided in unit.decided}
    assert unit.run(0.18, voltage_pu=1.25).mode is Mode.TRIP
