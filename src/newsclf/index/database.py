"""The one file of an index: SQLite in WAL mode. What was committed here is kept; all else can be made again from it."""

import re
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from newsclf.errors import IndexFileError

FORMAT = 1  # raised with every change of the tables or of what stands in them
APPLICATION_ID = 0x6E657773  # "news": tells this file from any other of SQLite
BUSY_SECONDS = 10.0  # how long a write waits for another process's
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


class Database:
    """A connection to the file of an index."""

    def __init__(self, path: Path, *, read_only: bool, sync: str) -> None:
        """Opens the file; a new one has no tables yet.

        Raises:
            IndexFileError: if it cannot be opened or is no index.
        """
        if sync not in SYNC:
            raise ValueError(f"sync must be one of {', '.join(SYNC)}, not {sync!r}")
        self.path = path
        self._read_only = read_only
        self._connection: sqlite3.Connection | None = None
        with self.clear_errors():
            self._connection = self._connect(sync)
        self._in_transaction = False

    def _connect(self, sync: str) -> sqlite3.Connection:
        if self._read_only and not self.path.exists():
            raise IndexFileError(f"{self.path}: no such index")
        mode = "ro" if self._read_only else "rwc"
        uri = f"{self.path.absolute().as_uri()}?mode={mode}"
        connection = sqlite3.connect(uri, uri=True, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
        try:
            if not self._read_only:
                self._prepare(connection, sync)
            connection.execute(f"PRAGMA cache_size = -{CACHE_KILOBYTES}")
            self._check_kind(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def _prepare(self, connection: sqlite3.Connection, sync: str) -> None:
        is_new = connection.execute("SELECT count(*) FROM sqlite_master").fetchone() == (0,)
        if is_new:
            connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
        else:
            self._check_kind(connection)  # before anything is changed in a file that is not ours
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute(f"PRAGMA synchronous = {sync}")
        connection.execute(f"PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES}")
        if is_new:
            tables = f"PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {FORMAT}; {_SCHEMA}"
            connection.executescript(f"BEGIN IMMEDIATE; {tables} COMMIT;")

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
        if self._connection is None:
            raise IndexFileError(f"{self.path}: the index is closed")
        with self.clear_errors():
            return self._connection.execute(statement, values)

    def rows(self, statement: str, values: Any = ()) -> list[tuple[Any, ...]]:
        """All rows of a query."""
        with self.clear_errors():
            return self.run(statement, values).fetchall()

    def run_many(self, statement: str, values: Any) -> None:
        """Runs one statement for each of many values."""
        if self._connection is None:
            raise IndexFileError(f"{self.path}: the index is closed")
        with self.clear_errors():
            self._connection.executemany(statement, values)

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

    def save_settings(self, settings: Mapping[str, str]) -> None:
        """Keeps settings, each in the place of the one of its name."""
        self.run_many("INSERT OR REPLACE INTO settings VALUES (?, ?)", list(settings.items()))

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
