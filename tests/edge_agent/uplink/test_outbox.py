"""The durable queue: numbered without gaps, bounded, released only by the cloud's acknowledgement."""

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edge_agent.uplink.database import FILE_NAME, Database, open_database, open_read_only
from edge_agent.uplink.outbox import Durable, Outbox
from vpp_core.codec import decode
from vpp_core.faults import StorageFault
from vpp_core.ids import CommandId, DerId, SiteId
from vpp_core.messages import EventKind, EventRecord, EventTrace, Receipt, ReceiptStatus, Telemetry

NOW = datetime(2021, 8, 12, 17, tzinfo=UTC)
SITE = SiteId("site")
TELEMETRY = Telemetry(site_id=SITE, seq=0, readings=())
RECEIPT = Receipt(
    site_id=SITE,
    seq=0,
    command_id=CommandId("c"),
    revision=1,
    der_id=DerId("d"),
    at=NOW,
    status=ReceiptStatus.ACCEPTED,
)
EVENT = EventRecord(
    site_id=SITE,
    seq=0,
    event_id="e",
    kind=EventKind.FREQUENCY_RESPONSE,
    triggered_at=NOW,
    trace=EventTrace(offset_s=(), frequency_hz=(), demanded_w=(), measured_w=()),
)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = open_database(tmp_path, NOW)
    yield database
    database.close()


def outbox_of(database: Database, messages_max: int = 1_000) -> Outbox:
    return Outbox(database, messages_max=messages_max, now=NOW)


def seqs(outbox: Outbox) -> list[int]:
    return [row.seq for row in outbox.after(0, 10_000)]


def test_messages_of_all_kinds_share_one_numbering_which_is_in_their_payload(database: Database) -> None:
    outbox = outbox_of(database)
    outbox.append([TELEMETRY, RECEIPT])
    outbox.append([EVENT])
    rows = outbox.after(0, 10)
    assert [(row.seq, row.kind) for row in rows] == [(1, "telemetry"), (2, "receipt"), (3, "event")]
    assert decode(rows[1].payload, Receipt).seq == 2


def test_only_what_is_acknowledged_is_forgotten(database: Database) -> None:
    outbox = outbox_of(database)
    outbox.append([TELEMETRY] * 5)
    assert outbox.first_seq == 1
    assert outbox.acknowledge(3)
    assert (seqs(outbox), len(outbox), outbox.first_seq) == ([4, 5], 2, 4)
    assert outbox.acknowledge(2)
    assert seqs(outbox) == [4, 5]


def test_an_acknowledgement_of_what_was_never_sent_forgets_nothing(database: Database) -> None:
    outbox = outbox_of(database)
    outbox.append([TELEMETRY])
    assert not outbox.acknowledge(2)
    assert len(outbox) == 1


def test_an_empty_outbox_knows_the_next_number(database: Database) -> None:
    outbox = outbox_of(database)
    assert (outbox.first_seq, outbox.last_seq, len(outbox)) == (1, 0, 0)
    outbox.append([TELEMETRY])
    outbox.acknowledge(1)
    assert (outbox.first_seq, outbox.last_seq) == (2, 1)


def test_numbers_go_on_after_a_restart_even_when_nothing_waits(tmp_path: Path) -> None:
    for expected in ([1, 2], [3, 4]):
        database = open_database(tmp_path, NOW)
        outbox = outbox_of(database)
        outbox.append([TELEMETRY, TELEMETRY])
        assert seqs(outbox) == expected
        outbox.acknowledge(outbox.last_seq)
        database.close()


def test_a_full_outbox_drops_the_oldest_telemetry_and_nothing_else(database: Database) -> None:
    outbox = outbox_of(database, messages_max=4)
    assert outbox.append([TELEMETRY, RECEIPT, EVENT, TELEMETRY]) == 0
    assert outbox.append([RECEIPT, RECEIPT]) == 2
    assert [(row.seq, row.kind) for row in outbox.after(0, 10)] == [
        (2, "receipt"), (3, "event"), (5, "receipt"), (6, "receipt"),
    ]  # fmt: skip
    assert outbox.append([RECEIPT]) == 0
    assert len(outbox) == 5


def test_documents_are_stored_with_the_messages(database: Database) -> None:
    outbox = outbox_of(database)
    outbox.append([RECEIPT], {"commands": b"[]"})
    assert database.load("commands") == b"[]"
    assert database.load("nothing") is None


def test_whoever_listens_hears_of_new_messages(database: Database) -> None:
    outbox = outbox_of(database)
    outbox.append([TELEMETRY])
    heard: list[int] = []
    outbox.on_append = lambda: heard.append(outbox.last_seq)
    outbox.append([TELEMETRY])
    assert heard == [2]


