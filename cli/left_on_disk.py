"""What an instance that does not run has left on disk: events that are acknowledged and not stored yet."""

from __future__ import annotations

from pathlib import Path

import msgspec
from tidegate.workers.spool.checkpoint import FILE_NAME, Checkpoint
from tidegate.workers.spool.disk import Disk
from tidegate.workers.spool.formats import SpoolError
from tidegate.workers.spool.recovery import find, tail_of


class Left(msgspec.Struct, frozen=True):
    """Over all workers."""

    documents: int
    bytes: int
    """Of spool files."""
    trouble: list[str]
    """Spools that cannot be read, and why."""


def left_in(path_data: Path) -> Left:
    """Reads the spools' headers; changes nothing. Raises PermissionError."""
    disk = Disk()
    documents = size = 0
    trouble = []
    spool = path_data / "spool"
    folders = [path for path in spool.iterdir() if path.name.isdigit()] if spool.is_dir() else []
    for folder in sorted(folders, key=lambda path: int(path.name)):
        if not (folder / FILE_NAME).exists():
            continue
        try:
            checkpoint = Checkpoint(folder, disk)
            checkpoint.close()
            for found in find(folder, checkpoint.position, disk, tail_of(folder, checkpoint.synced)):
                size += found.tally.size
                documents += found.stretch.documents if found.stretch else 0
        except PermissionError:
            raise
        except (SpoolError, OSError) as problem:
            trouble.append(f"{folder}: {problem}")
    return Left(documents, size, trouble)
