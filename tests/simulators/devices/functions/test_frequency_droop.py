"""Clause 6.5.2.7, frequency-droop."""

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulators.devices.functions.settings import EnterService, FrequencyDroop, Threshold, Trips
from tests.simulators.devices.functions.bench import Bench, bench

DEFAULT = FrequencyDroop(enabled=True)
FAST = FrequencyDroop(
    enabled=True,
    deadband_over_hz=0.017,
    deadband_under_hz=0.017,
    droop_over=0.02,
    droop_under=0.03,
    response_s=0.2,
)
WIDE = Trips(
    over_frequency=(Threshold(at=70.0, clearing_s=1.0),),
    under_frequency=(Threshold(at=30.0, clearing_s=1.0),),
)
"""No trip in the way of what is tested."""

DROOPS = st.builds(
    FrequencyDroop,
    enabled=st.sampled_from([True]),
    deadband_over_hz=st.floats(0.017, 1.0),
    deadband_under_hz=st.floats(0.017, 1.0),
    droop_over=st.floats(0.02, 0.07),
    droop_under=st.floats(0.02, 0.07),
    response_s=st.floats(0.2, 10.0),
)
"""All that the standard lets an operator set."""
NOMINALS = st.sampled_from([50.0, 60.0])


def battery(droop: FrequencyDroop, *, dt_s: float = 0.1, nominal_hz: float = 60.0, **inputs: float) -> Bench:
    """A battery in service, in either direction."""
    unit = bench(dt_s, unit={"nominal_hz": nominal_hz}, frequency_droop=droop, trips=WIDE)
    unit.inputs = {"floor_pu": -1.0, "demand_pu": 0.0} | inputs
    return unit


@pytest.mark.req("IEEE 1547-2018 6.5.2.7.2")
@pytest.mark.parametrize(
    ("droop", "demand_pu", "frequency_hz", "expected_pu"),
    [
        pytest.param(DEFAULT, 0.55, 60.6, 0.55 - 0.564 / 3.0, id="over-frequency-lowers-injection"),
        pytest.param(DEFAULT, 0.55, 59.4, 0.55 + 0.564 / 3.0, id="under-frequency-raises-injection"),
        pytest.param(DEFAULT, -0.3, 60.6, -0.3 - 0.564 / 3.0, id="over-frequency-charges-more"),
        pytest.param(DEFAULT, 0.55, 60.036, 0.55, id="at-the-edge-of-the-dead-band-nothing"),
        pytest.param(DEFAULT, 0.55, 60.02, 0.55, id="within-the-dead-band-nothing"),
        pytest.param(FAST, 0.0, 60.317, -0.25, id="steep-droop-over"),
        pytest.param(FAST, 0.0, 59.683, 1.0 / 6.0, id="a-droop-of-its-own-under"),
        pytest.param(FAST, -0.9, 61.0, -1.0, id="no-further-than-charging-at-the-rating"),
        pytest.param(FAST, 0.9, 59.0, 1.0, id="no-further-than-the-rating"),
    ],
)
def test_settled_power(
    droop: FrequencyDroop, demand_pu: float, frequency_hz: float, expected_pu: float
) -> None:
    unit = battery(droop)
    unit.run(1.0, demand_pu=demand_pu)
    assert unit.run(60.0, frequency_hz=frequency_hz).power_pu == pytest.approx(expected_pu, abs=1e-6)


@pytest.mark.parametrize(
    ("power_pu", "available_pu", "frequency_hz", "expected_pu"),
    [
        pytest.param(1.0, 1.0, 64.0, 0.0, id="over-frequency-ends-at-nothing"),
        pytest.param(0.5, 0.9, 58.0, 0.9, id="under-frequency-ends-at-what-there-is"),
        pytest.param(0.9, 0.9, 59.0, 0.9, id="no-reserve-no-response"),
    ],
)
def test_pv_moves_between_nothing_and_what_there_is(
    power_pu: float, available_pu: float, frequency_hz: float, expected_pu: float
) -> None:
    unit = bench(frequency_droop=DEFAULT, trips=WIDE)
    unit.run(1.0, demand_pu=power_pu, available_pu=available_pu)
    assert unit.run(60.0, frequency_hz=frequency_hz).power_pu == pytest.approx(expected_pu, abs=1e-6)