def test_a_failed_transaction_uses_no_number_and_keeps_nothing(database: Database) -> None:
    outbox = outbox_of(database)
    outbox.append([TELEMETRY])
    database.execute(
        "CREATE TRIGGER full BEFORE INSERT ON document BEGIN SELECT RAISE(ABORT, 'disk full'); END"
    )
    with pytest.raises(StorageFault, match="disk full"):
        outbox.append([TELEMETRY, RECEIPT])
    database.execute("DROP TRIGGER full")
    outbox.append([RECEIPT])
    assert [(row.seq, row.kind) for row in outbox.after(0, 10)] == [(1, "telemetry"), (2, "receipt")]


def test_a_copy_taken_at_any_commit_is_whole(tmp_path: Path, database: Database) -> None:
    """What a power cut leaves: file and log as they are on the disk, without a clean end."""
    outbox = outbox_of(database)
    outbox.append([TELEMETRY] * 3)
    outbox.acknowledge(1)
    outbox.append([RECEIPT])
    cut = tmp_path / "cut"
    cut.mkdir()
    for file in tmp_path.glob(f"{FILE_NAME}*"):
        shutil.copy(file, cut)
    survivor = open_database(cut, NOW)
    assert survivor.replaced is None
    assert (seqs(outbox_of(survivor)), outbox_of(survivor).last_seq) == ([2, 3, 4], 4)
    survivor.close()


MOVES = st.one_of(
    st.lists(st.sampled_from([TELEMETRY, RECEIPT, EVENT]), min_size=1, max_size=4),
    st.integers(0, 20),
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25, deadline=None)
@given(st.lists(MOVES, max_size=12))
def test_nothing_is_lost_or_doubled_whatever_happens_in_between(
    tmp_path_factory: pytest.TempPathFactory, moves: list[list[Durable] | int]
) -> None:
    database = open_database(tmp_path_factory.mktemp("outbox"), NOW, "off")
    outbox, given_out, acknowledged = outbox_of(database), 0, 0
    for move in moves:
        if isinstance(move, int):
            assert outbox.acknowledge(move) == (move <= given_out)
            acknowledged = max(acknowledged, move if move <= given_out else 0)
        else:
            outbox.append(move)
            given_out += len(move)
        assert seqs(outbox) == list(range(acknowledged + 1, given_out + 1))
        assert len(outbox) == given_out - acknowledged
    database.close()


# --- the file ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "content",
    [b"not a database " * 50, b"SQLite format 3\x00" + b"\xff" * 5_000],
    ids=["text", "torn-header"],
)
def test_a_broken_file_is_moved_aside_and_numbers_jump_ahead(tmp_path: Path, content: bytes) -> None:
    (tmp_path / FILE_NAME).write_bytes(content)
    database = open_database(tmp_path, NOW)
    assert database.replaced is not None
    assert database.replaced.read_bytes() == content
    outbox = outbox_of(database)
    outbox.append([TELEMETRY])
    assert seqs(outbox) == [int(NOW.timestamp()) + 1]
    database.close()


def test_damage_inside_the_file_is_found_at_the_start(tmp_path: Path) -> None:
    database = open_database(tmp_path, NOW)
    outbox_of(database).append([TELEMETRY] * 2_000)
    database.close()
    path = tmp_path / FILE_NAME
    content = bytearray(path.read_bytes())
    content[8_192:40_960] = b"\x5a" * 32_768
    path.write_bytes(content)
    again = open_database(tmp_path, NOW)
    assert again.replaced is not None
    assert len(outbox_of(again)) == 0
    again.close()


def test_a_second_agent_is_refused_and_the_folder_is_free_after_the_first(tmp_path: Path) -> None:
    first = open_database(tmp_path, NOW)
    with pytest.raises(StorageFault, match="another agent"):
        open_database(tmp_path, NOW)
    first.close()
    open_database(tmp_path, NOW).close()


def test_a_folder_that_cannot_be_made_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageFault, match="choose another state_dir"):
        open_database(tmp_path / "file" / "state", NOW)


def test_a_reader_sees_the_file_while_the_agent_writes(tmp_path: Path, database: Database) -> None:
    outbox_of(database).append([TELEMETRY])
    reader = open_read_only(tmp_path)
    assert reader.execute("SELECT count(*) FROM message") == [(1,)]
    with pytest.raises(StorageFault):
        reader.execute("DELETE FROM message")
    reader.close()


def test_without_a_file_a_reader_is_told_so(tmp_path: Path) -> None:
    with pytest.raises(StorageFault, match="has not run"):
        open_read_only(tmp_path)


def test_a_reader_of_a_broken_file_is_told_so(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_bytes(b"nonsense " * 100)
    with pytest.raises(StorageFault, match="cannot use"):
        open_read_only(tmp_path)
