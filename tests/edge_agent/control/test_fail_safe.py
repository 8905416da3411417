"""Hold one period, then let go; recover only after it has been good for a while."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.control.fail_safe import FailSafe, Trust

GOOD, HOLD, LOST = Trust.GOOD, Trust.HOLD, Trust.LOST


@pytest.mark.parametrize(
    "looks",
    [
        pytest.param([(0.0, False, LOST), (9.0, False, LOST)], id="it-starts-lost-and-stays-so"),
        pytest.param(
            [(0.0, True, LOST), (0.5, True, LOST), (1.0, True, GOOD)], id="it-must-be-good-for-a-while"
        ),
        pytest.param(
            [(0.0, True, LOST), (0.5, False, LOST), (1.0, True, LOST), (2.0, True, GOOD)],
            id="a-relapse-begins-the-while-again",
        ),
        pytest.param(
            [(0.0, True, LOST), (1.0, True, GOOD), (1.05, False, HOLD), (1.1, False, LOST)],
            id="a-loss-is-held-for-one-period-then-let-go",
        ),
        pytest.param(
            [
                (0.0, True, LOST),
                (1.0, True, GOOD),
                (1.05, False, HOLD),
                (1.06, False, HOLD),
                (1.08, True, GOOD),
            ],
            id="a-blink-is-bridged",
        ),
        pytest.param(
            [
                (0.0, True, LOST),
                (1.0, True, GOOD),
                (1.05, False, HOLD),
                (181.0, False, LOST),
                (361.0, True, LOST),
                (541.0, True, GOOD),
            ],
            id="rare-looks-at-high-speed-change-nothing",
        ),
    ],
)
def test_trust_over_time(looks: list[tuple[float, bool, Trust]]) -> None:
    state = FailSafe(hold_s=0.05, recover_s=1.0)
    for now_s, usable, expected in looks:
        state = state.observe(usable=usable, now_s=now_s)
        assert state.trust is expected, now_s


def test_without_a_recovery_time_one_good_look_is_enough() -> None:
    assert FailSafe(hold_s=1.0, recover_s=0.0).observe(usable=True, now_s=5.0).trust is GOOD


@given(st.lists(st.booleans(), max_size=60))
def test_it_never_chatters(looks: list[bool]) -> None:
    """From lost to good takes the whole recovery time without a bad look in between."""
    state = FailSafe(hold_s=0.05, recover_s=1.0)
    good_for = 0
    for number, usable in enumerate(looks):
        was = state.trust
        state = state.observe(usable=usable, now_s=0.1 * number)
        good_for = good_for + 1 if usable else 0
        if was is LOST and state.trust is GOOD:
            assert good_for >= 10
        if not usable:
            assert state.trust is not GOOD
