"""The committer: one thread that makes blocks of what has been appended, writes them and syncs, one group at a time.

While a sync is under way, batches gather for the next one: under load a group forms by itself, and no timer delays a
single batch.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from threading import Condition, Thread
from typing import NamedTuple

from tidegate.workers.spool.block import Block, make_block
from tidegate.workers.spool.writer import CannotStore

Done = Callable[[str | None], None]
"""Called once: with None when the documents are on disk, else with the reason why nothing of them is stored."""

BLOCK_BYTES = 512 << 10
"""Of bulk lines in a block: beyond it compression gains nothing more, and a damaged or postponed block costs more."""
CLOSED = "server is shutting down"

_log = logging.getLogger("tidegate.spool")


class Batch(NamedTuple):
    """One call of `append`."""

    lines: list[bytes]
    documents: int
    done: Done


def make_blocks(batches: Sequence[Batch], level: int) -> list[Block]:
    """The documents of the batches, in order, in blocks of about `BLOCK_BYTES`; a batch is never split."""
    blocks = []
    lines: list[bytes] = []
    size = documents = 0
    for batch in batches:
        lines += batch.lines
        documents += batch.documents
        size += sum(map(len, batch.lines))
        if size >= BLOCK_BYTES:
            blocks.append(make_block(lines, documents, level))
            lines, size, documents = [], 0, 0
    if documents:
        blocks.append(make_block(lines, documents, level))
    return blocks


class Committer:
    """`store` writes blocks and keeps account of them (raises CannotStore); `tick` is called at least once a `period`
    (seconds) in the same thread; `call_soon` runs a function in the thread that `append` is called from."""

    def __init__(
        self,
        level: int,
        store: Callable[[list[Block]], None],
        tick: Callable[[], None],
        call_soon: Callable[[Callable[[], None]], object],
        period: float,
    ) -> None:
        self.level = level
        """Of compression; of blocks from now on."""
        self._store, self._tick = store, tick
        self._call_soon, self._period = call_soon, period
        self._changed = Condition()
        self._pending: list[Batch] = []
        self._closing = False
        self._thread = Thread(target=self._run, name="tidegate-committer", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def append(self, batch: Batch) -> None:
        """Takes a batch; what may wait here is bounded by the credit that the worker gives."""
        with self._changed:
            if not self._closing:
                self._pending.append(batch)
                self._changed.notify()
                return
        self._call_soon(lambda: batch.done(CLOSED))

    def close(self) -> None:
        """Commits what has been appended, then ends."""
        with self._changed:
            self._closing = True
            self._changed.notify()
        self._thread.join()

    def _run(self) -> None:
        while True:
            with self._changed:
                if not self._pending and not self._closing:
                    self._changed.wait(self._period)
                batches, self._pending = self._pending, []
                closing = self._closing
            if batches:
                self.commit(batches)
            self._tick()
            if closing and not batches:
                return

    def commit(self, batches: Sequence[Batch]) -> None:
        """Stores one group and lets its callers know."""
        refusal = None
        try:
            self._store(make_blocks(batches, self.level))
        except CannotStore as problem:
            refusal = str(problem)
        except Exception as problem:  # whatever it is, the callers must hear that nothing is promised
            _log.exception("the spool failed on %d batches", len(batches))
            refusal = f"spool cannot be written: {type(problem).__name__}"
        self._call_soon(lambda: _tell(batches, refusal))


def _tell(batches: Sequence[Batch], refusal: str | None) -> None:
    for batch in batches:
        batch.done(refusal)
