"""Fast frequency response: the products' curves, and the life of a step."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.control.functions.fast_frequency_response import (
    PROPORTIONAL,
    STEPS,
    FastResponse,
    ProportionalProduct,
    StepPhase,
    StepProduct,
    StepState,
    advance,
    respond,
)

DT_S = 0.02


@pytest.mark.parametrize(
    ("name", "frequency_hz", "share"),
    [
        pytest.param("gb-dc", 50.0, 0.0, id="containment-rests-at-nominal"),
        pytest.param("gb-dc", 49.985, 0.0, id="containment-rests-to-the-edge-of-its-dead-band"),
        pytest.param("gb-dc", 49.8, 0.05, id="containment-gives-5-percent-at-its-knee"),
        pytest.param("gb-dc", 49.65, 0.525, id="containment-rises-steeply-beyond-it"),
        pytest.param("gb-dc", 49.5, 1.0, id="containment-is-full-at-half-a-hertz"),
        pytest.param("gb-dc", 48.0, 1.0, id="and-no-more-than-full"),
        pytest.param("gb-dc", 50.5, -1.0, id="containment-answers-high-frequency-too"),
        pytest.param("gb-dm", 49.9, 0.05, id="moderation-has-its-knee-at-a-tenth"),
        pytest.param("gb-dm", 49.8, 1.0, id="moderation-is-full-at-two-tenths"),
        pytest.param("gb-dr", 49.9, 85.0 / 185.0, id="regulation-is-linear"),
        pytest.param("gb-dr", 50.2, -1.0, id="regulation-is-full-at-two-tenths"),
    ],
)
def test_proportional_products(name: str, frequency_hz: float, share: float) -> None:
    assert PROPORTIONAL[name].share(frequency_hz) == pytest.approx(share, abs=1e-9)


@given(st.sampled_from(sorted(PROPORTIONAL)), st.floats(48.0, 52.0), st.floats(48.0, 52.0))
def test_a_proportional_product_never_gives_less_when_frequency_falls(
    name: str, one_hz: float, other_hz: float
) -> None:
    low_hz, high_hz = sorted((one_hz, other_hz))
    product = PROPORTIONAL[name]
    assert -1.0 <= product.share(high_hz) <= product.share(low_hz) <= 1.0
    assert abs(product.share(one_hz) - product.share(one_hz + 0.001)) <= 0.011, "no jump"


def play(product: StepProduct, frequencies_hz: list[float], dt_s: float = DT_S) -> list[StepState]:
    state, states = StepState(), []
    for frequency_hz in frequencies_hz:
        state = advance(product, state, frequency_hz, dt_s)
        states.append(state)
    return states


@pytest.mark.parametrize("name", sorted(STEPS))
def test_a_step_begins_at_its_trigger_and_is_held(name: str) -> None:
    product = STEPS[name]
    above = product.trigger_hz + 0.001
    assert {state.share for state in play(product, [above] * 10)} == {0.0}
    held = play(product, [product.trigger_hz, *[above] * 20], product.hold_s / 20.0)
    assert [state.share for state in held[:20]] == [1.0] * 20, "whatever frequency does"
    assert held[20].share < 1.0


def test_a_short_support_is_released_by_20_percent_a_second() -> None:
    product = STEPS["nordic-ffr-49.5"]
    states = play(product, [49.4, *[50.0] * 100], 0.1)
    falling = [state.share for state in states if state.phase is StepPhase.RELEASING]
    assert falling == pytest.approx([1.0 - 0.02 * step for step in range(1, len(falling) + 1)])
    assert len(falling) in (49, 50)


def test_a_long_support_is_released_at_once() -> None:
    states = play(STEPS["nordic-ffr-49.5-long"], [49.4, *[50.0] * 31], 1.0)
    assert [state.share for state in states[-3:]] == [1.0, 0.0, 0.0]
    assert states[-1].phase is StepPhase.RECOVERING


def test_a_step_is_ready_again_in_time_and_only_above_its_trigger() -> None:
    product = STEPS["nordic-ffr-49.7"]
    low = play(product, [49.6] * 1_000, 1.0)
    assert sum(state.share for state in low) < 12.0, "one activation, however long frequency is low"
    assert low[-1].phase is StepPhase.RECOVERING
    assert advance(product, low[-1], 49.8, 1.0) == StepState()
    early = play(product, [49.6, *[50.0] * 899], 1.0)[-1]
    assert early.phase is StepPhase.RECOVERING
    assert advance(product, early, 50.0, 1.0).phase is StepPhase.READY


def test_a_step_changes_power_by_what_was_sold() -> None:
    sold = FastResponse(product=STEPS["ercot-rrs-ffr"], reserve_pu=0.4)
    state, change_pu = respond(sold, StepState(), 59.85, DT_S)
    assert (state.phase, change_pu) == (StepPhase.HOLDING, 0.4)


@pytest.mark.parametrize(
    ("frequency_hz", "change_pu"),
    [
        pytest.param(49.5, 0.4, id="low-frequency-uses-the-upward-reserve"),
        pytest.param(50.5, -0.3, id="high-frequency-uses-the-downward-reserve"),
        pytest.param(50.0, 0.0, id="nominal-uses-none"),
    ],
)
def test_a_proportional_product_changes_power_by_what_was_sold(frequency_hz: float, change_pu: float) -> None:
    sold = FastResponse(product=PROPORTIONAL["gb-dc"], reserve_pu=0.4, reserve_down_pu=0.3)
    state, asked_pu = respond(sold, StepState(), frequency_hz, DT_S)
    assert state == StepState()
    assert asked_pu == pytest.approx(change_pu)


@pytest.mark.parametrize(
    "product", [*PROPORTIONAL.values(), *STEPS.values()], ids=lambda product: product.name
)
def test_what_is_unverified_names_a_field(product: ProportionalProduct | StepProduct) -> None:
    assert set(product.unverified) <= set(product.__struct_fields__)


@pytest.mark.parametrize(
    ("name", "full_s"),
    [("ercot-rrs-ffr", 0.25), ("nordic-ffr-49.5", 0.7), ("nordic-ffr-49.6", 1.0), ("nordic-ffr-49.7", 1.3)],
)
def test_full_delivery_times(name: str, full_s: float) -> None:
    assert STEPS[name].full_s == full_s