def test_ninety_percent_within_the_response_time() -> None:
    unit = battery(DEFAULT, dt_s=0.02, demand_pu=0.55)
    unit.run(1.0)
    after = unit.run(5.0, frequency_hz=60.6)
    assert (0.55 - after.power_pu) / (0.564 / 3.0) == pytest.approx(0.9, abs=0.005)
    assert after.droop_active
    assert after.throttled


def test_of_a_pv_whose_sun_goes_during_an_excursion_nothing_is_left() -> None:
    unit = bench(frequency_droop=DEFAULT)
    unit.run(1.0, available_pu=0.8)
    assert unit.run(30.0, frequency_hz=60.5, available_pu=0.1).power_pu == 0.1


@pytest.mark.parametrize(
    ("follows", "expected_pu"),
    [
        pytest.param(False, 0.1 + 0.283 / 1.8, id="held-until-it-is-over-as-the-standard-has-it"),
        pytest.param(True, 0.5 + 0.283 / 1.8, id="moved-along-where-so-set"),
    ],
)
def test_a_new_demand_during_an_excursion(*, follows: bool, expected_pu: float) -> None:
    unit = battery(replace(FAST, follows_demand=follows), demand_pu=0.1)
    unit.run(1.0)
    unit.run(5.0, frequency_hz=59.7)
    assert unit.run(5.0, demand_pu=0.5).power_pu == pytest.approx(expected_pu, abs=1e-6)
    after = unit.run(5.0, frequency_hz=60.0)
    assert after.power_pu == 0.5
    assert not after.droop_active


def test_a_jump_across_the_dead_band_starts_from_the_power_of_that_moment() -> None:
    unit = battery(FAST, demand_pu=0.2)
    unit.run(1.0)
    under_pu = unit.run(5.0, frequency_hz=59.6).power_pu
    assert under_pu == pytest.approx(0.2 + 0.383 / 1.8, abs=1e-6)
    assert unit.run(5.0, frequency_hz=60.4).power_pu == pytest.approx(under_pu - 0.383 / 1.2, abs=1e-6)


def test_over_frequency_never_drives_a_unit_below_its_floor() -> None:
    unit = battery(replace(FAST, floor_pu=0.1), demand_pu=0.5)
    unit.run(1.0)
    assert unit.run(30.0, frequency_hz=62.0).power_pu == pytest.approx(0.1, abs=1e-6)


def test_nor_up_to_it_when_it_is_already_below() -> None:
    unit = battery(replace(FAST, floor_pu=0.1), demand_pu=-0.5)
    unit.run(1.0)
    assert unit.run(30.0, frequency_hz=62.0).power_pu == pytest.approx(-0.5, abs=1e-6)


def test_the_active_power_limit_bounds_an_under_frequency_response() -> None:
    unit = battery(FAST, demand_pu=0.5, limit_pu=0.6)
    unit.run(1.0)
    assert unit.run(30.0, frequency_hz=59.0).power_pu == pytest.approx(0.6, abs=1e-6)


def test_while_it_enters_service_droop_moves_the_ramp_instead_of_blocking_it() -> None:
    service = EnterService(delay_s=1.0, ramp_s=10.0)
    unit = bench(frequency_droop=FAST, enter_service=service, unit={"in_service": False})
    unit.run(20.0, frequency_hz=60.053)
    assert unit.decided[-1].power_pu == pytest.approx(1.0 - 0.036 / 1.2, abs=1e-3)


