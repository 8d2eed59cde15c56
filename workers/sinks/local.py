"""The local store as a sink: documents go into one SQLite file, for the `tidegate` command on the same machine.

It is what a newcomer sees the first trace with. Its tables: `local_schema.py`; its bounds: `local_upkeep.py`.
"""

from __future__ import annotations

import sqlite3
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from threading import Lock
from typing import NamedTuple

from tidegate.daemon.outcomes import EventOutcome
from tidegate.daemon.settings.parts import LocalPart
from tidegate.workers.sinks.contract import Refused, TooLarge, TryAgain, Written
from tidegate.workers.sinks.local_causes import cause_of
from tidegate.workers.sinks.local_rows import Row, ServiceRow, read_row
from tidegate.workers.sinks.local_schema import StoreRefused, open_for_writing
from tidegate.workers.sinks.local_upkeep import Space, Upkeep, reserve_trouble, space_of
from tidegate.workers.spool.block import Block, block_lines

UPKEEP_SECONDS = 5.0
"""Between two rounds of upkeep: at 2,000 events a second a round deletes some 20 steps, a fifth of a second."""
ROW_BYTES = 400
"""What a row takes beside its document: columns (some 200) and its entries in the indexes."""
SLACK = 2
"""Pages may end half empty, because a row is not split when it fits into a page."""
_MOST = 4
"""One call may need a quarter of the file at most: the store is no place for documents that push out all others."""

_INSERT = (
    f"INSERT INTO events ({', '.join(Row._fields)})"  # noqa: S608 - names of our own class
    f" VALUES ({', '.join('?' * len(Row._fields))}) ON CONFLICT (id) DO NOTHING"
)
_INSERT_SERVICE = """
INSERT INTO services (name, environment, agent, agent_version, language, last_us) VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT (name) DO UPDATE SET environment = excluded.environment, agent = excluded.agent,
agent_version = excluded.agent_version, language = excluded.language, last_us = max(last_us, excluded.last_us)
"""


class _Read(NamedTuple):
    """The documents of one call."""

    rows: list[Row]
    services: dict[str, ServiceRow]
    refused: list[Refused]

    @property
    def need(self) -> int:
        """Bytes that they will take in the file, estimated on the safe side."""
        return sum(SLACK * len(row.document) + ROW_BYTES for row in self.rows)


