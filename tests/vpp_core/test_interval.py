"""Intervals are half-open, aware and never empty."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vpp_core.interval import Interval, floor_to

NOON = datetime(2021, 8, 12, 12, tzinfo=UTC)
HOUR = Interval.of(NOON, 3600)


def test_the_start_belongs_to_an_interval_and_the_end_does_not() -> None:
    assert HOUR.contains(NOON)
    assert not HOUR.contains(HOUR.end)


def test_neighbours_do_not_overlap() -> None:
    later = Interval.of(HOUR.end, 3600)
    assert not HOUR.overlaps(later)
    assert HOUR.intersection(later) is None


def test_an_intersection_is_the_common_part() -> None:
    later = Interval.of(NOON + timedelta(minutes=30), 3600)
    assert HOUR.intersection(later) == Interval.of(NOON + timedelta(minutes=30), 1800)


@pytest.mark.parametrize(
    ("start", "end"),
    [(NOON, NOON), (HOUR.end, NOON), (NOON.replace(tzinfo=None), HOUR.end.replace(tzinfo=None))],
    ids=["empty", "backwards", "naive"],
)
def test_an_impossible_interval_is_refused(start: datetime, end: datetime) -> None:
    with pytest.raises(ValueError, match="interval"):
        Interval(start, end)


@given(st.integers(1, 100_000), st.integers(1, 5_000))
def test_pieces_of_a_split_join_to_the_whole(duration_s: int, step_s: int) -> None:
    whole = Interval.of(NOON, duration_s)
    pieces = list(whole.split(max(step_s, duration_s // 200 + 1)))
    assert pieces[0].start == whole.start
    assert pieces[-1].end == whole.end
    assert all(a.end == b.start for a, b in pairwise(pieces))


def test_a_split_needs_a_positive_step() -> None:
    with pytest.raises(ValueError, match="positive step"):
        list(HOUR.split(0))


def test_floor_finds_the_border_at_or_before() -> None:
    assert floor_to(NOON + timedelta(minutes=14, seconds=59), 900) == NOON
    assert floor_to(NOON, 900) == NOON
