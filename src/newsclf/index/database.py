"""The one file of an index: SQLite in WAL mode. What was committed here is kept; all else can be made again from it."""

import re
import sqlite3
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from newsclf.errors import IndexFileError

FORMAT = 1  # raised with every change of the tables or of what stands in them
APPLICATION_ID = 0x6E657773  # "news": tells this file from any other of SQLite
BUSY_SECONDS = 10.0  # how long a write waits for another process's
RETRY_SECONDS = 0.01
CACHE_KILOBYTES = 1 << 15
CHECKPOINT_PAGES = 4000  # 16 MB of WAL before its pages move into the file
SYNC = ("normal", "full")  # normal: a kill loses nothing, a power cut perhaps the last moments; full: nothing either

_SCHEMA = """
CREATE TABLE settings (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE articles (
    number INTEGER PRIMARY KEY AUTOINCREMENT,  -- order of arrival; never given twice
    id TEXT NOT NULL UNIQUE,
    seen INTEGER NOT NULL,                     -- when it was added, milliseconds since 1970
    canonical INTEGER NOT NULL,                -- number of its cluster's canonical; its own for one
    cluster TEXT,                              -- the cluster's id; of canonicals only
    post INTEGER,                              -- its number in the postings; of canonicals only
    kind TEXT,                                 -- of duplicate; null for a canonical
    probability REAL,                          -- that it is a duplicate of its canonical; null for a canonical
    topic TEXT, topic_probability REAL,
    published TEXT, source TEXT, url TEXT,
    digest BLOB NOT NULL,                      -- hash of title and text: whether an id comes again with the same
    sample BLOB NOT NULL,                      -- the terms by which it is found
    title TEXT, text BLOB                      -- text is zlib data; both null where the index keeps no text
);
CREATE UNIQUE INDEX clusters ON articles (cluster) WHERE cluster IS NOT NULL;
CREATE INDEX articles_by_age ON articles (seen);
CREATE INDEX members ON articles (canonical) WHERE cluster IS NULL;
CREATE TABLE canonicals (post INTEGER PRIMARY KEY AUTOINCREMENT, number INTEGER NOT NULL);
CREATE TABLE segments (name TEXT PRIMARY KEY, first INTEGER NOT NULL, last INTEGER NOT NULL, checksums TEXT NOT NULL);
CREATE TABLE events (
    event INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,                       -- milliseconds since 1970
    cluster TEXT NOT NULL,                     -- the cluster that changed
    what TEXT NOT NULL,                        -- canonical: has a new one; merged: is another now; left: lost an article
    article TEXT,                              -- id of the new canonical, or of the article that went
    other TEXT                                 -- id of the cluster that it went to
);
CREATE INDEX events_of_cluster ON events (cluster);
"""


def _is_empty(connection: sqlite3.Connection) -> bool:
    return bool(connection.execute("SELECT count(*) FROM sqlite_master").fetchone() == (0,))


def _in_wal_mode(connection: sqlite3.Connection) -> None:
    """Sets WAL mode; where others open a new file too, it does not wait for them by itself."""
    deadline = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > deadline:
                raise
            time.sleep(RETRY_SECONDS)
        else:
            return


