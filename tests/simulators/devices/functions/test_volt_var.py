"""Clause 5.3.3, voltage-reactive power."""

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulators.devices.functions.settings import VoltVar
from tests.simulators.devices.functions.bench import Bench, bench

DEFAULT = VoltVar(enabled=True)
CATEGORY_A = VoltVar(
    enabled=True, points=((0.9, 0.25), (1.0, 0.0), (1.0, 0.0), (1.1, -0.25)), response_s=10.0
)


@st.composite
def volt_vars(draw: st.DrawFn) -> VoltVar:
    """Falling curves of four corners within the standard's ranges."""
    low_v, high_v = draw(st.floats(0.82, 0.97)), draw(st.floats(1.03, 1.18))
    inner_low_v, inner_high_v = draw(st.floats(low_v + 0.02, 1.0)), draw(st.floats(1.0, high_v - 0.02))
    middle_q = draw(st.floats(-0.1, 0.1))
    return VoltVar(
        enabled=True,
        points=(
            (low_v, draw(st.floats(0.1, 0.44))),
            (inner_low_v, middle_q),
            (inner_high_v, middle_q),
            (high_v, draw(st.floats(-0.44, -0.1))),
        ),
        response_s=draw(st.floats(1.0, 90.0)),
    )


def pv(volt_var: VoltVar, *, dt_s: float = 0.1, **inputs: float) -> Bench:
    unit = bench(dt_s, volt_var=volt_var)
    unit.inputs = {"demand_pu": 0.5} | inputs
    return unit


@pytest.mark.req("IEEE 1547-2018 5.3.3")
@pytest.mark.parametrize(
    ("volt_var", "voltage_pu", "expected_pu"),
    [
        pytest.param(DEFAULT, 0.9, 0.44, id="low-voltage-injects-all"),
        pytest.param(DEFAULT, 0.95, 0.22, id="half-way-down-injects-half"),
        pytest.param(DEFAULT, 1.0, 0.0, id="nothing-at-nominal"),
        pytest.param(DEFAULT, 1.05, -0.22, id="high-voltage-absorbs"),
        pytest.param(DEFAULT, 1.09, -0.44, id="all-above-the-last-corner"),
        pytest.param(CATEGORY_A, 1.04, -0.1, id="category-a-has-no-dead-band"),
        pytest.param(replace(DEFAULT, reference_pu=1.03), 1.05, 0.0, id="the-corners-lie-around-a-reference"),
        pytest.param(replace(DEFAULT, reference_pu=0.95), 1.0, -0.22, id="and-move-down-with-it"),
    ],
)
def test_settled_reactive_power(volt_var: VoltVar, voltage_pu: float, expected_pu: float) -> None:
    assert pv(volt_var).run(60.0, voltage_pu=voltage_pu).reactive_pu == pytest.approx(expected_pu, abs=1e-9)


def test_ninety_percent_within_the_response_time() -> None:
    unit = pv(DEFAULT, dt_s=0.02)
    unit.run(1.0)
    assert unit.run(5.0, voltage_pu=1.06).reactive_pu / -0.29333 == pytest.approx(0.9, abs=0.005)


def test_without_the_function_the_demanded_reactive_power_flows() -> None:
    assert pv(VoltVar(), reactive_demand_pu=0.3).step(voltage_pu=1.05).reactive_pu == 0.3


def test_enabled_in_service_it_starts_from_the_reactive_power_of_that_moment() -> None:
    unit = pv(VoltVar(), reactive_demand_pu=0.3)
    unit.run(1.0)
    unit.functions.settings = replace(unit.functions.settings, volt_var=DEFAULT)
    first = unit.step()
    assert 0.28 < first.reactive_pu < 0.3
    assert unit.run(60.0).reactive_pu == pytest.approx(0.0, abs=1e-6)


def test_the_reference_follows_the_voltage_with_its_time_constant() -> None:
    unit = pv(replace(DEFAULT, tracks_voltage=True, tracking_s=300.0, response_s=1.0))
    at_once_pu = unit.run(10.0, voltage_pu=1.04).reactive_pu
    assert at_once_pu == pytest.approx(-0.44 / 3.0, abs=0.015)
    after_a_time_constant_pu = unit.run(290.0).reactive_pu
    assert -0.01 < after_a_time_constant_pu <= 0.0
    # 63 % of the way from 1.00 to 1.04: the reference is 1.0253, and the voltage 0.0147 above it.
    assert unit.run(20.0, voltage_pu=1.0653).reactive_pu == pytest.approx(-0.44 / 3.0, abs=0.02)


@pytest.mark.parametrize(("voltage_pu", "reference_pu"), [(0.9, 0.95), (1.09, 1.05)])
def test_the_reference_stays_within_its_range(voltage_pu: float, reference_pu: float) -> None:
    unit = pv(replace(DEFAULT, tracks_voltage=True, tracking_s=300.0))
    unit.run(1_500.0, voltage_pu=voltage_pu)
    beyond_pu = voltage_pu - reference_pu
    share = min(1.0, max(0.0, abs(beyond_pu) - 0.02) / 0.06)
    expected_pu = 0.44 * share * (-1.0 if beyond_pu > 0.0 else 1.0)
    assert unit.decided[-1].reactive_pu == pytest.approx(expected_pu, abs=1e-3)


@settings(max_examples=50)
@given(volt_vars(), st.lists(st.floats(0.89, 1.09), min_size=2, max_size=8))
def test_the_higher_the_voltage_the_less_is_injected(volt_var: VoltVar, voltages_pu: list[float]) -> None:
    reactive_pu = []
    for voltage_pu in sorted(voltages_pu):
        unit = pv(volt_var)
        unit.run(0.5)
        reactive_pu.append(unit.run(3.0, voltage_pu=voltage_pu).reactive_pu)
    assert all(after <= before + 1e-12 for before, after in pairwise(reactive_pu))


@settings(max_examples=50)
@given(volt_vars(), st.sampled_from([0, 1, 2, 3]))
def test_a_corner_is_no_step(volt_var: VoltVar, corner: int) -> None:
    at_pu, _ = volt_var.points[corner]
    settled = [
        pv(volt_var).run(0.1, voltage_pu=min(1.09, max(0.89, at_pu + off))).reactive_pu
        for off in (-1e-6, 0.0, 1e-6)
    ]
    assert max(settled) - min(settled) < 1e-4


@settings(max_examples=50)
@given(volt_vars(), st.lists(st.floats(0.89, 1.09), min_size=20, max_size=60))
def test_it_never_leaves_its_curve(volt_var: VoltVar, voltages_pu: list[float]) -> None:
    unit = pv(volt_var)
    for voltage_pu in voltages_pu:
        unit.step(voltage_pu=voltage_pu)
    values = [value for _, value in volt_var.points]
    assert min(values) - 1e-12 <= min(unit.reactive_pu)
    assert max(unit.reactive_pu) <= max(values) + 1e-12
