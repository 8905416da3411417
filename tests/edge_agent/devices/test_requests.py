"""The queue of a connection: the most urgent first, bounded, and nobody is forgotten."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.devices.requests import RequestQueue, Urgency


class Asked:
    def __init__(self, urgency: Urgency) -> None:
        self.urgency = urgency


URGENCIES = st.lists(st.sampled_from(Urgency), max_size=30)


@given(URGENCIES)
def test_requests_leave_by_urgency_and_then_in_the_order_of_their_coming(urgencies: list[Urgency]) -> None:
    queue: RequestQueue[Asked] = RequestQueue()
    asked = [Asked(urgency) for urgency in urgencies]
    for request in asked:
        assert queue.put(request) is None
    left = [queue.take() for _ in asked]
    assert left == sorted(asked, key=lambda request: request.urgency)
    assert queue.peek() is None


@given(URGENCIES, st.integers(1, 5))
def test_a_full_queue_turns_away_the_least_urgent_and_of_them_the_latest(
    urgencies: list[Urgency], waiting_max: int
) -> None:
    queue: RequestQueue[Asked] = RequestQueue(waiting_max)
    asked = [Asked(urgency) for urgency in urgencies]
    turned_away = [given for request in asked if (given := queue.put(request)) is not None]
    kept = [queue.take() for _ in range(len(queue))]
    assert kept == sorted(asked, key=lambda request: request.urgency)[:waiting_max]
    assert len(kept) + len(turned_away) == len(asked)


def test_a_request_that_nobody_wants_any_more_is_forgotten() -> None:
    queue: RequestQueue[Asked] = RequestQueue()
    first, second = Asked(Urgency.METER), Asked(Urgency.METER)
    queue.put(first)
    queue.put(second)
    queue.remove(first)
    queue.remove(first)
    assert queue.take() is second
    with pytest.raises(IndexError):
        queue.take()
