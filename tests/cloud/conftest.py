"""A fresh database, a still clock and repeatable ids for every test of the cloud."""

import random
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from cloud.chain.store import Chain
from cloud.storage.database import Database, open_database
from vpp_core.clock import ManualClock
from vpp_core.ids import IdFactory

NOON = datetime(2021, 8, 12, 12, 0, tzinfo=UTC)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOON)


@pytest.fixture
def ids(clock: ManualClock) -> IdFactory:
    return IdFactory(clock.now, random.Random(7))


@pytest.fixture
def database() -> Iterator[Database]:
    database = open_database("sqlite://")
    yield database
    database.close()


@pytest.fixture
def chain(database: Database, ids: IdFactory, clock: ManualClock) -> Chain:
    return Chain(database, ids, clock)
