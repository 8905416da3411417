"""Clauses 4.7 and 5.2: what goes first, and what the unit can do in active and reactive power together."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulators.devices.functions.capability import Capability
from simulators.devices.functions.settings import (
    FrequencyDroop,
    Priority,
    Threshold,
    Trips,
    VoltVar,
    VoltWatt,
)
from tests.simulators.devices.functions.bench import bench

POWERS = st.floats(-1.2, 1.2)
PRIORITIES = st.sampled_from(Priority)


@pytest.mark.parametrize(
    ("capability", "power_pu", "reactive_pu", "priority", "expected"),
    [
        pytest.param(Capability(), 0.5, 0.3, Priority.ACTIVE, (0.5, 0.3), id="within-the-circle-all"),
        pytest.param(
            Capability(), 1.0, 0.44, Priority.REACTIVE, (math.sqrt(1 - 0.44**2), 0.44), id="reactive-first"
        ),
        pytest.param(Capability(), 1.0, 0.44, Priority.ACTIVE, (1.0, 0.0), id="active-first"),
        pytest.param(
            Capability(),
            0.95,
            -0.44,
            Priority.ACTIVE,
            (0.95, -math.sqrt(1 - 0.95**2)),
            id="active-first-absorbing",
        ),
        pytest.param(
            Capability(),
            -1.0,
            0.44,
            Priority.REACTIVE,
            (-math.sqrt(1 - 0.44**2), 0.44),
            id="charging-gives-way",
        ),
        pytest.param(
            Capability(), 0.2, 0.9, Priority.REACTIVE, (0.2, 0.44), id="no-more-than-the-reactive-rating"
        ),
        pytest.param(
            Capability(absorbed_max_pu=0.25),
            0.2,
            -0.9,
            Priority.REACTIVE,
            (0.2, -0.25),
            id="its-own-when-absorbing",
        ),
        pytest.param(
            Capability(apparent_per_power=1.25),
            1.0,
            0.44,
            Priority.ACTIVE,
            (1.0, 0.44),
            id="a-larger-apparent-rating-leaves-room",
        ),
    ],
)
def test_what_gives_way(
    capability: Capability,
    power_pu: float,
    reactive_pu: float,
    priority: Priority,
    expected: tuple[float, float],
) -> None:
    assert capability.share(power_pu, reactive_pu, priority) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(
    ("power_pu", "expected_pu"),
    [
        pytest.param(0.2, 0.44, id="all-from-0.2-on"),
        pytest.param(0.125, 0.275, id="half-way-between"),
        pytest.param(0.05, 0.11, id="a-quarter-at-0.05"),
        pytest.param(0.049, 0.0, id="nothing-below"),
        pytest.param(-0.5, 0.44, id="all-while-charging"),
    ],
)
def test_reactive_capability_at_low_power(power_pu: float, expected_pu: float) -> None:
    reduced = Capability(reduced_at_low_power=True)
    for sign in (1.0, -1.0):
        shared = reduced.share(power_pu, sign * 0.9, Priority.REACTIVE)
        assert shared == pytest.approx((power_pu, sign * expected_pu), abs=1e-12)


@given(POWERS, POWERS, PRIORITIES, st.sampled_from(("whole", "reduced")), st.floats(1.0, 1.5))
def test_what_is_left_lies_within_the_rating_and_between_nothing_and_the_wish(
    power_pu: float, reactive_pu: float, priority: Priority, low: str, apparent_per_power: float
) -> None:
    capability = Capability(apparent_per_power=apparent_per_power, reduced_at_low_power=low == "reduced")
    left_p_pu, left_q_pu = capability.share(power_pu, reactive_pu, priority)
    assert math.hypot(left_p_pu / apparent_per_power, left_q_pu) <= 1.0 + 1e-9
    assert abs(left_q_pu) <= min(0.44, abs(reactive_pu)) + 1e-12
    assert abs(left_p_pu) <= abs(power_pu) + 1e-12
    assert left_p_pu * power_pu >= 0.0
    assert left_q_pu * reactive_pu >= 0.0


@pytest.mark.parametrize(
    ("priority", "expected"),
    [
        pytest.param(Priority.REACTIVE, (math.sqrt(1 - 0.44**2), 0.44), id="reactive"),
        pytest.param(Priority.ACTIVE, (1.0, 0.0), id="active"),
    ],
)
def test_the_priority_of_a_curve_holds_for_it(priority: Priority, expected: tuple[float, float]) -> None:
    unit = bench(0.1, volt_var=VoltVar(enabled=True, priority=priority))
    after = unit.run(60.0, voltage_pu=0.9)
    assert (after.power_pu, after.reactive_pu) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("priority", Priority)
def test_the_priority_of_a_demand_holds_for_it(priority: Priority) -> None:
    unit = bench()
    after = unit.step(reactive_demand_pu=0.44, priority=priority)
    assert (after.power_pu == 1.0) == (priority is Priority.ACTIVE)


def test_volt_watt_bounds_what_droop_wants() -> None:
    wide = Trips(under_frequency=(Threshold(at=50.0, clearing_s=1.0),))
    droop = FrequencyDroop(enabled=True, response_s=0.2)
    unit = bench(0.1, frequency_droop=droop, volt_watt=VoltWatt(enabled=True, response_s=0.5), trips=wide)
    unit.run(5.0, demand_pu=0.2, voltage_pu=1.08)
    assert unit.run(10.0, frequency_hz=57.0).power_pu == pytest.approx(0.5, abs=1e-6)


def test_a_limit_goes_before_the_demand() -> None:
    unit = bench()
    limited = unit.step(demand_pu=0.9, limit_pu=0.4)
    assert (limited.power_pu, limited.throttled) == (0.4, True)
    assert unit.step(demand_pu=0.3).throttled is False


@pytest.mark.parametrize("priority", Priority)
def test_a_reactive_rating_above_the_apparent_one_is_cut_to_it(priority: Priority) -> None:
    derated = Capability(injected_max_pu=1.2, absorbed_max_pu=1.2)
    assert derated.share(0.0, 1.5, priority) == pytest.approx((0.0, 1.0), abs=1e-12)
