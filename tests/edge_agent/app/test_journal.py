"""Faults, memory and the journal when the disk does not do as it should."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from edge_agent.site.faults import CLEARED_MAX, STANDING_MAX, FaultBook
from edge_agent.site.journal import OUTBOX_FULL, STORAGE, Journal
from edge_agent.site.memory import COMMANDS, CONFIG, OWNED, SITE, STATUS, CommissionedSite, Memory
from edge_agent.uplink.database import Database, open_database
from edge_agent.uplink.outbox import Outbox
from vpp_core.clock import ManualClock
from vpp_core.faults import Severity
from vpp_core.ids import DerId, IdFactory, SiteId
from vpp_core.messages import Telemetry

NOW = datetime(2021, 8, 12, 17, tzinfo=UTC)
LATER = NOW + timedelta(minutes=1)
TELEMETRY = Telemetry(site_id=SiteId("site"), seq=0, readings=())


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = open_database(tmp_path, NOW, "off")
    yield database
    database.close()


@pytest.fixture
def journal(database: Database) -> Journal:
    clock = ManualClock(NOW)
    outbox = Outbox(database, messages_max=3, now=NOW)
    return Journal(
        site_id=SiteId("site"), outbox=outbox, faults=FaultBook(), ids=IdFactory(clock.now), clock=clock
    )


def standing(faults: FaultBook) -> list[str]:
    return [fault.code for fault in faults.all() if fault.cleared_at is None]


def test_a_disk_that_fails_is_an_alarm_until_it_works_again(journal: Journal, database: Database) -> None:
    database.execute(
        "CREATE TRIGGER full BEFORE INSERT ON message BEGIN SELECT RAISE(ABORT, 'disk full'); END"
    )
    journal.store([TELEMETRY])
    [fault] = journal.faults.all()
    assert (fault.code, fault.severity) == (STORAGE, Severity.ALARM)
    assert "disk full" in fault.text
    database.execute("DROP TRIGGER full")
    journal.store([TELEMETRY])
    assert standing(journal.faults) == []
    assert journal.outbox.last_seq == 1


def test_a_full_outbox_is_told_while_it_drops(journal: Journal) -> None:
    journal.store([TELEMETRY] * 3)
    assert standing(journal.faults) == []
    journal.store([TELEMETRY])
    assert standing(journal.faults) == [OUTBOX_FULL]
    journal.outbox.acknowledge(journal.outbox.last_seq)
    journal.store([TELEMETRY])
    assert standing(journal.faults) == []


def test_a_fault_that_stands_keeps_its_first_time_and_takes_new_words() -> None:
    faults = FaultBook()
    faults.raise_("device", "battery", "silent", NOW)
    version = faults.version
    faults.raise_("device", "battery", "silent", LATER)
    assert faults.version == version
    faults.raise_("device", "battery", "still silent", LATER)
    [fault] = faults.all()
    assert (fault.raised_at, fault.text) == (NOW, "still silent")
    faults.clear("device", "battery", LATER)
    faults.clear("device", "battery", LATER)
    [fault] = faults.all()
    assert fault.cleared_at == LATER


def test_the_book_of_faults_is_bounded() -> None:
    faults = FaultBook()
    for number in range(100):
        faults.raise_("device", f"source {number}", "silent", NOW)
        faults.mention("refused", "uplink", "nonsense", NOW)
    assert len(faults.all()) == STANDING_MAX + CLEARED_MAX


def test_what_cannot_be_read_counts_as_nothing(database: Database) -> None:
    memory = Memory(database)
    for name in (COMMANDS, CONFIG, OWNED, SITE, STATUS):
        database.save(name, b"{not json")
    assert memory.site() is None
    assert memory.config() is None
    assert memory.commands() == []
    assert memory.owned() == frozenset()
    assert memory.status() is None


def test_what_is_remembered_comes_back(database: Database) -> None:
    memory = Memory(database)
    memory.save_site(CommissionedSite(ders=()))
    memory.save_owned(frozenset({DerId("b"), DerId("a")}))
    assert memory.site() == CommissionedSite(ders=())
    assert memory.owned() == {"a", "b"}
