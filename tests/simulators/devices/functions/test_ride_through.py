"""Clauses 6.4.2 and 6.5.2, ride-through: which operation, and whether power flows."""

import pytest

from simulators.devices.functions.decision import Mode
from simulators.devices.functions.settings import (
    Category,
    FrequencyDroop,
    Threshold,
    Trips,
    VoltWatt,
    default_settings,
)
from tests.simulators.devices.functions.bench import Bench, bench


def unit_of(category: Category = Category.THREE) -> Bench:
    unit = bench(trips=Trips.of(category))
    unit.run(0.1, demand_pu=0.7)
    return unit


@pytest.mark.req("IEEE 1547-2018 tables 14 to 16")
@pytest.mark.parametrize(
    ("category", "voltage_pu", "mode", "power_pu"),
    [
        pytest.param(Category.ONE, 0.88, Mode.CONTINUOUS, 0.7, id="i-0.88-continuous"),
        pytest.param(Category.ONE, 0.80, Mode.MANDATORY, 0.7, id="i-0.80-mandatory"),
        pytest.param(Category.ONE, 0.70, Mode.MANDATORY, 0.7, id="i-0.70-mandatory"),
        pytest.param(Category.ONE, 0.60, Mode.PERMISSIVE, 0.7, id="i-0.60-permissive"),
        pytest.param(Category.ONE, 0.45, Mode.CEASE_TO_ENERGIZE, 0.0, id="i-0.45-cease"),
        pytest.param(Category.ONE, 1.16, Mode.PERMISSIVE, 0.7, id="i-1.16-permissive"),
        pytest.param(Category.ONE, 1.21, Mode.CEASE_TO_ENERGIZE, 0.0, id="i-1.21-cease"),
        pytest.param(Category.TWO, 0.66, Mode.MANDATORY, 0.7, id="ii-0.66-mandatory"),
        pytest.param(Category.TWO, 0.60, Mode.PERMISSIVE, 0.7, id="ii-0.60-permissive"),
        pytest.param(Category.TWO, 0.29, Mode.CEASE_TO_ENERGIZE, 0.0, id="ii-0.29-cease"),
        pytest.param(Category.TWO, 1.10, Mode.PERMISSIVE, 0.7, id="ii-1.10-permissive"),
        pytest.param(Category.THREE, 0.88, Mode.CONTINUOUS, 0.7, id="iii-0.88-continuous"),
        pytest.param(Category.THREE, 0.879, Mode.MANDATORY, 0.7, id="iii-0.879-mandatory"),
        pytest.param(Category.THREE, 0.501, Mode.MANDATORY, 0.7, id="iii-0.501-mandatory"),
        pytest.param(Category.THREE, 0.50, Mode.MOMENTARY_CESSATION, 0.0, id="iii-0.50-momentary-cessation"),
        pytest.param(Category.THREE, 0.0, Mode.MOMENTARY_CESSATION, 0.0, id="iii-0-momentary-cessation"),
        pytest.param(Category.THREE, 1.099, Mode.CONTINUOUS, 0.7, id="iii-1.099-continuous"),
        pytest.param(Category.THREE, 1.10, Mode.MOMENTARY_CESSATION, 0.0, id="iii-1.10-momentary-cessation"),
        pytest.param(Category.THREE, 1.22, Mode.MOMENTARY_CESSATION, 0.0, id="iii-1.22-momentary-cessation"),
    ],
)
def test_voltage(category: Category, voltage_pu: float, mode: Mode, power_pu: float) -> None:
    unit = unit_of(category)
    during = unit.step(voltage_pu=voltage_pu)
    assert (during.mode, during.power_pu) == (mode, power_pu)
    assert during.ceased == (power_pu == 0.0)
    after = unit.step(voltage_pu=1.0)
    assert (after.mode, after.power_pu) == (Mode.CONTINUOUS, 0.7)


@pytest.mark.req("IEEE 1547-2018 table 19")
@pytest.mark.parametrize("nominal_hz", [50.0, 60.0])
@pytest.mark.parametrize(
    ("share", "mode"),
    [
        pytest.param(1.0199, Mode.CONTINUOUS, id="just-below-1.02"),
        pytest.param(1.02, Mode.MANDATORY, id="at-1.02"),
        pytest.param(1.03, Mode.MANDATORY, id="at-1.03"),
        pytest.param(1.031, Mode.NOT_DEFINED, id="beyond-1.03"),
        pytest.param(0.981, Mode.CONTINUOUS, id="just-above-0.98"),
        pytest.param(0.98, Mode.MANDATORY, id="at-0.98"),
        pytest.param(0.95, Mode.MANDATORY, id="at-0.95"),
        pytest.param(0.949, Mode.NOT_DEFINED, id="beyond-0.95"),
    ],
)
def test_frequency_never_stops_power_before_a_trip(nominal_hz: float, share: float, mode: Mode) -> None:
    unit = bench(trips=default_settings(nominal_hz).trips, unit={"nominal_hz": nominal_hz})
    during = unit.step(frequency_hz=share * nominal_hz, demand_pu=0.7)
    assert (during.mode, during.power_pu) == (mode, 0.7)


def test_of_two_phases_the_worse_decides() -> None:
    unit = unit_of()
    assert unit.step(voltage_low_pu=0.7, voltage_high_pu=1.15).mode is Mode.MOMENTARY_CESSATION
    assert unit.step(voltage_low_pu=0.7, voltage_high_pu=1.05).mode is Mode.MANDATORY


def test_without_momentary_cessation_power_flows_until_the_trip() -> None:
    unit = bench(trips=Trips(momentary_cessation=False))
    during = unit.run(1.0, voltage_pu=0.4)
    assert (during.mode, during.power_pu) == (Mode.PERMISSIVE, 1.0)
    assert unit.run(1.1).mode is Mode.TRIP


def test_over_a_momentary_cessation_the_functions_go_on_measuring() -> None:
    steady, interrupted = (bench(volt_watt=VoltWatt(enabled=True)) for _ in range(2))
    for unit in (steady, interrupted):
        unit.run(1.0)
        unit.run(3.0, voltage_pu=1.095)
    interrupted.step(voltage_pu=1.1)
    steady.step(voltage_pu=1.0999)
    assert interrupted.decided[-1].power_pu == 0.0
    assert interrupted.step(voltage_pu=1.095).power_pu == pytest.approx(
        steady.step(voltage_pu=1.095).power_pu, abs=1e-3
    )


def test_droop_remembers_over_a_momentary_cessation_what_was_before_it() -> None:
    droop = FrequencyDroop(enabled=True, response_s=0.2)
    wide = Trips(over_frequency=(Threshold(at=70.0, clearing_s=1.0),))
    unit = bench(frequency_droop=droop, trips=wide)
    unit.run(1.0, demand_pu=0.7)
    unit.run(0.5, voltage_pu=0.4, frequency_hz=60.336)
    assert unit.run(2.0, voltage_pu=1.0).power_pu == pytest.approx(0.6, abs=1e-6)


def test_no_float_decides_at_the_edge_of_the_continuous_region() -> None:
    unit = unit_of()
    assert unit.step(voltage_pu=1.1 - 4e-7).mode is Mode.MOMENTARY_CESSATION
    assert unit.step(voltage_pu=0.88 - 4e-7).mode is Mode.CONTINUOUS
