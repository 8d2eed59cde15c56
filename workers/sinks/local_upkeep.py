"""How the local store keeps its bounds: size, age, and the share of the filesystem that it leaves to others.

Size: `PRAGMA max_page_count` makes SQLite itself refuse to let the file grow over its budget; what is deleted leaves
free pages, which the next documents reuse. The budget is `max_bytes` less a share for the write-ahead log beside the
file, so that both together stay within `max_bytes`, apart from one write that is larger than that share.
Deleting goes in small transactions, oldest first.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from tidegate.workers.spool.disk import RESERVE

LOG_BYTES = 16 * 1024 * 1024
"""The share of the write-ahead log. It is copied back from a quarter of this on (4 MiB, SQLite's own default), so that the
rest has room for a large write."""
STEP_ROWS = 500
"""Rows deleted in one transaction: about 10 ms, so that the command's reads are never held up for long."""
STEP_PAGES = 1000
"""Pages given back to the filesystem in one transaction: 4 MiB."""
VACUUM_STEPS = 4
"""Of these at each upkeep: a store whose limit was lowered shrinks by 16 MiB every few seconds."""
TARGET = 0.95
"""The share of the budget that upkeep trims to; the rest takes what comes until the next one."""
SERVICES = 10_000
"""Services remembered; names come from outside, so there must be a limit, and nobody reads a longer list."""


class Space(NamedTuple):
    """Of a filesystem, bytes: free for this user, and all."""

    free: int
    total: int


def space_of(folder: Path) -> Space:
    """What the filesystem of `folder` has. Raises OSError."""
    status = os.statvfs(folder)
    return Space(status.f_bavail * status.f_frsize, status.f_blocks * status.f_frsize)


def reserve_trouble(space: Space, need: int, folder: Path) -> str | None:
    """Why `need` more bytes would take what must stay free, in words; None if they would not."""
    if space.free - need >= space.total * RESERVE:
        return None
    return (
        f"the filesystem of {folder} has {space.free >> 20} MiB of {space.total >> 20} MiB free, and the local store"
        f" leaves its last {RESERVE:.0%} alone: free some space, or lower output.local.max_bytes and .max_age"
    )


class Upkeep:
    """Bounds of one open store. Not thread-safe: its owner holds the lock. Every method may raise sqlite3.Error."""

    def __init__(self, connection: sqlite3.Connection, max_bytes: int, max_age: float) -> None:
        self._connection = connection
        self._max_age_us = int(max_age * 1_000_000)
        self._page = int(self._number("page_size"))
        log = min(LOG_BYTES, max_bytes // 4)
        self.budget = max_bytes - log
        """Bytes that the file may have."""
        connection.execute(f"PRAGMA wal_autocheckpoint = {max(1, log // 4 // self._page)}")
        connection.execute(f"PRAGMA journal_size_limit = {log}")
        self._limit_pages()

    def run(self, now_us: int, goes_on: Callable[[], bool]) -> None:
        """Deletes what is too old, then the oldest beyond the target, then gives back pages that will not be needed."""
        while goes_on() and self._delete(before_us=now_us - self._max_age_us) == STEP_ROWS:
            pass
        self.make_room(int(self.budget * (1 - TARGET)), goes_on)
        self._forget_services(now_us)
        given_back = [True for _ in range(VACUUM_STEPS) if goes_on() and self._give_back()]
        if given_back:  # the file itself becomes shorter when the log is copied into it
            self._connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
        self._limit_pages()

    def make_room(self, need: int, goes_on: Callable[[], bool]) -> bool:
        """Deletes the oldest until `need` bytes fit into the budget; returns whether they do."""
        while (excess := self._used() + need - self.budget) > 0:
            if not goes_on() or self._delete(rows=self._rows_in(excess)) == 0:
                return False
        return True

    def _rows_in(self, size: int) -> int:
        """About how many rows take `size` bytes, one step at most: a whole step of large ones might be the whole store."""
        first, last = self._connection.execute("SELECT min(sequence), max(sequence) FROM events").fetchone()
        rows = 0 if first is None else last - first + 1
        return min(STEP_ROWS, size * rows // max(1, self._used()) + 1)

    def _used(self) -> int:
        return (self._number("page_count") - self._number("freelist_count")) * self._page

    def _delete(self, rows: int = STEP_ROWS, before_us: int | None = None) -> int:
        cursor = self._connection.execute(
            "DELETE FROM events WHERE sequence IN (SELECT sequence FROM events ORDER BY sequence LIMIT ?1)"
            " AND (?2 IS NULL OR stored_us < ?2)",
            (rows, before_us),
        )
        return cursor.rowcount

    def _forget_services(self, now_us: int) -> None:
        self._connection.execute(
            "DELETE FROM services WHERE last_us < max(?, coalesce("
            "(SELECT last_us FROM services ORDER BY last_us DESC LIMIT 1 OFFSET ?), 0))",
            (now_us - self._max_age_us, SERVICES - 1),
        )

    def _give_back(self) -> bool:
        """One step: free pages beyond those that the target leaves free anyhow, or any while the file is too large."""
        free = self._number("freelist_count")
        if self._number("page_count") * self._page <= self.budget:
            free -= int(self.budget * (1 - TARGET)) // self._page
            if free < STEP_PAGES:  # not worth the move
                return False
        if free <= 0:
            return False
        # As a script, because `execute` stops after the pragma's first step, which is one page.
        self._connection.executescript(f"PRAGMA incremental_vacuum({min(free, STEP_PAGES)})")
        return True

    def _limit_pages(self) -> None:
        """SQLite never sets the limit below the present size, hence again after pages were given back."""
        self._connection.execute(f"PRAGMA max_page_count = {max(1, self.budget // self._page)}").fetchone()

    def _number(self, pragma: str) -> int:
        (value,) = self._connection.execute(f"PRAGMA {pragma}").fetchone()
        return int(value)
