"""What an earlier process left in the spool folder: reads the segments and says what is to be sent again."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import NamedTuple

from tidegate.workers.spool.disk import Disk
from tidegate.workers.spool.formats import NewerFormat, NewerSpool
from tidegate.workers.spool.ledger import NOTHING_SYNCED, Position, Stretch, Synced, Tally
from tidegate.workers.spool.segment import (
    HEADER_BYTES,
    Entry,
    Gap,
    Kind,
    ReadAt,
    load,
    read_file_header,
    walk,
)
from tidegate.workers.spool.writer import segment_numbers, segment_path


class Found(NamedTuple):
    """One segment of an earlier process. `stretch`: what of it has no outcome yet."""

    number: int
    tally: Tally
    stretch: Stretch | None
    damaged: int
    """Records that were on the disk and cannot be read."""
    torn: bool
    """It ends in bytes that are no sound record, and nothing says that they were ever synced: a write that was under way."""
    end: int
    """Where its last sound record ends."""
    spare: bool
    """What follows that may be cut off: it is torn, or space that was set aside."""
    modified: float = 0.0
    """When it was last written to, seconds since the epoch."""


def tail_of(folder: Path, synced: Synced) -> dict[int, Synced]:
    """The last segment of a folder, where a write may have been under way, and how far it is known to be on the disk."""
    return {number: synced if synced.segment == number else NOTHING_SYNCED for number in segment_numbers(folder)[-1:]}


def find(
    folder: Path,
    checkpoint: Position,
    disk: Disk,
    tails: Mapping[int, Synced],
    starts: Mapping[int, int] | None = None,
) -> list[Found]:
    """The segments in the folder, oldest first. `tails`: as of `tail_of`; of all others the whole was synced before the next
    one was begun. `starts`: see `adoption.Adopted`. Raises SpoolError for one that a newer Tidegate wrote, OSError."""
    begins = {**(starts or {}), checkpoint.segment: checkpoint.offset}
    return [
        _look(folder, number, checkpoint, disk, begins.get(number, 0), tails.get(number))
        for number in segment_numbers(folder)
    ]


def _look(folder: Path, number: int, checkpoint: Position, disk: Disk, begin: int, synced: Synced | None) -> Found:
    path = segment_path(folder, number)
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        status = os.fstat(descriptor)
        unreadable = disk.unreadable
        read_at = partial(disk.read, descriptor)
        try:
            header = read_file_header(read_at(0, HEADER_BYTES))
        except NewerFormat as newer:
            raise NewerSpool.of(f"spool segment {path.name}", newer) from newer
        salt = header.salt if header else None
        start = max(HEADER_BYTES, begin)
        found = _survey(number, status.st_size, read_at, salt, start, synced)._replace(modified=status.st_mtime)
        if number < checkpoint.segment:
            found = found._replace(stretch=None, damaged=0, torn=False)
        # What could not be read just now may be readable later: it is not cut off.
        return found._replace(spare=found.spare and disk.unreadable == unreadable)
    finally:
        disk.close(descriptor)


def _survey(number: int, size: int, read_at: ReadAt, salt: int | None, start: int, synced: Synced | None) -> Found:
    """Goes from header to header. `synced`: of a segment where a write may have been under way, how far it is known to
    have been on the disk: there the payloads are looked at too. None: all of it was."""
    tally = Tally(size, sealed=True, end=HEADER_BYTES)
    sure = size if synced is None else synced.offset
    whole: list[Entry] = []
    damaged = unsure = lost_end = 0
    torn = False
    end = reached = start
    sequence = 0 if start == HEADER_BYTES else None
    for found in walk(read_at, start, size, salt):
        reached = found.end
        if isinstance(found, Gap) and not found.records:  # nothing sound follows
            if found.offset < sure:
                lost_end = 1
            else:
                torn = True
                reached = found.offset
            break
        if isinstance(found, Gap):
            damaged += unsure + found.records
            unsure = 0
            continue
        sequence = found.sequence + 1
        if synced is not None and found.kind == Kind.DOCUMENTS and load(read_at, found) is None:
            if found.end <= sure:
                damaged += 1
            else:
                unsure, torn = unsure + 1, True
            continue
        damaged += unsure  # something whole follows: these were no torn tail
        unsure, torn = 0, False
        end = found.end
        tally.foreign = tally.foreign or found.kind != Kind.DOCUMENTS
        if found.kind == Kind.DOCUMENTS:
            whole.append(found)
    if synced is not None and (lost_end or reached < sure):
        lost_end = 1 if sequence is None else max(1, synced.records - sequence)
    damaged += lost_end
    stretch = None
    if whole:
        tally.end = whole[-1].end
        stretch = Stretch(number, start, tally.end, len(whole), sum(entry.documents for entry in whole))
    return Found(number, tally, stretch, damaged, torn, end, spare=synced is not None and not damaged and end < size)
