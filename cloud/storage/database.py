"""Opens the database, brings its schema up to date, and hands out sessions.

SQLite is what is tested. A PostgreSQL address is accepted, because nothing here is peculiar to SQLite but
the pragmas, and is unproven until an issue proves it.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import alembic.command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection, Engine, StaticPool, create_engine, event, make_url
from sqlalchemy.engine import URL
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError
from sqlalchemy.orm import Session

from vpp_core.faults import StorageFault

BUSY_TIMEOUT_MS = 5_000
MIGRATIONS = Path(__file__).parent / "migrations"


class Database:
    """One database. Not for threads: a session block runs to its end without awaiting."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.rollbacks = 0
        """Counts rolled-back sessions, so that a cache knows when it may hold what never was."""
        self._open: Session | None = None

    @contextmanager
    def session(self) -> Iterator[Session]:
        """A session that commits at the end of the block and rolls back on any exception.

        Inside another session block it joins that one: both commit together or not at all.

        Raises:
            StorageFault: the database is locked, full, corrupt or gone.
        """
        if self._open is not None:
            yield self._open
            return
        with Session(self.engine, expire_on_commit=False) as session:
            self._open = session
            try:
                yield session
                session.commit()
            except DBAPIError as error:
                self._rollback(session)
                if isinstance(error.orig, sqlite3.IntegrityError):
                    raise
                raise _fault(self.engine.url, error) from error
            except BaseException:
                self._rollback(session)
                raise
            finally:
                self._open = None

    def close(self) -> None:
        self.engine.dispose()

    def _rollback(self, session: Session) -> None:
        self.rollbacks += 1
        session.rollback()


def open_database(where: str | Path, *, migrate: bool = True) -> Database:
    """The database in a file, or at an SQLAlchemy address such as ``sqlite://`` (in memory).

    A path is taken as it is: in an address ``?`` would begin its options, and another file be opened.

    With ``migrate`` the schema is brought to this program's revision, and a missing SQLite file is made;
    without it, only a database that is there and up to date is opened.

    Raises:
        StorageFault: the address is wrong, the file is no database, is locked, belongs to a newer
            program, or (without ``migrate``) is missing or out of date.
    """
    try:
        address = URL.create("sqlite", database=str(where)) if isinstance(where, Path) else make_url(where)
        engine = _engine(address, must_exist=not migrate)
    except (ArgumentError, NoSuchModuleError, ModuleNotFoundError) as error:
        raise StorageFault(
            f"{where!r} is not a database address that works here ({error}); use sqlite:///FILE"
        ) from error
    try:
        with engine.begin() as connection:
            if migrate:
                _upgrade(connection)
            else:
                _require_head(connection)
    except DBAPIError as error:
        engine.dispose()
        raise _fault(address, error) from error
    except StorageFault:
        engine.dispose()
        raise
    return Database(engine)


def _engine(address: URL, *, must_exist: bool) -> Engine:
    if address.get_backend_name() != "sqlite":
        return create_engine(address)
    if address.database in (None, "", ":memory:"):
        engine = create_engine(address, poolclass=StaticPool)
    else:
        path = Path(str(address.database))
        if must_exist and not path.is_file():
            raise StorageFault(f"there is no database at {path}; give the path of an existing one")
        if not path.parent.is_dir():
            raise StorageFault(f"the directory {path.parent} of the database does not exist; create it first")
        engine = create_engine(address)
    event.listen(engine, "connect", _set_pragmas)
    return engine


def _set_pragmas(connection: sqlite3.Connection, _record: object) -> None:
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
    cursor.execute("PRAGMA journal_mode = WAL")
    cursor.execute("PRAGMA synchronous = FULL")
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.close()


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    return config


def _upgrade(connection: Connection) -> None:
    if connection.dialect.name == "sqlite":
        # Python's driver would commit each statement of a schema by itself; this makes it all or nothing.
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    config = _config()
    config.attributes["connection"] = connection
    try:
        alembic.command.upgrade(config, "head")
    except CommandError as error:
        raise _unknown_revision(connection) from error


def _require_head(connection: Connection) -> None:
    script = ScriptDirectory.from_config(_config())
    found = MigrationContext.configure(connection).get_current_revision()
    if found == script.get_current_head():
        return
    if found is None or found in {revision.revision for revision in script.walk_revisions()}:
        raise StorageFault("the database is older than this program; run `vpp-cloud migrate` first")
    raise _unknown_revision(connection)


def _unknown_revision(connection: Connection) -> StorageFault:
    found = MigrationContext.configure(connection).get_current_revision()
    return StorageFault(
        f"the database has schema revision {found}, which this program does not know: a newer Gridchorus "
        "wrote it; install that version or use another database"
    )


def _fault(address: URL, error: DBAPIError) -> StorageFault:
    where = address.render_as_string(hide_password=True)
    text = str(error.orig)
    match text:
        case "database is locked" | "database table is locked":
            advice = "another program holds it; stop that one, or try again"
        case "file is not a database" | "database disk image is malformed":
            advice = "the file is damaged or no database; restore a backup or use another path"
        case "unable to open database file" | "attempt to write a readonly database":
            advice = "check the path and its permissions"
        case "database or disk is full":
            advice = "free some space and start again"
        case _:
            advice = "see the message"
    return StorageFault(f"the database {where} cannot be used ({text}): {advice}")
