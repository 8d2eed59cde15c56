"""The spool of one worker: documents are on disk before `done` is called, and stay there until the sink has an outcome.

`append` is called from the event loop's thread, `next_blocks` from the dispatcher's one thread, `done` from any.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from threading import Lock
from typing import NamedTuple

from tidegate.daemon.settings.parts import SpoolPart
from tidegate.workers.spool.adoption import Adopted, adopt, orphans, remove_folder
from tidegate.workers.spool.block import Block
from tidegate.workers.spool.checkpoint import Checkpoint
from tidegate.workers.spool.committer import Batch, Committer, Done
from tidegate.workers.spool.disk import Disk
from tidegate.workers.spool.formats import NewerSpool, SpoolError
from tidegate.workers.spool.ledger import NOTHING_SYNCED, Ledger, Place, Stored, Stretch, Synced, Waiting
from tidegate.workers.spool.recovery import Found, find, tail_of
from tidegate.workers.spool.segment import HEADER_BYTES, Gap, Kind, load, read_file_header, walk
from tidegate.workers.spool.writer import Writer, segment_numbers, segment_path

__all__ = ["NewerSpool", "Recovered", "Spool", "SpoolError", "Stats", "Stored", "Waiting"]

LOCK_NAME = "lock"
LOCK_WAIT = 10.0
"""Seconds to wait for a predecessor that is just ending: a stop with a full drain takes longer only if it hangs."""
_LOCK_POLL = 0.05
CHECKPOINT_PERIOD = 1.0
"""Seconds: what is sent again after a crash is at most what was sent in one of them."""

_log = logging.getLogger("tidegate.spool")


class Recovered(NamedTuple):
    """What was found at the start."""

    blocks: int
    documents: int
    damaged_records: int


class Stats(NamedTuple):
    """For the status and the metrics."""

    bytes_on_disk: int
    blocks: int
    """Without outcome."""
    documents: int
    """Without outcome."""
    damaged_records: int
    damaged_documents: int
    """Of those, the documents that are known to have been in them; counted as pending before, and lost."""
    oldest: float
    """Age of the oldest document without outcome, seconds; 0 when there is none."""


class Spool:
    """`call_soon` runs a function in the thread of `append` (`loop.call_soon_threadsafe`); `notify` is called from the
    committer's thread after blocks came to disk. `written` and `lost` are told of
    documents (and bytes) that came to disk, and of those that the disk does not give back."""

    def __init__(
        self,
        part: SpoolPart,
        compression_level: int,
        call_soon: Callable[[Callable[[], None]], object],
        *,
        notify: Callable[[], None] = lambda: None,
        disk: Disk | None = None,
        monotonic: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
        written: Callable[[int, int], None] = lambda documents, size: None,
        lost: Callable[[int], None] = lambda documents: None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.notify = notify
        self._part = part
        self._folder = Path(part.folder)
        self._disk = disk or Disk()
        self._monotonic, self._wall, self._sleep = monotonic, wall, sleep
        self._written, self._lost = written, lost
        self._lock = Lock()
        self._ledger = Ledger(part.memory)
        self._backlog_turn = False
        self._closed = False
        self._checkpoint_due = 0.0
        self._checkpoint_failed = False
        self._committer = Committer(compression_level, self._store, self._tick, call_soon, CHECKPOINT_PERIOD)

    # ------------------------------------------------------------------------------------------------ start and stop

    def start(self) -> Recovered:
        """Locks the folder and finds what is to be sent again. Raises SpoolError, OSError."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._folder.chmod(0o700)
        self._lock_file = self._take_lock(self._folder)
        try:
            recovered = self._recover()
        except BaseException:
            self._disk.close(self._lock_file)
            raise
        if recovered.damaged_records:
            _log.error("%d records of the spool are damaged and lost", recovered.damaged_records)
        self._committer.start()
        return recovered

    def _recover(self) -> Recovered:
        self._checkpoint = Checkpoint(self._folder, self._disk)
        position, synced = self._checkpoint.position, self._checkpoint.synced
        tails = tail_of(self._folder, synced)
        adopted = self._adopt(max([position.segment, synced.segment, *segment_numbers(self._folder)]))
        last = adopted.last
        for found in find(self._folder, position, self._disk, {**adopted.tails, **tails}, adopted.starts):
            if found.spare:
                self._cut(found)
            self._ledger.segments[found.number] = found.tally
            self._ledger.damaged_records += found.damaged
            if found.torn:
                _log.warning("spool segment %d ends in a record that is not whole; it is left out", found.number)
            if found.stretch:
                found.stretch.since = self._monotonic() - max(0.0, self._wall() - found.modified)
                self._ledger.recovered(found.stretch)
            elif found.tally.finished:
                self._remove(found.number)
        self._first_segment = last + 1  # of this process
        self._writer = Writer(
            self._part, self._disk, last + 1, opened=self._opened, sealed=self._sealed, used=self._used
        )
        return Recovered(self._ledger.blocks, self._ledger.documents, self._ledger.damaged_records)

    def _cut(self, found: Found) -> None:
        """Ends a segment behind its last sound record, as a clean stop would have: a later start finds nothing torn there,
        and the space is free. If that fails the segment is only larger."""
        try:
            descriptor = os.open(segment_path(self._folder, found.number), os.O_WRONLY | os.O_CLOEXEC)
            try:
                self._disk.truncate(descriptor, found.end)
            finally:
                self._disk.close(descriptor)
            found.tally.size = found.end
        except OSError as problem:
            _log.warning("spool segment %d cannot be cut to its length: %s", found.number, problem.strerror)

    def _adopt(self, last: int) -> Adopted:
        """Takes over the folders of workers that there are no more. One that cannot be taken waits for the next start."""
        starts: dict[int, int] = {}
        tails: dict[int, Synced] = {}
        for orphan in orphans(self._folder, self._part.orphans_from):
            held = None
            try:
                held = self._take_lock(orphan)
                adopted = adopt(orphan, self._folder, last, self._disk)
                remove_folder(orphan, LOCK_NAME)
            except NewerSpool:
                raise
            except (SpoolError, OSError) as problem:
                _log.error(
                    "the spool of a former worker cannot be taken over, its events wait in %s: %s", orphan, problem
                )
                tails |= tail_of(self._folder, NOTHING_SYNCED)  # what was moved by then
                last = max([last, *segment_numbers(self._folder)])
                continue
            finally:
                if held is not None:
                    self._disk.close(held)
            if adopted.last > last:
                _log.info("%d segments of a former worker's spool are taken over", adopted.last - last)
            starts |= adopted.starts
            tails |= adopted.tails
            last = adopted.last
        return Adopted(starts, tails, last)

    def _take_lock(self, folder: Path) -> int:
        deadline = self._monotonic() + LOCK_WAIT
        while (held := self._disk.lock(folder / LOCK_NAME)) is None:
            if self._monotonic() >= deadline:
                raise SpoolError(
                    f"spool folder {folder} is in use by another process for more than {LOCK_WAIT:.0f} s: "
                    "stop that one, or give this one a path.data of its own"
                )
            self._sleep(_LOCK_POLL)
        return held

    def close(self) -> None:
        """Commits what has been appended, saves the checkpoint, gives the folder free. A later `done` does nothing: the
        folder may be in other hands then."""
        self._committer.close()
        with self._lock:
            self._closed = True
        self._writer.seal()
        self._save_checkpoint()
        self._checkpoint.close()
        self._disk.close(self._lock_file)

    def change(self, part: SpoolPart, compression_level: int) -> None:
        """Other sizes and another compression, for what comes from now on; the folder stays. After `start`, from any thread."""
        with self._lock:
            self._ledger.memory = part.memory
        self._writer.limit(part)
        self._committer.level = compression_level

    # ---------------------------------------------------------------------------------------------------- coming in

    def append(self, lines: list[bytes], documents: int, done: Done) -> None:
        """Stores bulk lines. `done` is called with None once they are on disk, else with the reason why none of them is;
        at once when there are no documents, else later through `call_soon`. It must not raise."""
        if documents:
            self._committer.append(Batch(lines, documents, done))
        else:
            done(None)

    def _store(self, blocks: list[Block]) -> None:
        places = self._writer.write(blocks)
        now = self._monotonic()
        with self._lock:
            for place, block in zip(places, blocks, strict=True):
                self._ledger.stored(place, block, now)
        self._written(sum(block.documents for block in blocks), sum(len(block.payload) for block in blocks))
        self.notify()

    def _opened(self, number: int, size: int) -> None:
        with self._lock:
            self._ledger.opened(number, size)

    def _sealed(self, number: int, size: int) -> None:
        with self._lock:
            finished = self._ledger.seal(number, size)
        if finished:
            self._remove(number)

    def _used(self) -> int:
        with self._lock:
            return self._ledger.bytes_on_disk

    # ---------------------------------------------------------------------------------------------------- going out

    def waiting(self) -> Waiting:
        """What could be sent now."""
        with self._lock:
            return self._ledger.waiting()

    def next_blocks(self, max_bytes: int, max_documents: int) -> list[Stored]:
        """Blocks to be sent, within the limits, but at least one if there is any; [] when nothing waits.

        Live blocks and backlog take turns to be first, so that neither waits for the end of the other.
        """
        self._backlog_turn = not self._backlog_turn
        taken: list[Stored] = []
        if not self._backlog_turn:
            with self._lock:
                taken = self._ledger.take_live(max_bytes, max_documents)
        size = sum(len(stored.block.payload) for stored in taken)
        documents = sum(stored.block.documents for stored in taken)
        taken += self._read_back(max_bytes - size, max_documents - documents, at_least_one=not taken)
        if not taken:
            with self._lock:
                taken = self._ledger.take_live(max_bytes, max_documents)
        return taken

    def _read_back(self, max_bytes: int, max_documents: int, *, at_least_one: bool) -> list[Stored]:
        """Reads the oldest stretches on, without the lock: only this thread moves their cursors."""
        taken: list[Stored] = []
        while max_bytes > 0 and max_documents > 0:
            with self._lock:
                stretch = self._ledger.oldest_stretch()
                end = stretch.end if stretch else 0
            if stretch is None:
                break
            try:
                some, cursor = self._read_stretch(stretch, end, max_bytes, max_documents, at_least_one and not taken)
            except OSError as problem:  # such as too many open files: what is taken goes out, the rest waits
                _log.warning("spool segment %d cannot be read now: %s", stretch.segment, problem.strerror)
                break
            with self._lock:
                damaged, lost = self._ledger.damaged_records, self._ledger.damaged_documents
                finished = self._ledger.read_back(stretch, some, cursor)
                damaged = self._ledger.damaged_records - damaged
                lost = self._ledger.damaged_documents - lost
            if damaged:
                self._lost(lost)
                _log.error("%d records of spool segment %d are damaged and lost", damaged, stretch.segment)
            if finished:
                self._remove(stretch.segment)
            taken += some
            max_bytes -= sum(len(stored.block.payload) for stored in some)
            max_documents -= sum(stored.block.documents for stored in some)
            if cursor < end:
                break
        return taken

    def _read_stretch(
        self, stretch: Stretch, end: int, max_bytes: int, max_documents: int, at_least_one: bool
    ) -> tuple[list[Stored], int]:
        """Blocks from the stretch's cursor on, and the new cursor. A segment that cannot be opened is wholly damaged."""
        taken: list[Stored] = []
        try:
            descriptor = os.open(segment_path(self._folder, stretch.segment), os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return [], end
        try:
            read_at = partial(self._disk.read, descriptor)
            header = read_file_header(read_at(0, HEADER_BYTES))
            for entry in walk(read_at, stretch.cursor, end, header.salt if header else None):
                if isinstance(entry, Gap) or entry.kind != Kind.DOCUMENTS:
                    continue
                max_bytes -= entry.end - entry.payload_at
                max_documents -= entry.documents
                if (max_bytes < 0 or max_documents < 0) and (taken or not at_least_one):
                    return taken, entry.offset
                block = load(read_at, entry)
                if block is not None:
                    place = Place(stretch.segment, entry.offset, entry.end)
                    taken.append(Stored(place, block, stretch.since, False, stretch.segment < self._first_segment))
        finally:
            self._disk.close(descriptor)
        return taken, end

    def done(self, stored: Stored) -> None:
        """Every document of the block has its outcome (and its dead letters are synced): it will not be sent again."""
        with self._lock:
            finished = not self._closed and self._ledger.done(stored)
        if finished:
            self._remove(stored.place.segment)

    def stats(self) -> Stats:
        with self._lock:
            ledger = self._ledger
            oldest = ledger.oldest()
            return Stats(
                ledger.bytes_on_disk,
                ledger.blocks,
                ledger.documents,
                ledger.damaged_records,
                ledger.damaged_documents,
                0.0 if oldest is None else self._monotonic() - oldest,
            )

    # ----------------------------------------------------------------------------------------------------- on disk

    def _remove(self, number: int) -> None:
        """Deletes a finished segment. If that fails it is deleted at the next start: all of it is done."""
        try:
            self._disk.remove(segment_path(self._folder, number))
        except OSError as problem:
            _log.warning("spool segment %d cannot be deleted: %s", number, problem.strerror)
        with self._lock:
            self._ledger.segments.pop(number, None)

    def _tick(self) -> None:
        now = self._monotonic()
        if now >= self._checkpoint_due:
            self._checkpoint_due = now + CHECKPOINT_PERIOD
            self._save_checkpoint()

    def _save_checkpoint(self) -> None:
        with self._lock:
            position = self._ledger.position()
        saved = self._checkpoint.position
        position = saved if position is None else max(position, saved)
        synced = max(self._writer.synced, self._checkpoint.synced)
        if (position, synced) == (saved, self._checkpoint.synced):
            return
        try:
            self._checkpoint.save(position, synced)
        except OSError as problem:
            if not self._checkpoint_failed:
                _log.warning("the spool's checkpoint cannot be saved, it is tried each second: %s", problem.strerror)
            self._checkpoint_failed = True
        else:
            self._checkpoint_failed = False