class LocalSink:
    """Implements `contract.Sink`. Calls of `write` take turns: SQLite has one writer at a time.

    One transaction for each call: all of it is on disk when the call returns, or none of it is stored.
    """

    def __init__(
        self,
        part: LocalPart,
        *,
        wall: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
        space: Callable[[Path], Space] = space_of,
    ) -> None:
        """Opens the store, so that a file that can never be used stops the start: raises StoreRefused.

        What may pass (a full disk, a lock) is left to `ready` and `write`.
        """
        self._part = self._wanted = part
        self._file = Path(part.file)
        self._wall, self._monotonic, self._space = wall, monotonic, space
        self._lock = Lock()
        self._connection: sqlite3.Connection | None = None
        self._upkeep: Upkeep | None = None
        self._upkeep_due = 0.0
        self._failed = False
        self._closing = False
        self.ready()

    def ready(self) -> bool:
        """Whether the file is open; tries to open it. Raises StoreRefused."""
        with self._lock:
            try:
                self._opened()
            except TryAgain:
                return False
            return True

    def write(self, blocks: Sequence[Block], *, unsure: bool = False) -> Written:
        """Stores the documents; those that are there already are duplicates. Raises TryAgain, TooLarge."""
        read = self._read(blocks)
        with self._lock:
            connection, upkeep = self._opened()
            if read.need > upkeep.budget // _MOST:
                raise TooLarge
            try:
                self._keep_bounds(upkeep, read.need)
                try:
                    stored = _insert(connection, read)
                except sqlite3.OperationalError as problem:
                    if problem.sqlite_errorcode != sqlite3.SQLITE_FULL:
                        raise
                    # Either the estimate was too low, and more room helps, or the disk itself is full.
                    self._make_room(upkeep, _MOST * read.need)
                    stored = _insert(connection, read)
            except (sqlite3.Error, OSError) as problem:
                raise self._failure(problem) from problem
        counts = Counter({EventOutcome.INDEXED: stored, EventOutcome.DUPLICATE: len(read.rows) - stored})
        return Written(counts=+counts, refused=read.refused)

    def change(self, part: LocalPart) -> None:
        """Other bounds; the file stays. It is opened anew for the next write, with these."""
        self._wanted = part  # without the lock: who holds it may be waiting for the disk

    def tend(self) -> None:
        """Upkeep without a write, so that old documents go also when nothing arrives. Never raises but StoreRefused."""
        with self._lock:
            try:
                _, upkeep = self._opened()
                self._run_upkeep(upkeep)
            except TryAgain:
                return
            except (sqlite3.Error, OSError) as problem:
                self._failure(problem)

    def close(self) -> None:
        """Ends a statement under way and closes the file; nothing is written after it."""
        self._closing = True
        connection = self._connection
        if not self._lock.acquire(blocking=False):
            if connection is not None:
                connection.interrupt()
            self._lock.acquire()
        try:
            if self._connection is not None:
                # Takes back the interruption, which would else keep SQLite from copying its log into the file.
                self._connection.execute("SELECT 1").fetchone()
        finally:
            self._drop()
            self._lock.release()

    def _read(self, blocks: Sequence[Block]) -> _Read:
        now_us = int(self._wall() * 1_000_000)
        read = _Read([], {}, [])
        item = 0
        for block in blocks:
            try:
                lines = block_lines(block)
            except ValueError as problem:
                raise TryAgain(f"{problem}; the spool that holds it needs a look", degraded=True) from problem
            for action, document in zip(lines[::2], lines[1::2], strict=True):
                try:
                    row, service = read_row(action, document, now_us)
                except ValueError:
                    # The parser's message may quote the document, which belongs into no log.
                    read.refused.append(Refused(item, 400, "document_parsing_exception", "not a JSON document"))
                else:
                    read.rows.append(row)
                    if service is not None:
                        read.services[service.name] = service
                item += 1
        return read

    def _opened(self) -> tuple[sqlite3.Connection, Upkeep]:
        """Raises TryAgain, StoreRefused."""
        if self._closing:
            raise TryAgain("the local store is closing", degraded=False)
        if self._part != self._wanted:
            self._part = self._wanted
            self._drop()
        if self._connection is None or self._upkeep is None:
            try:
                connection = self._connection = open_for_writing(self._file)
                # Copies the log of an earlier run, or of a failed commit, into the file and syncs it: pages that
                # a failed sync left in the kernel's cache only must not pass for stored.
                (busy, _, _) = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
                if busy and self._failed:
                    self._drop()
                    raise TryAgain(f"{self._file} is being read while it recovers", degraded=False)
                self._upkeep = Upkeep(connection, self._part.max_bytes, self._part.max_age)
                self._failed = False
            except (sqlite3.Error, OSError) as problem:
                raise self._failure(problem) from problem
        return self._connection, self._upkeep

    def _keep_bounds(self, upkeep: Upkeep, need: int) -> None:
        if self._monotonic() >= self._upkeep_due:
            self._run_upkeep(upkeep)
        trouble = reserve_trouble(self._space(self._file.parent), need, self._file.parent)
        if trouble is not None:
            raise TryAgain(trouble, degraded=True)
        self._make_room(upkeep, need)

    def _make_room(self, upkeep: Upkeep, need: int) -> None:
        if not upkeep.make_room(need, self._goes_on):
            words = "is closing" if self._closing else "is empty and still has no room: raise output.local.max_bytes"
            raise TryAgain(f"the local store {words}", degraded=not self._closing)

    def _run_upkeep(self, upkeep: Upkeep) -> None:
        upkeep.run(int(self._wall() * 1_000_000), self._goes_on)
        self._upkeep_due = self._monotonic() + UPKEEP_SECONDS

    def _goes_on(self) -> bool:
        return not self._closing

    def _failure(self, problem: sqlite3.Error | OSError) -> TryAgain:
        """What to tell of a failure. Afterwards the file is opened anew, because the connection's state is in doubt."""
        self._failed = True
        self._drop()
        cause = cause_of(problem, self._file)
        return TryAgain(cause.words, degraded=cause.degraded)

    def _drop(self) -> None:
        connection, self._connection, self._upkeep = self._connection, None, None
        if connection is not None:
            connection.close()


def _insert(connection: sqlite3.Connection, read: _Read) -> int:
    """One transaction; returns how many rows were new."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        stored = connection.executemany(_INSERT, read.rows).rowcount if read.rows else 0
        connection.executemany(_INSERT_SERVICE, read.services.values())
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:  # SQLite ends it by itself after some errors
            connection.execute("ROLLBACK")
        raise
    return stored


__all__ = ["LocalSink", "StoreRefused"]
