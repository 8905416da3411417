"""Ids sort by the time of their making, repeat by seed, and never repeat in a factory."""

import random
from datetime import UTC, datetime, timedelta

from vpp_core.clock import ManualClock
from vpp_core.ids import IdFactory, is_ulid

NOON = datetime(2021, 8, 12, 12, tzinfo=UTC)


def test_the_first_ten_characters_are_the_known_encoding_of_the_millisecond() -> None:
    instant = datetime.fromtimestamp(1_469_918_176.385, UTC)
    assert IdFactory(lambda: instant).new().startswith("01ARYZ6S41")


def test_ids_of_one_millisecond_still_grow() -> None:
    factory = IdFactory(lambda: NOON, random.Random(1))
    ids = [factory.new() for _ in range(1000)]
    assert ids == sorted(set(ids))
    assert all(is_ulid(one) for one in ids)


def test_later_ids_sort_later_and_a_clock_that_jumps_back_does_not_matter() -> None:
    clock = ManualClock(NOON)
    factory = IdFactory(clock.now)
    first = factory.new()
    clock.advance(-timedelta(hours=1).total_seconds())
    assert factory.new() > first


def test_the_same_seed_gives_the_same_ids() -> None:
    one, other = (IdFactory(lambda: NOON, random.Random(7)) for _ in range(2))
    assert [one.new() for _ in range(5)] == [other.new() for _ in range(5)]


def test_what_is_not_a_ulid() -> None:
    for text in ("", "site-1", "8" + "0" * 25, "0" * 25 + "U", "0" * 27):
        assert not is_ulid(text)
