"""What an earlier process left in the spool folder: reads the segments and says what is to be sent again."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from functools import partial
from pathlib import Path
from typing import NamedTuple

from tidegate.workers.spool.disk import Disk
from tidegate.workers.spool.ledger import Position, Stretch, Tally
from tidegate.workers.spool.segment import (
    HEADER_BYTES,
    Entry,
    Gap,
    Kind,
    NewerFormat,
    ReadAt,
    load,
    read_file_header,
    walk,
)
from tidegate.workers.spool.writer import segment_numbers, segment_path


class SpoolError(Exception):
    """The spool cannot be used; the text says why and what to do."""


class Found(NamedTuple):
    """One segment of an earlier process. `stretch`: what of it has no outcome yet."""

    number: int
    tally: Tally
    stretch: Stretch | None
    damaged: int
    """Records that cannot be read, with sound ones after them."""
    torn: bool
    """It ends in bytes that are no sound record: a write that was under way and never acknowledged, or damage there."""


def find(
    folder: Path,
    checkpoint: Position,
    disk: Disk,
    starts: Mapping[int, int] | None = None,
    ends: Collection[int] = (),
) -> list[Found]:
    """The segments in the folder, oldest first. `starts`, `ends`: see `adoption.Adopted`. Raises SpoolError for one that a
    newer Tidegate wrote, OSError."""
    numbers = segment_numbers(folder)
    begins = {**(starts or {}), checkpoint.segment: checkpoint.offset}
    unsure = {*numbers[-1:], *ends}
    return [_look(folder, number, checkpoint, disk, begins.get(number, 0), last=number in unsure) for number in numbers]


def _look(folder: Path, number: int, checkpoint: Position, disk: Disk, begin: int, *, last: bool) -> Found:
    path = segment_path(folder, number)
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        size = os.fstat(descriptor).st_size
        read_at = partial(disk.read, descriptor)
        try:
            header = read_file_header(read_at(0, HEADER_BYTES))
        except NewerFormat as newer:
            raise SpoolError(
                f"spool segment {path.name} was written by a newer Tidegate ({newer}): "
                "run that version or a later one until its spool is empty, then this one"
            ) from newer
        salt = header.salt if header else None
        start = max(HEADER_BYTES, begin)
        return _survey(number, size, read_at, salt, start, done=number < checkpoint.segment, last=last)
    finally:
        disk.close(descriptor)


def _survey(number: int, size: int, read_at: ReadAt, salt: int | None, start: int, *, done: bool, last: bool) -> Found:
    """Goes from header to header; of the last segment, where a write may have been under way, also the payloads."""
    tally = Tally(size, sealed=True, end=HEADER_BYTES)
    whole: list[Entry] = []
    damaged = unsure = 0
    torn = False
    for found in walk(read_at, start, size, salt):
        if isinstance(found, Gap):
            unsure += found.records
            torn = True
        elif last and found.kind == Kind.DOCUMENTS and load(read_at, found) is None:
            unsure += 1
            torn = True
        else:
            damaged += unsure  # something whole follows: these were no torn tail
            unsure, torn = 0, False
            tally.foreign = tally.foreign or found.kind != Kind.DOCUMENTS
            if found.kind == Kind.DOCUMENTS:
                whole.append(found)
    if whole:
        tally.end = whole[-1].end
    if done:
        return Found(number, tally, None, 0, torn=False)
    stretch = None
    if whole:
        stretch = Stretch(number, start, tally.end, len(whole), sum(entry.documents for entry in whole))
    return Found(number, tally, stretch, damaged, torn=torn)
