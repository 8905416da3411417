"""A gateway may forget a message only when everything up to it is stored."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud.telemetry import sequence
from cloud.telemetry.sequence import PATIENCE_S, Arrival, Sequence

NOON = datetime(2021, 8, 12, 12, 0, tzinfo=UTC)
NEXT, AHEAD, DUPLICATE = Arrival.NEXT, Arrival.AHEAD, Arrival.DUPLICATE


@pytest.mark.parametrize(
    ("arrivals", "outcomes", "reached"),
    [
        pytest.param([1, 2, 3], [NEXT, NEXT, NEXT], 3, id="in order"),
        pytest.param([1, 1, 2, 1], [NEXT, DUPLICATE, NEXT, DUPLICATE], 2, id="duplicates change nothing"),
        pytest.param([1, 3, 4], [NEXT, AHEAD, AHEAD], 1, id="a hole holds the acknowledgement"),
        pytest.param([1, 3, 3, 2], [NEXT, AHEAD, DUPLICATE, NEXT], 3, id="a filled hole lets it go on"),
        pytest.param([500], [AHEAD], 0, id="an unknown gateway begins at one"),
    ],
)
def test_what_is_reached_is_contiguous(arrivals: list[int], outcomes: list[Arrival], reached: int) -> None:
    numbers = Sequence()
    assert [numbers.receive(seq, NOON) for seq in arrivals] == outcomes
    assert numbers.reached == reached


@given(st.permutations(range(1, 30)), st.lists(st.integers(1, 29)))
def test_in_whatever_order_all_arrive_all_are_reached(order: list[int], again: list[int]) -> None:
    numbers = Sequence()
    seen: set[int] = set()
    for seq in [*order, *again]:
        assert (numbers.receive(seq, NOON) is DUPLICATE) == (seq in seen)
        seen.add(seq)
        assert numbers.reached == next(n for n in range(31) if n + 1 not in seen)
    assert numbers.reached == 29


def test_a_hole_is_given_up_when_patience_ends_and_not_before() -> None:
    numbers = Sequence(reached=10)
    numbers.receive(14, NOON)
    numbers.receive(17, NOON + timedelta(seconds=1))
    assert numbers.give_up(NOON + timedelta(seconds=PATIENCE_S - 1)) == 0
    assert numbers.give_up(NOON + timedelta(seconds=PATIENCE_S)) == 3
    assert numbers.reached == 14
    assert numbers.give_up(NOON + timedelta(seconds=PATIENCE_S)) == 0
    assert numbers.give_up(NOON + timedelta(seconds=2 * PATIENCE_S)) == 2
    assert numbers.reached == 17
    assert numbers.give_up(NOON + timedelta(days=9)) == 0


def test_a_started_agent_may_repeat_itself_and_is_followed() -> None:
    numbers = Sequence("a", reached=20)
    numbers.begin("b")
    assert [numbers.receive(seq, NOON) for seq in (18, 19, 20, 21)] == [NEXT] * 4
    assert numbers.reached == 21


def test_a_new_outbox_is_never_told_to_forget_what_it_has_not_sent() -> None:
    numbers = Sequence("a", reached=500)
    numbers.begin("b")
    numbers.receive(1, NOON)
    assert numbers.reached == 1


def test_the_same_agent_that_reconnects_does_not_go_back() -> None:
    numbers = Sequence("a", reached=20)
    numbers.begin("a")
    assert numbers.receive(18, NOON) is DUPLICATE
    assert numbers.reached == 20


def test_a_started_agent_that_skips_ahead_still_leaves_a_hole() -> None:
    numbers = Sequence("a", reached=20)
    numbers.begin("b")
    assert numbers.receive(25, NOON) is AHEAD
    assert numbers.reached == 20


def test_what_lies_beyond_a_hole_is_remembered_within_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sequence, "AHEAD_MAX", 2)
    numbers = Sequence()
    for seq in (2, 3, 4):
        numbers.receive(seq, NOON)
    numbers.receive(1, NOON)
    assert numbers.reached == 3
    assert numbers.receive(4, NOON) is NEXT