def test_switched_off_during_an_excursion_it_lets_go() -> None:
    unit = battery(FAST, demand_pu=0.4)
    unit.run(1.0)
    unit.run(5.0, frequency_hz=60.5)
    unit.functions.settings = replace(unit.functions.settings, frequency_droop=replace(FAST, enabled=False))
    assert unit.step() == unit.decided[0]


@settings(max_examples=60)
@given(DROOPS, NOMINALS, st.floats(-1.0, 1.0), st.floats(-3.0, 3.0))
def test_it_settles_where_the_formula_says(
    droop: FrequencyDroop, nominal_hz: float, pre_pu: float, deviation_hz: float
) -> None:
    unit = battery(droop, dt_s=0.2, nominal_hz=nominal_hz, demand_pu=pre_pu)
    unit.run(1.0)
    over_hz = max(0.0, deviation_hz - droop.deadband_over_hz)
    under_hz = max(0.0, -deviation_hz - droop.deadband_under_hz)
    wanted_pu = (
        pre_pu - over_hz / (nominal_hz * droop.droop_over) + under_hz / (nominal_hz * droop.droop_under)
    )
    settled_pu = unit.run(8.0 * droop.response_s, frequency_hz=nominal_hz + deviation_hz).power_pu
    assert settled_pu == pytest.approx(max(-1.0, min(1.0, wanted_pu)), abs=1e-6)


@settings(max_examples=60)
@given(DROOPS, st.lists(st.floats(-3.0, 3.0), min_size=2, max_size=8))
def test_the_higher_the_frequency_the_lower_the_power(droop: FrequencyDroop, deviations: list[float]) -> None:
    powers_pu = []
    for deviation_hz in sorted(deviations):
        unit = battery(droop, dt_s=0.2)
        unit.run(1.0)
        powers_pu.append(unit.run(2.0, frequency_hz=60.0 + deviation_hz).power_pu)
    assert all(after <= before + 1e-12 for before, after in pairwise(powers_pu))


@settings(max_examples=60)
@given(DROOPS, st.sampled_from([1.0, -1.0]), st.lists(st.floats(-0.002, 0.002), min_size=50, max_size=50))
def test_no_chatter_at_the_edge_of_the_dead_band(
    droop: FrequencyDroop, side: float, noise_hz: list[float]
) -> None:
    """A few mHz around the edge may move the power by what a few mHz are worth, and by no step."""
    unit = battery(droop, dt_s=0.02, demand_pu=0.3)
    unit.run(0.1)
    edge_hz = 60.0 + droop.deadband_over_hz if side > 0.0 else 60.0 - droop.deadband_under_hz
    for each_hz in noise_hz:
        unit.step(frequency_hz=edge_hz + each_hz)
    worth_pu = 0.002 / (60.0 * min(droop.droop_over, droop.droop_under))
    assert max(abs(power_pu - 0.3) for power_pu in unit.power_pu) <= 2.0 * worth_pu + 1e-3
    assert max(abs(b - a) for a, b in pairwise(unit.power_pu)) <= worth_pu + 1e-3


@settings(max_examples=40)
@given(DROOPS, st.floats(-1.0, 1.0), st.floats(-2.0, 2.0))
def test_after_the_excursion_it_comes_back_to_its_demand(
    droop: FrequencyDroop, demand_pu: float, deviation_hz: float
) -> None:
    unit = battery(droop, dt_s=0.2, demand_pu=demand_pu)
    unit.run(1.0)
    unit.run(5.0, frequency_hz=60.0 + deviation_hz)
    after = unit.run(5.0 * droop.response_s + 1.0, frequency_hz=60.0)
    assert after.power_pu == demand_pu
    assert not after.droop_active


def test_a_response_to_the_ceiling_takes_its_time_like_any_other() -> None:
    unit = bench(frequency_droop=DEFAULT, trips=WIDE)
    unit.run(1.0, demand_pu=0.5, available_pu=0.9)
    reached_pu = unit.run(5.0, frequency_hz=50.0).power_pu
    assert (reached_pu - 0.5) / 0.4 == pytest.approx(0.9, abs=0.005)
