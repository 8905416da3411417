"""Performance scores against worked numbers (oracle: the M&V reference), and their bounds."""

import math
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud.settlement.scores import (
    Answer,
    Droop,
    answer,
    dispatch_accuracy,
    dynamic_containment,
    fleet_score,
    pjm_regulation_credit,
    pjm_regulation_score,
)
from vpp_core.ids import SiteId
from vpp_core.messages import EventTrace

DROOP = Droop(nominal_hz=60.0, deadband_hz=0.036, full_activation_hz=0.5)
HOUR_SAMPLES = 360
SIGNAL = [
    math.sin(2 * math.pi * t / 600) + 0.3 * math.sin(2 * math.pi * t / 170) for t in range(0, 3_900, 10)
]


def late(samples: int) -> list[float]:
    return ([0.0] * samples + SIGNAL)[: len(SIGNAL)]


@pytest.mark.parametrize(
    ("frequency_hz", "share"),
    [
        pytest.param(60.0, 0.0, id="nothing at nominal"),
        pytest.param(59.964, 0.0, id="nothing at the edge of the dead-band"),
        pytest.param(59.732, 0.5, id="half way to full activation"),
        pytest.param(59.5, 1.0, id="all at full activation"),
        pytest.param(59.0, 1.0, id="never more than all"),
        pytest.param(60.4, 0.0, id="upward reserve owes nothing above nominal"),
    ],
)
def test_the_response_owed_is_linear_between_dead_band_and_full_activation(
    frequency_hz: float, share: float
) -> None:
    assert DROOP.required_w(frequency_hz, 5_000.0) == pytest.approx(5_000.0 * share, abs=1e-6)


def trace(
    offset_s: Sequence[float], frequency_hz: Sequence[float], measured_w: Sequence[float]
) -> EventTrace:
    return EventTrace(
        offset_s=tuple(offset_s),
        frequency_hz=tuple(frequency_hz),
        demanded_w=tuple(measured_w),
        measured_w=tuple(measured_w),
    )


@pytest.mark.parametrize(
    ("measured_w", "score"),
    [
        pytest.param((0.0, 1_000.0, 1_000.0, 1_000.0), 1.0, id="full answer from the trigger on"),
        pytest.param((0.0, 500.0, 500.0, 500.0), 0.5, id="half the power is half the score"),
        pytest.param((0.0, 2_000.0, 2_000.0, 2_000.0), 1.0, id="more than owed is not rewarded"),
        pytest.param((0.0, -800.0, -800.0, -800.0), 0.0, id="the wrong direction scores nothing"),
    ],
)
def test_a_site_scores_the_energy_it_gave_of_what_it_owed(
    measured_w: tuple[float, ...], score: float
) -> None:
    dip = trace((-1.0, 0.0, 1.0, 2.0), (60.0, 59.5, 59.5, 59.5), measured_w)
    owed_and_given = answer([dip], 1_000.0, DROOP)
    assert owed_and_given.required_ws == pytest.approx(2_000.0)
    expected = min(max(measured_w[1] * 2.0, 0.0) / 2_000.0, 1.0)
    assert owed_and_given.score() == pytest.approx(expected) == pytest.approx(score)


def test_where_nothing_was_asked_the_score_is_one() -> None:
    assert Answer(0.0, 0.0).score() == 1.0


def test_the_fleet_scores_by_reserve_held_and_silence_counts_as_nothing() -> None:
    held_w = {SiteId("a"): 3_000.0, SiteId("b"): 1_000.0}
    assert fleet_score(held_w, {SiteId("a"): 1.0, SiteId("b"): 0.5}) == 0.875
    assert fleet_score(held_w, {SiteId("a"): 1.0}) == 0.75
    assert fleet_score({}, {}) == 0.0


@given(st.lists(st.tuples(st.floats(58.0, 62.0), st.floats(-1e5, 1e5)), min_size=2, max_size=30))
def test_a_score_is_between_nothing_and_one(samples: list[tuple[float, float]]) -> None:
    found = trace(range(len(samples)), [f for f, _ in samples], [w for _, w in samples])
    assert 0.0 <= answer([found], 5_000.0, DROOP).score() <= 1.0


def test_dispatch_accuracy_is_one_less_the_error_over_what_was_instructed() -> None:
    assert dispatch_accuracy([90.0, 110.0], [100.0, 100.0]) == pytest.approx(0.9)
    assert dispatch_accuracy([500.0], [100.0]) == 0.0
    assert dispatch_accuracy([5.0], [0.0]) is None


def test_pjm_a_perfect_response_scores_one_in_everything() -> None:
    score = pjm_regulation_score(SIGNAL[:HOUR_SAMPLES], SIGNAL)
    assert min(score) > 0.999999


def test_pjm_ninety_percent_of_the_amplitude_costs_precision_only() -> None:
    score = pjm_regulation_score(SIGNAL[:HOUR_SAMPLES], [0.9 * value for value in SIGNAL])
    assert score.precision == pytest.approx(0.9, abs=1e-9)
    assert score.correlation == pytest.approx(1.0)
    assert score.delay_score == pytest.approx(1.0)
    assert score.composite == pytest.approx(2.9 / 3.0, abs=1e-9)


@pytest.mark.parametrize(
    ("lag_samples", "composite"), [(1, 0.945), (3, 0.838), (6, 0.696), (12, 0.547)], ids=str
)
def test_pjm_a_late_response_loses_delay_and_precision(lag_samples: int, composite: float) -> None:
    score = pjm_regulation_score(SIGNAL[:HOUR_SAMPLES], late(lag_samples))
    assert score.composite == pytest.approx(composite, abs=5e-4)


def test_pjm_a_dead_response_to_a_live_signal_scores_nothing() -> None:
    assert pjm_regulation_score(SIGNAL[:30], [0.0] * 60).composite == 0.0


def test_pjm_a_constant_signal_has_neither_correlation_nor_level() -> None:
    assert pjm_regulation_score([0.0] * 30, [0.0] * 60).composite == 0.0


def test_pjm_a_response_that_ends_with_the_signal_is_shifted_as_far_as_it_reaches() -> None:
    score = pjm_regulation_score(SIGNAL[:30], SIGNAL[:30])
    assert min(score) > 0.999999


@pytest.mark.parametrize(("signal", "response"), [([0.0] * 29, [0.0] * 60), ([0.0] * 30, [0.0] * 29)])
def test_pjm_needs_a_whole_block_and_a_response_as_long(signal: list[float], response: list[float]) -> None:
    with pytest.raises(ValueError, match="whole block"):
        pjm_regulation_score(signal, response)


def test_pjm_credit_pays_capability_and_mileage_above_a_score_of_a_quarter() -> None:
    assert pjm_regulation_credit(2.0, 0.24, 10.0, 1.0, 3.0) == (0.0, 0.0)
    assert pjm_regulation_credit(2.0, 0.9, 20.0, 2.0, 3.0) == pytest.approx((36.0, 10.8), abs=1e-9)


@pytest.mark.parametrize(
    ("deviation_hz", "share"),
    [
        (0.0, 0.0),
        (-0.015, 0.0),
        (-0.1, 0.05 * 0.085 / 0.185),
        (-0.2, 0.05),
        (-0.35, 0.525),
        (-0.5, 1.0),
        (-0.6, 1.0),
        (0.35, -0.525),
    ],
)
def test_dynamic_containment_follows_its_curve(deviation_hz: float, share: float) -> None:
    assert dynamic_containment(deviation_hz) == pytest.approx(share, abs=1e-12)
