"""What a failure of the local store means, in words for a person. Pure."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import NamedTuple


class Cause(NamedTuple):
    """`degraded`: the store is unwell, not only busy for a moment."""

    words: str
    degraded: bool


def cause_of(problem: sqlite3.Error | OSError, file: Path) -> Cause:
    """Never quotes what was to be stored: SQLite's messages name tables and columns only."""
    if isinstance(problem, OSError):
        return Cause(f"{file} cannot be opened: {problem.strerror or problem}", degraded=True)
    code = getattr(problem, "sqlite_errorcode", sqlite3.SQLITE_ERROR)
    name = getattr(problem, "sqlite_errorname", type(problem).__name__)
    match code & 0xFF:  # the primary code; the higher bits refine it
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
            return Cause(f"{file} is locked by another program that writes to it", degraded=False)
        case sqlite3.SQLITE_INTERRUPT:
            return Cause("the local store is closing", degraded=False)
        case sqlite3.SQLITE_FULL:
            return Cause(f"no space is left on the filesystem of {file.parent}", degraded=True)
        case sqlite3.SQLITE_IOERR:
            return Cause(f"reading or writing {file} failed ({name}): is its disk full or failing?", degraded=True)
        case sqlite3.SQLITE_CORRUPT | sqlite3.SQLITE_NOTADB:
            return Cause(
                f"{file} is damaged ({name}): stop Tidegate, move the file away and start again; what is in the spool"
                " will be written to the new file",
                degraded=True,
            )
        case sqlite3.SQLITE_READONLY | sqlite3.SQLITE_PERM | sqlite3.SQLITE_CANTOPEN:
            return Cause(f"{file} cannot be written by this user ({name})", degraded=True)
        case _:
            return Cause(f"the local store {file} failed: {problem} ({name})", degraded=True)
