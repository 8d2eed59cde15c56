"""The local store's file: its tables, its version, and how it is opened for writing.

One row of `events` is one document, with the columns by which the `tidegate` command looks for it. `services` remembers
who was seen, so that a service that sends metrics only is listed without a walk over all events.
"""

from __future__ import annotations

import os
import sqlite3
import stat
from enum import IntEnum
from pathlib import Path

SCHEMA_VERSION = 1
"""Kept as `PRAGMA user_version`; a file with a higher one is refused and left as it is."""
APPLICATION_ID = 0x54644774
"""`TdGt`, kept as `PRAGMA application_id`: tells our file from another program's."""

BUSY_SECONDS = 5.0
"""How long a statement waits for another writer; only a person's own tool can be one, so do not stall."""
CACHE_KIB = 8192
"""Page cache of the writer. Inserts touch the right edge of the table and of most indexes, which fits many times."""


class Kind(IntEnum):
    """What a document is; the numbers stand in the file."""

    TRANSACTION = 1
    SPAN = 2
    ERROR = 3
    METRIC = 4
    LOG = 5


class StoreRefused(Exception):
    """The file cannot be our store, now or later; the message says why and what to do. It was not changed."""


_TABLES = """
CREATE TABLE events (
    sequence INTEGER PRIMARY KEY, -- order of arrival: the lowest are deleted first
    id TEXT NOT NULL UNIQUE,
    stored_us INTEGER NOT NULL,
    kind INTEGER NOT NULL,
    timestamp_us INTEGER NOT NULL,
    data_stream TEXT NOT NULL,
    service TEXT,
    trace_id TEXT,
    transaction_id TEXT,
    span_id TEXT, -- of a transaction: its own id
    parent_id TEXT,
    name TEXT,
    type TEXT, -- of an error: the exception's
    subtype TEXT,
    duration_us INTEGER,
    outcome TEXT,
    result TEXT,
    composite INTEGER, -- how many spans the agent made into this one
    message TEXT,
    culprit TEXT,
    grouping_key TEXT,
    document BLOB NOT NULL -- JSON in the zlib format; last, so that the columns are read without it
);
CREATE INDEX by_time ON events (kind, timestamp_us, service, outcome, duration_us) WHERE kind IN (1, 3);
CREATE INDEX by_trace ON events (trace_id) WHERE trace_id IS NOT NULL;
CREATE TABLE services (
    name TEXT PRIMARY KEY,
    environment TEXT,
    agent TEXT,
    agent_version TEXT,
    language TEXT,
    last_us INTEGER NOT NULL -- when it was last heard of
) WITHOUT ROWID;
CREATE INDEX services_by_time ON services (last_us);
"""


def open_for_writing(file: Path) -> sqlite3.Connection:
    """Opens the store, making it (0600, its folder 0700) if there is none. The connection has no implicit transactions.

    Raises StoreRefused, sqlite3.Error for what may pass, OSError.
    """
    _make_file(file)
    connection = sqlite3.connect(
        file, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False, cached_statements=32
    )
    try:
        _claim(connection, file)
        # A committed write must outlive a loss of power, because the spool forgets a block once it is written here:
        # with NORMAL, WAL mode would sync only when the log is copied back.
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
        connection.execute("PRAGMA temp_store = MEMORY")
        connection.execute("PRAGMA trusted_schema = OFF")
    except BaseException:
        connection.close()
        raise
    return connection


def check_identity(connection: sqlite3.Connection, file: Path) -> int:
    """The schema version of a file that is ours, or 0 when it is empty. Raises StoreRefused, sqlite3.Error."""
    try:
        (application,) = connection.execute("PRAGMA application_id").fetchone()
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        (entries,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except sqlite3.DatabaseError as problem:
        if problem.sqlite_errorcode in (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT):
            raise StoreRefused(
                f"{file} is damaged or no SQLite file ({problem}): move it away and start again; it was left as it is"
            ) from problem
        raise
    if entries == 0 and application == 0 and version == 0:
        return 0
    if application != APPLICATION_ID:
        raise StoreRefused(f"{file} is an SQLite file of another program: set path.data to a folder of Tidegate's own")
    if version > SCHEMA_VERSION:
        raise StoreRefused(
            f"{file} was written by a newer Tidegate (format {version}, this one knows up to {SCHEMA_VERSION}): install"
            " that version again, or move the file away to begin an empty store; it was left as it is"
        )
    return int(version)


def _make_file(file: Path) -> None:
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        # Closing this descriptor would drop the locks of other connections of this process; there are none yet.
        descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except IsADirectoryError:
        raise StoreRefused(f"{file} is a folder, not the file of the local store") from None
    except PermissionError as problem:
        raise StoreRefused(f"{file} may not be written by this user: {problem.strerror}") from problem
    except OSError as problem:
        if file.is_symlink():
            raise StoreRefused(f"{file} is a symbolic link, which is not followed: set path.data instead") from problem
        raise
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise StoreRefused(f"{file} is no regular file")
        if status.st_mode & 0o077:
            os.fchmod(descriptor, 0o600)
        if status.st_size == 0:
            _sync_folder(file.parent)
    finally:
        os.close(descriptor)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _claim(connection: sqlite3.Connection, file: Path) -> None:
    """Checks whose file it is and makes the tables in an empty one, all or nothing."""
    if check_identity(connection, file) == 0:
        # Lets upkeep give pages back step by step; it can only be chosen before the first table.
        connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
        connection.executescript(
            f"BEGIN IMMEDIATE; {_TABLES}"
            f"PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {SCHEMA_VERSION}; COMMIT;"
        )
    connection.execute("PRAGMA journal_mode = WAL")
