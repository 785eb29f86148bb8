"""One SQLite file: opened, its schema brought up to date, written by one connection and read by as many as ask.

WAL with synchronous=FULL: a commit that has returned is on disk. The schema's number is SQLite's `user_version`; it grows by
one with each migration, and a file with a larger one than this program knows is refused and left as it is.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tweeling.errors import StoreError

SETTINGS = {
    "journal_mode": "wal",
    "synchronous": 2,  # FULL: the log is synced before a commit returns
    "fullfsync": 1,  # where a system's sync is none (macOS)
    "wal_autocheckpoint": 4000,
    "journal_size_limit": 64 << 20,
    "cache_size": -32768,
}
"""What every connection has."""
BUSY_SECONDS = 30.0


@dataclass(frozen=True)
class Schema:
    """What a kind of file holds.

    Args:
        name: for messages.
        application_id: SQLite's mark of the kind of file.
        migrations: statements that lead from each number to the next, from the empty file on; add, never change.
    """

    name: str
    application_id: int
    migrations: tuple[tuple[str, ...], ...]


class Database:
    """A SQLite file with one writing connection and a pool of reading ones; threads may share it.

    Args:
        path: of the file.
        schema: what it holds, or will.
        write: whether `writing` is allowed.
        create: whether a file that is not there is made, and an older one brought up to date.

    Raises:
        StoreError: no such file, another kind of file, a newer schema, or what the file system refuses.
    """

    def __init__(self, path: Path, schema: Schema, *, write: bool, create: bool) -> None:
        self.path, self.schema = path, schema
        self._lock = threading.Lock()
        self._idle: deque[sqlite3.Connection] = deque()
        self._closed = False
        if not create and not path.exists():
            raise StoreError(f"{path} is not there; `tweeling serve` or `tweeling replay` makes it")
        if create:
            with self._trouble("opened"), self._connect(create=True) as connection:
                self._migrate(connection)
            connection.close()
            _sync_folder(path.parent)
        with self._trouble("opened"):
            self._writer = self._connect() if write else None
            self._idle.append(self._connect())
            number = _number(self._idle[0], "user_version")
        if number < len(schema.migrations):
            raise StoreError(f"{path} has schema {number}, this program's is {len(schema.migrations)}; open it once to write")

    def _connect(self, create: bool = False) -> sqlite3.Connection:
        uri = f"{self.path.absolute().as_uri()}?mode={'rwc' if create else 'rw'}"
        connection = sqlite3.connect(uri, uri=True, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
        self._refuse_others(connection)  # before a setting changes a stranger's file
        for name, value in SETTINGS.items():
            connection.execute(f"PRAGMA {name}={value}")
        return connection

    def _refuse_others(self, connection: sqlite3.Connection) -> None:
        """Refuses another kind of file, and one that a newer program has written."""
        kind, number = _number(connection, "application_id"), _number(connection, "user_version")
        empty = kind == number == 0 and not connection.execute("SELECT 1 FROM sqlite_schema").fetchone()
        if kind != self.schema.application_id and not empty:
            raise StoreError(f"{self.path} is no {self.schema.name}; name another file in store.url")
        known = len(self.schema.migrations)
        if number > known:
            raise StoreError(f"{self.path} has schema {number} and this program knows up to {known}; update Tweeling")

    def _migrate(self, connection: sqlite3.Connection) -> None:
        """Brings the file up to date in one transaction; two processes that open it at once do not meet."""
        connection.execute("BEGIN IMMEDIATE")
        self._refuse_others(connection)
        number = _number(connection, "user_version")
        for statements in self.schema.migrations[number:]:
            for statement in statements:
                connection.execute(statement)
        connection.execute(f"PRAGMA application_id={self.schema.application_id}")
        connection.execute(f"PRAGMA user_version={len(self.schema.migrations)}")
        connection.execute("COMMIT")

    @contextmanager
    def _trouble(self, done: str) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise StoreError(f"{self.path} cannot be {done}: {error}") from error

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """A transaction: on disk when the block has ended, undone when it raises.

        Raises:
            StoreError: opened for reading, closed, a full disk, a damaged file.
        """
        with self._lock, self._trouble("written"):
            if self._writer is None:
                raise StoreError(f"{self.path} is {'closed' if self._closed else 'open for reading only'}")
            connection = self._writer
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
                connection.execute("COMMIT")
            finally:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """A connection that nobody else uses meanwhile; it never waits for the writer.

        Raises:
            StoreError: closed, or a damaged file.
        """
        with self._trouble("read"):
            if self._closed:
                raise StoreError(f"{self.path} is closed")
            connection = self._idle.pop() if self._idle else self._connect()
            connection.execute("PRAGMA query_only=ON")
            try:
                yield connection
            finally:
                self._idle.append(connection)
                if self._closed:
                    self._close_idle()

    def settings(self) -> dict[str, Any]:
        """What SQLite says of the writing connection, of those settings that durability hangs on; empty when there is none."""
        connection = self._writer
        asked = ("journal_mode", "synchronous") if connection is not None else ()
        return {name: connection.execute(f"PRAGMA {name}").fetchone()[0] for name in asked if connection is not None}

    def close(self) -> None:
        """Lets go of the file, after what is being written."""
        self._closed = True
        with self._lock:
            writer, self._writer = self._writer, None
        self._close_idle()
        if writer is not None:
            writer.close()

    def _close_idle(self) -> None:
        while self._idle:
            self._idle.pop().close()


def _number(connection: sqlite3.Connection, pragma: str) -> int:
    return int(connection.execute(f"PRAGMA {pragma}").fetchone()[0])


def _sync_folder(folder: Path) -> None:
    """Makes a new file's name as durable as its content; where the system has no such thing it does nothing."""
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
