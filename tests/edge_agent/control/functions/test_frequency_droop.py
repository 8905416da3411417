"""IEEE 1547-2018 frequency-droop (6.5.2.7): static curve, open-loop response, and the way back."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.control.functions.frequency_droop import (
    NO_CHANGE,
    RETURNED_PU,
    Bounds,
    DroopState,
    FrequencyDroop,
    Latch,
    follow_change,
    respond,
)

pytestmark = pytest.mark.req("IEEE 1547-2018 6.5.2.7")

DROOP = FrequencyDroop()
DROOP_50 = FrequencyDroop(nominal_hz=50.0)
RATING_W = 100_000.0


@pytest.mark.parametrize(
    ("droop", "frequency_hz", "change_w"),
    [
        pytest.param(DROOP, 60.0, 0.0, id="nominal-changes-nothing"),
        pytest.param(DROOP, 59.964, 0.0, id="lower-edge-of-the-dead-band-changes-nothing"),
        pytest.param(DROOP, 60.036, 0.0, id="upper-edge-of-the-dead-band-changes-nothing"),
        pytest.param(DROOP_50, 49.964, 0.0, id="binary-fractions-do-not-move-the-edge-at-50-hz"),
        pytest.param(DROOP, 59.963, RATING_W * 0.001 / 3.0, id="one-mhz-beyond-the-edge-begins-at-zero"),
        pytest.param(DROOP, 59.5, RATING_W * 0.464 / 3.0, id="under-frequency-raises-injection"),
        pytest.param(DROOP, 60.5, -RATING_W * 0.464 / 3.0, id="over-frequency-lowers-injection"),
        pytest.param(DROOP_50, 49.9, RATING_W * 0.064 / 2.5, id="droop-is-per-unit-of-nominal"),
        pytest.param(DROOP, 56.964, RATING_W, id="k-of-nominal-beyond-the-edge-is-the-rating"),
    ],
)
def test_droop_changes_power_from_its_value_before(
    droop: FrequencyDroop, frequency_hz: float, change_w: float
) -> None:
    assert droop.change_w(frequency_hz, RATING_W) == pytest.approx(change_w, abs=1e-6)


def test_each_side_has_its_own_settings() -> None:
    droop = FrequencyDroop(
        deadband_over_hz=0.1, deadband_under_hz=0.5, droop_over_pu=0.07, droop_under_pu=0.05
    )
    assert droop.change_w(60.0 + 0.1 + 4.2, RATING_W) == pytest.approx(-RATING_W)
    assert droop.change_w(60.0 - 0.5 - 3.0, RATING_W) == pytest.approx(RATING_W)
    assert droop.change_w(59.5, RATING_W) == droop.change_w(60.1, RATING_W) == 0.0


DROOPS = st.builds(
    FrequencyDroop,
    nominal_hz=st.sampled_from((50.0, 60.0)),
    deadband_over_hz=st.floats(0.01, 1.0),
    deadband_under_hz=st.floats(0.01, 1.0),
    droop_over_pu=st.floats(0.02, 0.07),
    droop_under_pu=st.floats(0.02, 0.07),
    response_s=st.sampled_from((0.0, 0.2, 0.5, 5.0, 10.0)),
    latch=st.sampled_from(Latch),
)
DEVIATIONS_HZ = st.floats(-3.0, 3.0)


@given(DROOPS, DEVIATIONS_HZ, DEVIATIONS_HZ)
def test_injection_never_falls_when_frequency_falls(
    droop: FrequencyDroop, one_hz: float, other_hz: float
) -> None:
    low_hz, high_hz = sorted((one_hz, other_hz))
    low_w = droop.change_w(droop.nominal_hz + low_hz, RATING_W)
    assert low_w >= droop.change_w(droop.nominal_hz + high_hz, RATING_W)


@given(DROOPS, DEVIATIONS_HZ)
def test_a_millihertz_never_makes_a_jump(droop: FrequencyDroop, deviation_hz: float) -> None:
    frequency_hz = droop.nominal_hz + deviation_hz
    jump_w = droop.change_w(frequency_hz, RATING_W) - droop.change_w(frequency_hz + 0.001, RATING_W)
    steepest_w_per_hz = RATING_W / (0.02 * droop.nominal_hz)
    assert 0.0 <= jump_w <= 0.0011 * steepest_w_per_hz


@given(st.floats(0.0, 2.0))
def test_equal_settings_answer_both_sides_alike(deviation_hz: float) -> None:
    low_w = DROOP.change_w(60.0 - deviation_hz, RATING_W)
    assert DROOP.change_w(60.0 + deviation_hz, RATING_W) == pytest.approx(-low_w, abs=RATING_W / 1e6)


# --- one device's response ---

SLOW = FrequencyDroop(response_s=5.0)
STORAGE = Bounds(-1.0, 1.0)
DT_S = 0.02


def play(
    droop: FrequencyDroop, frequencies_hz: list[float], wanted_pu: float = 0.2, bounds: Bounds = STORAGE
) -> list[float]:
    """The injections of a device that wants one power throughout."""
    state: DroopState | None = None
    injections = [wanted_pu]
    for frequency_hz in frequencies_hz:
        state = respond(droop, state, frequency_hz, (injections[-1], wanted_pu), bounds, DT_S)
        injections.append(wanted_pu if state.output_pu is None else state.output_pu)
    return injections[1:]


def test_ninety_percent_within_the_response_time() -> None:
    injections = play(SLOW, [60.0] * 50 + [60.6] * 850)
    change_pu = SLOW.change_for(SLOW.excursion_uhz(60.6), 1.0)
    assert (injections[50 + 250] - 0.2) / change_pu >= 0.9
    assert injections[-1] == pytest.approx(0.2 + change_pu, abs=1e-3)


def test_within_the_dead_band_what_is_wanted_stands() -> None:
    assert play(SLOW, [60.0, 60.036, 59.964] * 20) == [0.2] * 60


def test_a_response_time_of_nothing_is_direct() -> None:
    assert play(DROOP, [60.6])[0] == pytest.approx(0.2 - 0.564 / 3.0)


def test_the_return_ends_on_the_wanted_power() -> None:
    injections = play(SLOW, [60.6] * 500 + [60.0] * 2_000)
    assert injections[-1] == 0.2
    steps = [abs(after - before) for before, after in pairwise(injections[500:])]
    assert max(steps) < 0.005, "no jump on the way back"


def test_over_frequency_stops_at_the_floor_and_under_frequency_at_what_is_available() -> None:
    pv = Bounds(0.0, 0.5)
    assert play(DROOP, [62.5], 0.4, pv)[0] == 0.0
    assert play(DROOP, [57.0], 0.4, pv)[0] == 0.5


def test_what_is_wanted_during_an_excursion_does_not_move_it() -> None:
    state = respond(DROOP, None, 59.7, (0.1, 0.1), STORAGE, DT_S)
    later = respond(DROOP, state, 59.7, (state.output_pu or 0.0, 0.5), STORAGE, DT_S)
    assert later.output_pu == state.output_pu


NOISE_HZ = [60.02, 60.045, 60.03, 60.05] * 400
"""Frequency that crosses the edge of the dead-band every other sample."""


def test_noise_at_the_edge_does_not_carry_power_away() -> None:
    lowest_pu = 0.2 + DROOP.change_for(DROOP.excursion_uhz(60.05), 1.0)
    assert min(play(SLOW, NOISE_HZ)) >= lowest_pu - 1e-9
    assert min(play(SLOW, NOISE_HZ, 0.2)) == pytest.approx(min(play(SLOW, NOISE_HZ * 2)), abs=1e-6)


def test_the_oracle_takes_the_power_before_at_every_exit() -> None:
    eager = FrequencyDroop(response_s=5.0, latch=Latch.EVERY_EXIT)
    assert min(play(eager, NOISE_HZ)) < min(play(SLOW, NOISE_HZ)) - 0.001


def test_a_jump_across_the_dead_band_keeps_the_power_before() -> None:
    state = respond(DROOP, None, 60.6, (0.2, 0.2), STORAGE, DT_S)
    across = respond(DROOP, state, 59.4, (state.output_pu or 0.0, 0.2), STORAGE, DT_S)
    assert across.output_pu == pytest.approx(0.2 + 0.564 / 3.0)


@given(DROOPS, st.lists(DEVIATIONS_HZ, min_size=1, max_size=60), st.floats(-1.0, 1.0))
def test_a_response_stays_within_its_bounds(
    droop: FrequencyDroop, deviations_hz: list[float], wanted_pu: float
) -> None:
    injections = play(droop, [droop.nominal_hz + deviation_hz for deviation_hz in deviations_hz], wanted_pu)
    assert all(-1.0 - 1e-9 <= injection_pu <= 1.0 + 1e-9 for injection_pu in injections)


# --- the change that several devices share ---


def test_a_shared_change_begins_at_nothing_and_ends_at_nothing() -> None:
    lag = NO_CHANGE
    for _ in range(250):
        lag = follow_change(SLOW, lag, 59.4, DT_S)
    assert lag.output == pytest.approx(0.9 * 0.564 / 3.0, rel=0.01)
    returning = [lag := follow_change(SLOW, lag, 60.0, DT_S) for _ in range(1_000)]
    assert returning[0] != NO_CHANGE
    assert returning[-1] == NO_CHANGE
    assert all(step.output >= RETURNED_PU for step in returning if step != NO_CHANGE)


def test_a_direct_shared_change_is_the_curve() -> None:
    assert follow_change(DROOP, NO_CHANGE, 59.4, 0.0).output == pytest.approx(0.564 / 3.0)
    assert follow_change(DROOP, NO_CHANGE, 60.0, DT_S) == NO_CHANGE
