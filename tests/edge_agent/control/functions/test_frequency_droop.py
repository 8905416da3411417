"""IEEE 1547-2018 frequency-droop (6.5.2.7): static curve, open-loop response, and the way back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.control.functions.frequency_droop import FrequencyDroop

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


@given(st.floats(58.0, 62.0))
def test_a_millihertz_never_makes_a_jump(frequency_hz: float) -> None:
    jump_w = DROOP.change_w(frequency_hz, RATING_W) - DROOP.change_w(frequency_hz + 0.001, RATING_W)
    assert abs(jump_w) <= 2.001 * RATING_W * 0.001 / 3.0


@given(st.floats(0.0, 2.0))
def test_droop_is_the_same_on_both_sides(deviation_hz: float) -> None:
    low_w = DROOP.change_w(60.0 - deviation_hz, RATING_W)
    assert DROOP.change_w(60.0 + deviation_hz, RATING_W) == pytest.approx(-low_w, abs=RATING_W / 3_000.0)
