"""What the spool holds: which blocks wait in memory, which only on disk, which are out, and what may be deleted.

No I/O and no lock: `Spool` calls it under its own. Three places for a block that has no outcome yet: *live* (in memory,
in the order of arrival), *stretches* (on disk only, in a run of one segment), and *out* (handed to the sink).
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import NamedTuple

from tidegate.workers.spool.block import Block


class Place(NamedTuple):
    """Where a block stands: from `offset` up to `end` of a segment."""

    segment: int
    offset: int
    end: int


class Position(NamedTuple):
    """The checkpoint: all blocks before this place are done."""

    segment: int
    offset: int


class Synced(NamedTuple):
    """How far the newest segment is known to be on the disk: so a write that a crash tore is told from damage."""

    segment: int
    offset: int
    """Where its last synced record ends."""
    records: int
    """How many records end before that."""


NOTHING_SYNCED = Synced(0, 0, 0)


class Stored(NamedTuple):
    """A block on disk that has no outcome yet."""

    place: Place
    block: Block
    since: float
    """Monotonic seconds when it came to disk; of a block read back, when the first of its stretch did."""
    live: bool
    """It never left memory, and counts as the memory of live blocks until it is done."""
    earlier: bool = False
    """An earlier process stored it, and may have sent it."""


class Waiting(NamedTuple):
    """What could be sent now."""

    bytes: int
    """Compressed bytes of the live blocks."""
    documents: int
    oldest: float | None
    """`Stored.since` of the first live block."""
    backlog: bool
    """There are blocks on disk to be read back."""


@dataclass
class Stretch:
    """A run of blocks of one segment that are only on disk, and what is known to stand in it from `cursor` on."""

    segment: int
    cursor: int
    end: int
    blocks: int
    documents: int
    since: float = 0.0
    """Monotonic seconds when the first of them came to disk; of an earlier process, when the last one did."""


@dataclass
class Tally:
    """A segment on disk."""

    size: int
    sealed: bool
    blocks: int = 0
    """Without outcome."""
    documents: int = 0
    foreign: bool = False
    """It holds records of a kind that this version does not know: the file is kept for one that does."""
    end: int = 0
    """Where the next block goes; in a sealed segment, the end of the last one."""

    @property
    def finished(self) -> bool:
        return self.sealed and not self.blocks and not self.foreign


@dataclass
class Ledger:
    """`memory`: bytes of live blocks to keep. Beyond it blocks stay on disk only, until half of it is free again: so the
    stretches are few (one for each half of `memory` in the spool, and one for each segment)."""

    memory: int
    segments: dict[int, Tally] = field(default_factory=dict)
    damaged_records: int = 0
    damaged_documents: int = 0
    """As far as known: a record whose header is unreadable takes the number with it, unless it was counted before."""
    _live: deque[Stored] = field(default_factory=deque)
    _live_bytes: int = 0
    _live_documents: int = 0
    _kept_bytes: int = 0
    _spilling: bool = False
    _stretches: deque[Stretch] = field(default_factory=deque)
    _out: dict[Place, Stored] = field(default_factory=dict)

    @property
    def bytes_on_disk(self) -> int:
        return sum(tally.size for tally in self.segments.values())

    @property
    def blocks(self) -> int:
        """Without outcome."""
        return sum(tally.blocks for tally in self.segments.values())

    @property
    def documents(self) -> int:
        """Without outcome."""
        return sum(tally.documents for tally in self.segments.values())

    def waiting(self) -> Waiting:
        oldest = self._live[0].since if self._live else None
        return Waiting(self._live_bytes, self._live_documents, oldest, bool(self._stretches))

    def oldest(self) -> float | None:
        """Since when the oldest block without outcome waits (monotonic seconds); None when there is none."""
        times = [stored.since for stored in self._out.values()]
        times += [waiting[0].since for waiting in (self._live, self._stretches) if waiting]
        return min(times, default=None)

    # ---------------------------------------------------------------------------------------------------- coming in

    def recovered(self, stretch: Stretch) -> None:
        """Blocks that an earlier process left; oldest first."""
        tally = self.segments[stretch.segment]
        tally.blocks += stretch.blocks
        tally.documents += stretch.documents
        self._stretches.append(stretch)

    def opened(self, segment: int, size: int) -> None:
        """A new segment; blocks go there until it is sealed."""
        self.segments[segment] = Tally(size, sealed=False)

    def stored(self, place: Place, block: Block, now: float) -> None:
        """A block that is now on disk."""
        tally = self.segments[place.segment]
        tally.blocks += 1
        tally.documents += block.documents
        tally.end = place.end
        size = len(block.payload)
        if self._spilling and self._kept_bytes <= self.memory // 2:
            self._spilling = False
        if self._kept_bytes and self._kept_bytes + size > self.memory:
            self._spilling = True
        if self._spilling:
            self._spill(place, block, now)
            return
        self._live.append(Stored(place, block, now, True))
        self._live_bytes += size
        self._kept_bytes += size
        self._live_documents += block.documents

    def _spill(self, place: Place, block: Block, now: float) -> None:
        last = self._stretches[-1] if self._stretches else None
        if last and last.segment == place.segment and last.end == place.offset:
            last.end = place.end
            last.blocks += 1
            last.documents += block.documents
        else:
            self._stretches.append(Stretch(place.segment, place.offset, place.end, 1, block.documents, now))

    # ---------------------------------------------------------------------------------------------------- going out

    def take_live(self, max_bytes: int, max_documents: int) -> list[Stored]:
        """The oldest live blocks within the limits, at least one if there is any."""
        taken: list[Stored] = []
        size = documents = 0
        while self._live:
            block = self._live[0].block
            size += len(block.payload)
            documents += block.documents
            if taken and (size > max_bytes or documents > max_documents):
                break
            stored = self._live.popleft()
            self._live_bytes -= len(block.payload)
            self._live_documents -= block.documents
            self._out[stored.place] = stored
            taken.append(stored)
        return taken

    def oldest_stretch(self) -> Stretch | None:
        """Where to read on; only `read_back` moves it."""
        return self._stretches[0] if self._stretches else None

    def read_back(self, stretch: Stretch, blocks: list[Stored], cursor: int) -> bool:
        """Blocks read from the oldest stretch, which is read up to `cursor`. True if its segment can be deleted.

        Blocks that should be in the stretch and were not found are lost to damage.
        """
        for stored in blocks:
            self._out[stored.place] = stored
            stretch.blocks -= 1
            stretch.documents -= stored.block.documents
        stretch.cursor = cursor
        if cursor < stretch.end:
            return False
        self._stretches.remove(stretch)
        tally = self.segments[stretch.segment]
        tally.blocks -= stretch.blocks
        tally.documents -= stretch.documents
        self.damaged_records += stretch.blocks
        self.damaged_documents += stretch.documents
        return tally.finished

    def done(self, stored: Stored) -> bool:
        """Every document of the block has its outcome. True if its segment can be deleted."""
        del self._out[stored.place]
        if stored.live:
            self._kept_bytes -= len(stored.block.payload)
        tally = self.segments[stored.place.segment]
        tally.blocks -= 1
        tally.documents -= stored.block.documents
        return tally.finished

    def seal(self, segment: int, size: int) -> bool:
        """Nothing more will be written to it. True if it can be deleted."""
        tally = self.segments[segment]
        tally.sealed, tally.size = True, size
        return tally.finished

    def position(self) -> Position | None:
        """The checkpoint: the first block without outcome, else the end of what is written; None: nothing ever was."""
        first = [(place.segment, place.offset) for place in self._out]
        first += [(stretch.segment, stretch.cursor) for stretch in self._stretches]
        if self._live:
            first.append((self._live[0].place.segment, self._live[0].place.offset))
        if first:
            return Position(*min(first))
        if not self.segments:
            return None
        last = max(self.segments)
        return Position(last, self.segments[last].end)
