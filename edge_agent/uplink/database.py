"""The site's SQLite file: opened, checked, and put aside if it is broken.

One agent writes; ``vpp-edge status`` reads at the same time (WAL).
"""

import fcntl
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, Literal

from vpp_core.faults import StorageFault

FILE_NAME = "site.sqlite"
LOCK_NAME = "agent.lock"
_SUFFIXES = ("", "-wal", "-shm")
_SCHEMA = """
CREATE TABLE IF NOT EXISTS message (
    seq INTEGER PRIMARY KEY, kind TEXT NOT NULL, payload BLOB NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS message_kind ON message (kind, seq);
CREATE TABLE IF NOT EXISTS document (name TEXT PRIMARY KEY, body BLOB NOT NULL) STRICT;
"""

Durability = Literal["full", "off"]


class Database:
    """One open file; statements outside :meth:`transaction` commit by themselves."""

    def __init__(
        self,
        connection: sqlite3.Connection,
        path: Path,
        *,
        replaced: Path | None = None,
        lock: BinaryIO | None = None,
    ) -> None:
        self._connection = connection
        self._lock = lock
        self.path = path
        self.replaced = replaced
        """Where a broken predecessor of this file was put, or nothing."""

    def execute(self, statement: str, values: tuple[object, ...] = ()) -> list[tuple[object, ...]]:
        """All rows of one statement.

        Raises:
            StorageFault: the disk is full, the file is locked or damaged.
        """
        try:
            return self._connection.execute(statement, values).fetchall()
        except sqlite3.Error as error:
            raise _fault(self.path, error) from error

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All statements inside, or none of them; transactions do not nest."""
        self.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            with suppress(StorageFault):
                self.execute("ROLLBACK")
            raise
        self.execute("COMMIT")

    def load(self, name: str) -> bytes | None:
        """A document that was saved under a name."""
        match self.execute("SELECT body FROM document WHERE name = ?", (name,)):
            case [(bytes(body),)]:
                return body
            case _:
                return None

    def save(self, name: str, body: bytes) -> None:
        self.execute("INSERT OR REPLACE INTO document (name, body) VALUES (?, ?)", (name, body))

    def close(self) -> None:
        self._connection.close()
        if self._lock is not None:
            self._lock.close()


def open_database(state_dir: Path, now: datetime, durability: Durability = "full") -> Database:
    """The site's file, made if missing; a broken one is moved aside whole and a new one is begun.

    Raises:
        StorageFault: the folder cannot be written, or another agent uses the file.
    """
    path = state_dir / FILE_NAME
    lock = _lock(state_dir)
    replaced = None
    try:
        try:
            connection = _connect(path, durability)
        except sqlite3.OperationalError:
            raise
        except sqlite3.DatabaseError:
            replaced = _put_aside(path, now)
            connection = _connect(path, durability)
    except sqlite3.Error as error:
        lock.close()
        raise _fault(path, error) from error
    return Database(connection, path, replaced=replaced, lock=lock)


def open_read_only(state_dir: Path) -> Database:
    """The same file for a reader, while the agent may be writing.

    Raises:
        StorageFault: there is none yet, or it cannot be read.
    """
    path = state_dir / FILE_NAME
    if not path.exists():
        raise StorageFault(f"there is no {path}; the agent has not run with this state_dir yet")
    try:
        connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None)
        connection.execute("SELECT count(*) FROM document").fetchone()
    except sqlite3.Error as error:
        raise _fault(path, error) from error
    return Database(connection, path)


def _lock(state_dir: Path) -> BinaryIO:
    """Held as long as the agent runs, so that two agents never share a state_dir."""
    try:
        state_dir.mkdir(parents=True, exist_ok=True)
        lock = (state_dir / LOCK_NAME).open("ab")
    except OSError as error:
        raise StorageFault(
            f"cannot write to {state_dir}: {error.strerror}; choose another state_dir"
        ) from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        lock.close()
        raise StorageFault(f"another agent runs on {state_dir}; stop it, or choose another") from error
    return lock


def _connect(path: Path, durability: Durability) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None, timeout=2.0)
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute(f"PRAGMA synchronous = {durability.upper()}")
        _check(connection)
        connection.executescript(_SCHEMA)
    except BaseException:
        connection.close()
        raise
    return connection


def _check(connection: sqlite3.Connection) -> None:
    if connection.execute("PRAGMA quick_check").fetchone() != ("ok",):
        raise sqlite3.DatabaseError("quick_check found damage")


def _put_aside(path: Path, now: datetime) -> Path:
    aside = path.with_name(f"{path.name}.broken-{now:%Y%m%dT%H%M%SZ}")
    try:
        for suffix in _SUFFIXES:
            source = path.with_name(path.name + suffix)
            if source.exists():
                source.rename(aside.with_name(aside.name + suffix))
    except OSError as error:
        raise StorageFault(f"cannot move the broken {path} aside: {error.strerror}") from error
    return aside


def _fault(path: Path, error: sqlite3.Error) -> StorageFault:
    return StorageFault(f"cannot use {path}: {error}; check the disk and its permissions")
