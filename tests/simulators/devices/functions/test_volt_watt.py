"""Clause 5.4.2, voltage-active power."""

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulators.devices.functions.settings import VoltWatt
from tests.simulators.devices.functions.bench import Bench, bench

DEFAULT = VoltWatt(enabled=True)
SHALLOW = VoltWatt(enabled=True, points=((1.03, 1.0), (1.08, 0.2)), response_s=2.0)
STORING = VoltWatt(enabled=True, points=((1.06, 1.0), (1.10, -1.0)), response_s=2.0)

VOLT_WATTS = st.builds(
    lambda first, second, least, response_s: VoltWatt(
        enabled=True, points=((first, 1.0), (max(second, first + 0.01), least)), response_s=response_s
    ),
    st.floats(1.05, 1.09),
    st.floats(1.06, 1.10),
    st.floats(0.0, 0.2),
    st.floats(0.5, 60.0),
)


def unit_with(volt_watt: VoltWatt, *, dt_s: float = 0.1, **inputs: float) -> Bench:
    unit = bench(dt_s, volt_watt=volt_watt)
    unit.inputs = dict(inputs)
    return unit


@pytest.mark.req("IEEE 1547-2018 5.4.2")
@pytest.mark.parametrize(
    ("volt_watt", "demand_pu", "voltage_pu", "expected_pu"),
    [
        pytest.param(DEFAULT, 1.0, 1.0, 1.0, id="no-bound-at-nominal"),
        pytest.param(DEFAULT, 1.0, 1.06, 1.0, id="none-at-the-first-corner"),
        pytest.param(DEFAULT, 1.0, 1.08, 0.5, id="half-way-up-half-the-power"),
        pytest.param(DEFAULT, 0.4, 1.08, 0.4, id="a-bound-above-the-power-takes-nothing"),
        pytest.param(SHALLOW, 1.0, 1.09, 0.2, id="flat-above-the-last-corner"),
        pytest.param(STORING, 1.0, 1.09, -0.5, id="storage-may-have-to-charge"),
        pytest.param(STORING, -0.8, 1.09, -0.8, id="who-charges-more-goes-on"),
    ],
)
def test_settled_power(volt_watt: VoltWatt, demand_pu: float, voltage_pu: float, expected_pu: float) -> None:
    unit = unit_with(volt_watt, demand_pu=demand_pu, floor_pu=-1.0)
    assert unit.run(90.0, voltage_pu=voltage_pu).power_pu == pytest.approx(expected_pu, abs=1e-6)


def test_ninety_percent_within_the_response_time() -> None:
    unit = unit_with(DEFAULT, dt_s=0.02)
    unit.run(1.0)
    after = unit.run(10.0, voltage_pu=1.08)
    assert (1.0 - after.power_pu) / 0.5 == pytest.approx(0.9, abs=0.005)
    assert after.throttled


def test_enabled_in_service_it_closes_in_from_the_rating() -> None:
    unit = unit_with(VoltWatt(), voltage_pu=1.08)
    unit.run(1.0)
    unit.functions.settings = replace(unit.functions.settings, volt_watt=DEFAULT)
    assert 0.95 < unit.step().power_pu < 1.0
    assert unit.run(60.0).power_pu == pytest.approx(0.5, abs=1e-6)


@settings(max_examples=50)
@given(VOLT_WATTS, st.floats(0.0, 1.0), st.lists(st.floats(0.9, 1.099), min_size=2, max_size=8))
def test_the_higher_the_voltage_the_lower_the_power(
    volt_watt: VoltWatt, demand_pu: float, voltages_pu: list[float]
) -> None:
    powers_pu = []
    for voltage_pu in sorted(voltages_pu):
        unit = unit_with(volt_watt, demand_pu=demand_pu)
        unit.run(0.5)
        powers_pu.append(unit.run(3.0, voltage_pu=voltage_pu).power_pu)
    assert all(after <= before + 1e-12 for before, after in pairwise(powers_pu))
    assert max(powers_pu) <= demand_pu