class Database:
    """A connection to the file of an index."""

    def __init__(self, path: Path, *, read_only: bool, sync: str, new_settings: Mapping[str, str] | None = None) -> None:
        """Opens the file.

        Args:
            path: of the file.
            read_only: for reading only.
            sync: one of ``SYNC``.
            new_settings: what a new file is made with; None makes none.

        Raises:
            IndexFileError: if it cannot be opened, is no index, or is not there and not to be made.
        """
        if sync not in SYNC:
            raise ValueError(f"sync must be one of {', '.join(SYNC)}, not {sync!r}")
        self.path = path
        self._read_only = read_only
        self._in_transaction = False
        self._connection: sqlite3.Connection | None = None
        if path.is_dir():
            raise IndexFileError(f"{path} is a folder; name a file in it")
        if not path.exists() and (read_only or new_settings is None):
            raise IndexFileError(f"{path}: no such index")
        with self.clear_errors():
            self._connection = self._connect(sync, new_settings)

    def _connect(self, sync: str, new_settings: Mapping[str, str] | None) -> sqlite3.Connection:
        uri = f"{self.path.absolute().as_uri()}?mode={'ro' if self._read_only else 'rwc'}"
        connection = sqlite3.connect(uri, uri=True, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
        try:
            if not self._read_only:
                self._make(connection, new_settings)
            self._check_kind(connection)
            if not self._read_only:
                _in_wal_mode(connection)
                connection.execute(f"PRAGMA synchronous = {sync}")
                connection.execute(f"PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES}")
            connection.execute(f"PRAGMA cache_size = -{CACHE_KILOBYTES}")
        except BaseException:
            connection.close()
            raise
        return connection

    def _make(self, connection: sqlite3.Connection, settings: Mapping[str, str] | None) -> None:
        """Makes the tables of an empty file, all or none, once, however many processes open it."""
        if settings is None or not _is_empty(connection):
            return
        connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
        connection.execute("BEGIN IMMEDIATE")
        if _is_empty(connection):
            for statement in _SCHEMA.split(";\n"):
                connection.execute(statement)
            connection.executemany("INSERT INTO settings VALUES (?, ?)", settings.items())
            connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            connection.execute(f"PRAGMA user_version = {FORMAT}")
        connection.execute("COMMIT")

    def _check_kind(self, connection: sqlite3.Connection) -> None:
        if connection.execute("PRAGMA application_id").fetchone() != (APPLICATION_ID,):
            raise IndexFileError(f"{self.path} is a SQLite file, but no index of newsclf")
        (number,) = connection.execute("PRAGMA user_version").fetchone()
        if number != FORMAT:
            raise IndexFileError(f"{self.path} has index format {number}, and this newsclf reads {FORMAT}")

    def close(self) -> None:
        """Closes the file; twice is once."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def run(self, statement: str, values: Any = ()) -> sqlite3.Cursor:
        """Runs one statement.

        Raises:
            IndexFileError: if SQLite cannot.
        """
        with self.clear_errors():
            return self._opened().execute(statement, values)

    def rows(self, statement: str, values: Any = ()) -> list[tuple[Any, ...]]:
        """All rows of a query."""
        with self.clear_errors():
            return self.run(statement, values).fetchall()

    def run_many(self, statement: str, values: Any) -> None:
        """Runs one statement for each of many values."""
        with self.clear_errors():
            self._opened().executemany(statement, values)

    def _opened(self) -> sqlite3.Connection:
        if self._connection is None:
            raise IndexFileError(f"{self.path}: the index is closed")
        return self._connection

    @contextmanager
    def writing(self) -> Iterator[None]:
        """A write transaction: all of it is kept, or, when anything is raised, nothing.

        Raises:
            IndexFileError: if another process keeps writing, the disk is full, or the file is damaged or read-only.
        """
        if self._read_only:
            raise IndexFileError(f"{self.path} was opened for reading only")
        with self._transaction("IMMEDIATE"):
            yield

    @contextmanager
    def reading(self) -> Iterator[None]:
        """A read transaction: the index as it is at one moment, whatever others write meanwhile. Inside another one nothing."""
        if self._in_transaction:
            yield
            return
        with self._transaction("DEFERRED"):
            yield

    @contextmanager
    def _transaction(self, kind: str) -> Iterator[None]:
        self.run(f"BEGIN {kind}")
        self._in_transaction = True
        try:
            yield
            self.run("COMMIT")
        except BaseException:
            if self._connection is not None and self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            raise
        finally:
            self._in_transaction = False

    @property
    def size_bytes(self) -> int:
        """Bytes of the file and its WAL on disk."""
        files = [self.path, self.path.with_name(self.path.name + "-wal")]
        return sum(file.stat().st_size for file in files if file.exists())

    def settings(self) -> dict[str, str]:
        """What the index was made with."""
        return dict(self.rows("SELECT name, value FROM settings"))

    @contextmanager
    def clear_errors(self) -> Iterator[None]:
        """Errors of SQLite as IndexFileError that say what to do."""
        try:
            yield
        except sqlite3.Error as error:
            raise IndexFileError(f"{self.path}: {_reason(error, self.path)}") from error


REMEDY = "`newsclf index rebuild {path} --output NEW` makes a new one of all that can be read"
_REASONS = (  # what SQLite says, and what it means
    (r"locked|busy", f"another process has been writing for {BUSY_SECONDS:.0f} seconds; an index takes one writer at a time"),
    (r"disk is full|disk I/O error", "cannot be written ({error}); is the disk full? All that was acknowledged is kept"),
    (r"readonly|read-only", "is read-only; nothing was changed"),
    (r"unable to open", "cannot be opened; is there such a folder, and may you write to it?"),
    (r"malformed|corrupt", "is damaged ({error}). {remedy}"),
    (r"not a database", "is no index: it is not a SQLite file, or its first page is damaged"),
)


def _reason(error: sqlite3.Error, path: Path) -> str:
    for pattern, reason in _REASONS:
        if re.search(pattern, str(error)):
            return reason.format(error=error, remedy=REMEDY.format(path=path))
    return str(error)
