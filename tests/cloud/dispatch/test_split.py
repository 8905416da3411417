"""The split of a target: exact, bounded, monotone, and the same every time."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud.dispatch.split import Array, headroom_w, split

limits = st.lists(
    st.one_of(st.just(0.0), st.floats(min_value=1.0, max_value=50_000.0)), min_size=1, max_size=40
).map(lambda values: np.array(values, dtype=np.float64))
parts = st.floats(min_value=0.0, max_value=1.5)


def column(*values: float) -> Array:
    return np.array(values, dtype=np.float64)


@given(limits, parts)
def test_shares_and_the_unserved_rest_sum_to_the_target(limit_w: Array, part: float) -> None:
    target_w = part * float(limit_w.sum())
    result = split(target_w, limit_w)
    assert math.fsum(result.share_w) + result.unserved_w == pytest.approx(target_w, rel=1e-12, abs=1e-9)


@given(limits, parts)
def test_no_share_leaves_its_limits(limit_w: Array, part: float) -> None:
    result = split(part * float(limit_w.sum()), limit_w)
    assert bool(np.all(result.share_w >= 0.0))
    assert bool(np.all(result.share_w <= limit_w))


@given(limits, parts)
def test_nothing_is_unserved_while_there_is_headroom(limit_w: Array, part: float) -> None:
    result = split(part * float(limit_w.sum()), limit_w)
    assert result.unserved_w == 0.0 or bool(np.all(result.share_w == limit_w))


@given(limits, st.data())
def test_a_higher_target_takes_less_from_nobody(limit_w: Array, data: st.DataObject) -> None:
    weight = column(*(data.draw(st.floats(min_value=1.0, max_value=100.0)) for _ in limit_w))
    total_w = float(limit_w.sum())
    low, high = sorted((data.draw(parts), data.draw(parts)))
    lower, higher = (split(part * total_w, limit_w, weight).share_w for part in (low, high))
    assert bool(np.all(higher - lower >= -1e-6))


@given(limits, parts)
def test_the_split_is_deterministic(limit_w: Array, part: float) -> None:
    target_w = part * float(limit_w.sum())
    first, second = (split(target_w, limit_w.copy()) for _ in range(2))
    assert first.share_w.tobytes() == second.share_w.tobytes()


def test_by_default_devices_share_in_proportion_to_headroom() -> None:
    assert split(300.0, column(200.0, 400.0)).share_w.tolist() == pytest.approx([100.0, 200.0])


def test_a_full_device_leaves_its_rest_to_the_others_by_weight() -> None:
    result = split(900.0, column(100.0, 1_000.0, 1_000.0), column(1.0, 1.0, 3.0))
    assert result.share_w.tolist() == pytest.approx([100.0, 200.0, 600.0])


def test_without_headroom_everything_is_unserved() -> None:
    result = split(500.0, column(0.0, 0.0))
    assert (result.share_w.tolist(), result.unserved_w) == ([0.0, 0.0], 500.0)


def test_an_empty_fleet_serves_nothing() -> None:
    assert split(500.0, column()).unserved_w == 500.0


def test_a_hundred_thousand_devices_are_split_exactly() -> None:
    chance = np.random.default_rng(1)
    limit_w, weight = chance.uniform(0.0, 10_000.0, 100_000), chance.uniform(1.0, 10.0, 100_000)
    target_w = 0.37 * float(limit_w.sum())
    assert math.fsum(split(target_w, limit_w, weight).share_w) == pytest.approx(target_w, rel=1e-12)


@pytest.mark.parametrize(
    ("target_w", "limit_w", "weight", "reason"),
    [
        pytest.param(-1.0, column(1.0), None, "zero or more", id="negative-target"),
        pytest.param(math.nan, column(1.0), None, "zero or more", id="target-that-is-no-number"),
        pytest.param(1.0, column(-1.0), None, "limit", id="negative-limit"),
        pytest.param(1.0, column(math.inf), None, "limit", id="infinite-limit"),
        pytest.param(1.0, column(1.0), column(1.0, 2.0), "do not fit", id="columns-that-differ"),
        pytest.param(1.0, column(5.0), column(0.0), "no weight", id="headroom-without-weight"),
    ],
)
def test_a_senseless_split_is_a_programmers_error(
    target_w: float, limit_w: Array, weight: Array | None, reason: str
) -> None:
    with pytest.raises(ValueError, match=reason):
        split(target_w, limit_w, weight)


@pytest.mark.parametrize(
    ("available_wh", "cap_w", "expected_w"),
    [
        pytest.param(50_000.0, None, 5_000.0, id="plenty-of-energy-leaves-the-rating"),
        pytest.param(4_000.0, None, 2_000.0, id="energy-for-two-hours-limits-the-power"),
        pytest.param(-100.0, None, 0.0, id="below-the-owners-reserve-there-is-nothing"),
        pytest.param(50_000.0, 1_500.0, 1_500.0, id="what-a-device-showed-is-its-most"),
        pytest.param(50_000.0, -10.0, 0.0, id="a-device-that-absorbs-gives-nothing"),
    ],
)
def test_headroom_lasts_until_the_end(available_wh: float, cap_w: float | None, expected_w: float) -> None:
    caps = None if cap_w is None else column(cap_w)
    assert headroom_w(column(5_000.0), column(available_wh), 7_200.0, caps).tolist() == [expected_w]


def test_headroom_needs_remaining_time() -> None:
    with pytest.raises(ValueError, match="remaining time"):
        headroom_w(column(1.0), column(1.0), 0.0)
