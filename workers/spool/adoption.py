"""Spool folders of workers that there are no more: their segments move to the folder of one that there is.

With fewer workers than before, folders with higher numbers are left that nobody opens, and acknowledged events in them.
A segment does not depend on its name, so taking it over is renaming it. A crash in between leaves each segment in one
of the two folders, and the next start goes on.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from tidegate.workers.spool.checkpoint import FILE_NAME, Checkpoint
from tidegate.workers.spool.disk import Disk
from tidegate.workers.spool.ledger import Synced
from tidegate.workers.spool.recovery import find, tail_of
from tidegate.workers.spool.writer import segment_numbers, segment_path


class Adopted(NamedTuple):
    """Segments that came from another folder, under their new numbers."""

    starts: dict[int, int]
    """Where the first block without outcome may be, in segments of which a part is done."""
    tails: dict[int, Synced]
    """Segments that were the last of their folder, where a write may have been under way, and what is known of them."""
    last: int
    """The highest number that is taken now."""


def orphans(folder: Path, beyond: int) -> list[Path]:
    """The folders beside `folder` whose numbers belong to no worker: those from `beyond` on; 0: none is looked for."""
    if not beyond:
        return []
    found = [path for path in folder.parent.iterdir() if path.name.isascii() and path.name.isdigit() and path.is_dir()]
    return sorted((path for path in found if int(path.name) >= beyond), key=lambda path: int(path.name))


def adopt(orphan: Path, folder: Path, last: int, disk: Disk) -> Adopted:
    """Moves what `orphan` holds into `folder`, numbered from `last` + 1 on, and removes `orphan`. To be called with both
    locks held. Raises SpoolError and OSError; what has been moved by then is in `folder`."""
    starts: dict[int, int] = {}
    tails: dict[int, Synced] = {}
    checkpoint = Checkpoint(orphan, disk)
    position = checkpoint.position
    theirs = tail_of(orphan, checkpoint.synced)
    checkpoint.close()
    for number, tally, *_ in find(orphan, position, disk, theirs):
        if number < position.segment:
            if tally.finished:  # else it holds what this version does not know, and stays
                disk.remove(segment_path(orphan, number))
            continue
        last += 1
        disk.move(segment_path(orphan, number), segment_path(folder, last))
        if number == position.segment:
            starts[last] = position.offset
        if number in theirs:
            tails[last] = theirs[number]
    disk.sync_folder(folder)
    if not segment_numbers(orphan):
        disk.remove(orphan / FILE_NAME)
    return Adopted(starts, tails, last)


def remove_folder(orphan: Path, lock_name: str) -> None:
    """Removes an adopted folder; one that holds anything else stays."""
    with suppress(OSError):
        (orphan / lock_name).unlink(missing_ok=True)
        orphan.rmdir()
