"""One schema, opened carefully: what the database does when the world is not as it must be."""

import sqlite3
from datetime import UTC, datetime, timedelta, timezone
from importlib import import_module
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import text

import cloud
from cloud.storage import database as storage
from cloud.storage.audit import ROWS_PER_MINUTE_MAX, AuditRow, AuditTrail
from cloud.storage.base import Base
from cloud.storage.database import Database, open_database
from vpp_core.clock import ManualClock
from vpp_core.faults import StorageFault


def _import_all_tables() -> None:
    root = Path(cloud.__file__).parent
    for path in sorted(root.rglob("*.py")):
        if "Mapped[" in path.read_text(encoding="utf-8"):
            import_module(".".join(("cloud", *path.relative_to(root).with_suffix("").parts)))


def test_migrations_make_exactly_the_declared_tables(database: Database) -> None:
    _import_all_tables()
    with database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []


def test_every_revision_can_be_taken_back(database: Database) -> None:
    config = storage._config()
    with database.engine.begin() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, "base")
        assert connection.execute(
            text("SELECT name FROM sqlite_master WHERE type = 'table'")
        ).scalars().all() == ["alembic_version"]


def test_a_migration_that_breaks_off_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "vpp.db"

    def break_off(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("alembic.runtime.migration.HeadMaintainer.update_to_step", break_off)
        with pytest.raises(KeyboardInterrupt):
            open_database(f"sqlite:///{path}")
    with sqlite3.connect(path) as connection:
        assert connection.execute("SELECT name FROM sqlite_master").fetchall() == []
    connection.close()
    open_database(f"sqlite:///{path}").close()


def test_opening_again_keeps_what_is_there(tmp_path: Path, clock: ManualClock) -> None:
    url = f"sqlite:///{tmp_path / 'vpp.db'}"
    first = open_database(url)
    AuditTrail(first, clock).record("code", "subject", "kept")
    first.close()
    again = open_database(url)
    assert [row.text for row in AuditTrail(again, clock).rows()] == ["kept"]
    again.close()
    open_database(url, migrate=False).close()


def test_a_path_is_taken_as_it_is_whatever_it_means_in_an_address(tmp_path: Path) -> None:
    path = tmp_path / "which?one#50%41.db"
    open_database(path).close()
    assert sorted(each.name for each in tmp_path.iterdir()) == [path.name]
    open_database(path, migrate=False).close()


@pytest.mark.parametrize(
    ("pragma", "value"),
    [
        pytest.param("journal_mode", "wal", id="readers do not block the writer"),
        pytest.param("foreign_keys", 1, id="a link cannot point at nothing"),
        pytest.param("synchronous", 2, id="a commit survives a power cut"),
        pytest.param("busy_timeout", storage.BUSY_TIMEOUT_MS, id="a lock is waited for, within a bound"),
    ],
)
def test_every_sqlite_connection_has_the_pragma(tmp_path: Path, pragma: str, value: object) -> None:
    database = open_database(f"sqlite:///{tmp_path / 'vpp.db'}")
    with database.session() as session:
        assert session.scalar(text(f"PRAGMA {pragma}")) == value
    database.close()


def _write_noise(path: Path) -> None:
    path.write_bytes(b"this is not a database, and never was one " * 50)


def _write_newer(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE alembic_version (version_num VARCHAR(32))")
        connection.execute("INSERT INTO alembic_version VALUES ('9999')")
    connection.close()


def _write_older(path: Path) -> None:
    sqlite3.connect(path).close()
    path.touch()


@pytest.mark.parametrize(
    ("prepare", "migrate", "sentence"),
    [
        pytest.param(_write_noise, True, "damaged or no database", id="a file of noise"),
        pytest.param(_write_newer, True, "newer Gridchorus", id="a newer schema, on migration"),
        pytest.param(_write_newer, False, "newer Gridchorus", id="a newer schema, on reading"),
        pytest.param(_write_older, False, "vpp-cloud migrate", id="an older schema, on reading"),
        pytest.param(lambda _: None, False, "there is no database at", id="no file, on reading"),
        pytest.param(lambda path: path.mkdir(), True, "check the path", id="a directory"),
    ],
)
def test_a_database_that_cannot_be_used_is_one_sentence(
    tmp_path: Path,
    prepare: object,
    migrate: bool,  # noqa: FBT001
    sentence: str,
) -> None:
    path = tmp_path / "vpp.db"
    assert callable(prepare)
    prepare(path)
    with pytest.raises(StorageFault, match=sentence):
        open_database(f"sqlite:///{path}", migrate=migrate)


@pytest.mark.parametrize(
    "url",
    [
        pytest.param("nonsense", id="no address at all"),
        pytest.param("oracle+nothing://x", id="an unknown dialect"),
        pytest.param("postgresql+asyncpg://localhost/vpp", id="a driver that is not installed"),
    ],
)
def test_an_address_that_works_nowhere_says_which_one_does(url: str) -> None:
    with pytest.raises(StorageFault, match="use sqlite:///FILE"):
        open_database(url)


def test_a_missing_directory_is_named(tmp_path: Path) -> None:
    with pytest.raises(StorageFault, match="does not exist; create it first"):
        open_database(f"sqlite:///{tmp_path / 'nowhere' / 'vpp.db'}")


def test_a_locked_database_is_a_fault_and_nothing_is_half_written(
    tmp_path: Path, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storage, "BUSY_TIMEOUT_MS", 1)
    path = tmp_path / "vpp.db"
    database = open_database(f"sqlite:///{path}")
    trail = AuditTrail(database, clock)
    thief = sqlite3.connect(path, isolation_level=None)
    thief.execute("BEGIN EXCLUSIVE")
    with pytest.raises(StorageFault, match="another program holds it"):
        trail.record("code", "subject", "not now")
    thief.execute("ROLLBACK")
    thief.close()
    assert trail.rows() == []
    database.close()


def test_a_session_inside_another_commits_with_it_or_not_at_all(
    database: Database, clock: ManualClock
) -> None:
    trail = AuditTrail(database, clock)

    def fail() -> None:
        with database.session():
            trail.record("code", "subject", "inner")
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert trail.rows() == []
    assert database.rollbacks == 1


def test_instants_come_back_aware_and_in_utc(database: Database) -> None:
    houston = timezone(timedelta(hours=-5))
    with database.session() as session:
        session.add(AuditRow(at=datetime(2021, 8, 12, 7, 0, tzinfo=houston), code="c", subject="s", text="t"))
    with database.session() as session:
        row = session.get_one(AuditRow, 1)
        session.expire(row)
        assert row.at == datetime(2021, 8, 12, 12, 0, tzinfo=UTC)
        assert row.at.tzinfo is UTC


def test_a_naive_instant_is_refused(database: Database) -> None:
    def write() -> None:
        with database.session() as session:
            session.add(AuditRow(at=datetime(2021, 8, 12, 7, 0), code="c", subject="s", text="t"))  # noqa: DTZ001

    with pytest.raises(Exception, match="must be aware"):
        write()


def test_a_flood_of_refusals_is_counted_in_full_and_written_in_part(
    database: Database, clock: ManualClock
) -> None:
    trail = AuditTrail(database, clock)
    for _ in range(3 * ROWS_PER_MINUTE_MAX):
        trail.record("garbage", "vpp/v1/x/telemetry", "no JSON")
    assert trail.counts == {"garbage": 3 * ROWS_PER_MINUTE_MAX}
    assert len(trail.rows()) == ROWS_PER_MINUTE_MAX
    clock.advance(60.0)
    trail.record("garbage", "vpp/v1/x/telemetry", "no JSON")
    assert len(trail.rows()) == ROWS_PER_MINUTE_MAX + 1


def test_the_audit_trail_keeps_no_control_characters(database: Database, clock: ManualClock) -> None:
    trail = AuditTrail(database, clock)
    trail.record("garbage", "vpp/é", "\ud800" + "x" * 10_000)
    (row,) = trail.rows()
    assert row.subject == "vpp/\\xe9"
    assert len(row.text) == 500
