"""Clause 5.3.4, active power-reactive power."""

from dataclasses import replace

import pytest

from simulators.devices.functions.settings import VoltVar, WattVar
from tests.simulators.devices.functions.bench import bench

DEFAULT = WattVar(enabled=True)


@pytest.mark.req("IEEE 1547-2018 5.3.4")
@pytest.mark.parametrize(
    ("demand_pu", "expected_pu"),
    [
        pytest.param(0.0, 0.0, id="nothing-at-no-power"),
        pytest.param(0.5, 0.0, id="nothing-up-to-half"),
        pytest.param(0.75, -0.22, id="injection-absorbs"),
        pytest.param(-0.75, 0.22, id="charging-injects"),
    ],
)
def test_settled_reactive_power(demand_pu: float, expected_pu: float) -> None:
    unit = bench(0.1, watt_var=DEFAULT)
    after = unit.run(90.0, demand_pu=demand_pu, floor_pu=-1.0)
    assert after.reactive_pu == pytest.approx(expected_pu, abs=1e-6)
    assert after.power_pu == demand_pu


def test_ninety_percent_within_the_response_time() -> None:
    unit = bench(watt_var=DEFAULT)
    unit.run(1.0, demand_pu=0.0)
    assert unit.run(10.0, demand_pu=0.75).reactive_pu / -0.22 == pytest.approx(0.9, abs=0.005)


def test_it_follows_what_is_left_of_the_power() -> None:
    unit = bench(0.1, watt_var=DEFAULT)
    assert unit.run(90.0, demand_pu=1.0, limit_pu=0.75).reactive_pu == pytest.approx(-0.22, abs=1e-6)


def test_where_both_are_enabled_volt_var_goes_first() -> None:
    unit = bench(0.1, watt_var=DEFAULT, volt_var=VoltVar(enabled=True))
    assert unit.run(90.0, demand_pu=0.75, voltage_pu=0.95).reactive_pu == pytest.approx(0.22, abs=1e-6)


def test_enabled_in_service_it_starts_from_the_reactive_power_of_that_moment() -> None:
    unit = bench(0.1, watt_var=WattVar())
    unit.run(1.0, demand_pu=0.5, reactive_demand_pu=0.3)
    unit.functions.settings = replace(unit.functions.settings, watt_var=DEFAULT)
    assert 0.29 < unit.step().reactive_pu < 0.3
