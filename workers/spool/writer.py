"""Appends groups of blocks to the active segment and syncs them; used by the committer thread alone.

What failed once is not believed again: after a failed write or sync the segment is cut back to its last synced block
and left, and the group goes into a new one. If that fails too, the group is refused and nothing of it stays.
"""

from __future__ import annotations

import errno
import secrets
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tidegate.daemon.settings.parts import SpoolPart
from tidegate.workers.spool.block import Block
from tidegate.workers.spool.disk import RESERVE, Disk
from tidegate.workers.spool.ledger import NOTHING_SYNCED, Place, Synced
from tidegate.workers.spool.segment import HEADER_BYTES, RECORD_BYTES, pack_file_header, pack_record_header

LEAST_SEGMENTS = 4
"""A segment is freed as a whole: with fewer of them in `max_bytes`, much of the space would wait for a few blocks."""
_SUFFIX = ".segment"
_FULL = (errno.ENOSPC, errno.EDQUOT)


class CannotStore(Exception):
    """Nothing of the group is stored; the text is for the client and the log."""


@dataclass
class _Active:
    number: int
    salt: int
    descriptor: int
    size: int
    path: Path
    offset: int = HEADER_BYTES
    sequence: int = 0


def segment_path(folder: Path, number: int) -> Path:
    """Where a segment lies; names sort as numbers do."""
    return folder / f"{number:016d}{_SUFFIX}"


def segment_numbers(folder: Path) -> list[int]:
    """The segments in a folder, oldest first; other files are not ours."""
    names = (path.name.removesuffix(_SUFFIX) for path in folder.glob(f"*{_SUFFIX}"))
    return sorted(int(name) for name in names if name.isascii() and name.isdigit())


def human_bytes(size: float) -> str:
    """A size for people: `2.0 GiB`."""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if size < 1024:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1024
    return f"{size:.1f} TiB"


class Writer:
    """`opened(number, size)` and `sealed(number, size)` tell which segments are on disk; `used()` says how many bytes
    all of them take."""

    def __init__(
        self,
        part: SpoolPart,
        disk: Disk,
        next_number: int,
        *,
        opened: Callable[[int, int], None],
        sealed: Callable[[int, int], None],
        used: Callable[[], int],
    ) -> None:
        self._disk = disk
        self._folder = Path(part.folder)
        self._opened, self._sealed, self._used = opened, sealed, used
        self._next_number = next_number
        self._active: _Active | None = None
        self.synced = NOTHING_SYNCED
        """The last sync that did not fail."""
        self.limit(part)

    def limit(self, part: SpoolPart) -> None:
        """Takes other sizes; from the next segment on. From any thread."""
        self._max_bytes = part.max_bytes
        self._segment_bytes = min(part.segment_bytes, part.max_bytes // LEAST_SEGMENTS)

    def write(self, blocks: Sequence[Block]) -> list[Place]:
        """Returns when all blocks are on the disk, with their places. Raises CannotStore; nothing of them is kept then."""
        need = sum(RECORD_BYTES + len(block.payload) for block in blocks)
        try:
            return self._try(blocks, need)
        except OSError:
            self._abandon()
        try:
            return self._try(blocks, need)
        except OSError as problem:
            self._abandon()
            raise CannotStore(self._words(problem)) from problem

    def _try(self, blocks: Sequence[Block], need: int) -> list[Place]:
        active = self._active
        if active is not None and active.offset + need > active.size:
            self.seal()
            active = None
        if active is None:
            active = self._open(need)
        buffers: list[bytes] = []
        places = []
        offset = active.offset
        for number, block in enumerate(blocks):
            buffers += (pack_record_header(block, active.sequence + number, active.salt), block.payload)
            end = offset + RECORD_BYTES + len(block.payload)
            places.append(Place(active.number, offset, end))
            offset = end
        self._disk.write(active.descriptor, buffers, active.offset)
        self._disk.sync(active.descriptor)
        active.offset = offset
        active.sequence += len(blocks)
        self.synced = Synced(active.number, active.offset, active.sequence)
        return places

    def _open(self, need: int) -> _Active:
        size = max(self._segment_bytes, HEADER_BYTES + need)
        if self._used() + size > self._max_bytes:
            limit = human_bytes(self._max_bytes)
            raise CannotStore(f"spool is full ({limit}, tidegate.spool.max_bytes)")
        space = self._disk.space(self._folder)
        if space.free - size < space.total * RESERVE:
            raise CannotStore(
                f"spool is full: its filesystem has {human_bytes(space.free)} left of {human_bytes(space.total)},"
                f" and the last {RESERVE:.0%} are left to others"
            )
        number = self._next_number
        self._next_number += 1
        path = segment_path(self._folder, number)
        descriptor = self._disk.create(path, size)
        active = _Active(number, secrets.randbits(64), descriptor, size, path)
        try:
            self._disk.write(descriptor, [pack_file_header(number, active.salt)], 0)
            self._disk.sync_folder(self._folder)
        except OSError:
            self._disk.close(descriptor)
            with suppress(OSError):
                self._disk.remove(path)
            raise
        self._active = active
        self._opened(number, size)
        return active

    def seal(self) -> None:
        """Ends the active segment and gives back what it had set aside."""
        active, self._active = self._active, None
        if active is None:
            return
        with suppress(OSError):
            self._disk.truncate(active.descriptor, active.offset)
            active.size = active.offset
        self._disk.close(active.descriptor)
        self._sealed(active.number, active.size)

    def _abandon(self) -> None:
        """Cuts off what may be half written; where that fails too, the checksums tell later."""
        active = self._active
        if active is not None:
            with suppress(OSError):
                self._disk.truncate(active.descriptor, active.offset)
                self._disk.sync(active.descriptor)
        self.seal()

    def _words(self, problem: OSError) -> str:
        if problem.errno in _FULL:
            return f"spool is full: no space left on the filesystem of {self._folder.name} (tidegate.spool)"
        return f"spool cannot be written: {problem.strerror or problem} (path.data)"
