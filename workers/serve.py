"""The worker at work: batches from the links through the pipeline into the spool, verdicts back.

A suspect (a batch that was in a dead worker's hands) is decoded with nothing else in flight: other batches wait
meanwhile, and the supervisor is told before, so that a second death finds the guilty one.

A batch from browsers that wants source maps which are not in memory is parked until they are there, or for as long as it may
wait; others pass it. A suspect is not: it is done with the maps there are.
"""

from __future__ import annotations

import logging
import time
from collections import Counter, deque
from collections.abc import Callable, Sequence
from typing import Protocol

from tidegate.daemon.outcomes import EventOutcome
from tidegate.daemon.telemetry.notes import ServiceNotes
from tidegate.daemon.wire.frames import Batch, StreamError, Verdict
from tidegate.workers.pipeline import Pipeline, Processed
from tidegate.workers.salvage import salvage
from tidegate.workers.service_notes import note_batch
from tidegate.workers.source_maps.parking import Parking

log = logging.getLogger("tidegate.worker")

WAITS = 2
"""How often a batch waits for source maps: right after a start first for which there are, then for those it needs."""


class Link(Protocol):
    """Where a batch came from and its verdict goes."""

    def answer(self, verdict: Verdict) -> None: ...


class Store(Protocol):
    """What the worker needs of the spool: `done` is called with None once the lines are on disk, or with the reason
    why they cannot be stored."""

    def append(self, lines: list[bytes], documents: int, done: Callable[[str | None], None]) -> None: ...


class Account(Protocol):
    """Where is counted."""

    def decoded(self, types: Sequence[int]) -> None: ...


class Serving:
    """All batches of one worker; `trying` tells the supervisor which suspect is taken up (None: it is done)."""

    def __init__(
        self,
        pipeline: Pipeline,
        store: Store,
        trying: Callable[[Batch | None], None],
        account: Account,
        parking: Parking | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.pipeline = pipeline
        self.parking = parking
        """Where batches wait for source maps; None: none does."""
        self.counts: Counter[EventOutcome] = Counter()
        self._store = store
        self._trying = trying
        self._account = account
        self._monotonic = monotonic
        self.notes = ServiceNotes()
        self.refused_at: float | None = None
        """When the store last took nothing (monotonic seconds); None since it took something."""
        self._in_flight = 0
        self._suspects: deque[tuple[Link, Batch]] = deque()
        self._held: deque[tuple[Link, Batch]] = deque()
        self._parked = 0
        self._going_on = False

    @property
    def idle(self) -> bool:
        """Nothing is held, parked or in flight."""
        return not (self._in_flight or self._suspects or self._held or self._parked)

    def received(self, link: Link, batch: Batch) -> None:
        """Takes a batch. What may wait here is bounded by the credit that this worker gives."""
        if batch.suspect:
            self._suspects.append((link, batch))
            self._go_on()
        elif self._suspects:
            self._held.append((link, batch))
        else:
            room = self.parking is not None and self.parking.has_room(batch)
            self._process(link, batch, WAITS if room else 0)

    def _go_on(self) -> None:
        """Takes up a suspect whenever nothing is in flight; when there is none left, what was held.

        A batch without documents is done within `_process`, which comes back here: the loop goes on with it.
        """
        if self._going_on:
            return
        self._going_on = True
        while self._suspects and not self._in_flight:
            link, batch = self._suspects[0]
            self._trying(batch)
            self._process(link, batch)
        while self._held and not self._suspects:
            self._process(*self._held.popleft())
        self._going_on = False

    def _unparked(self, link: Link, batch: Batch, waits: int) -> None:
        self._parked -= 1
        if self._suspects:
            self._held.append((link, batch))
        else:
            self._process(link, batch, waits)

    def _process(self, link: Link, batch: Batch, waits: int = 0) -> None:
        """`waits`: how often the batch may wait for source maps."""
        processed = self._processed(batch, may_wait=waits > 0)
        if processed.wanted and waits and self.parking is not None:
            self._parked += 1
            self.parking.park(batch, processed.wanted, lambda: self._unparked(link, batch, waits - 1))
            return
        if processed.wanted:
            log.warning("stack frames of a batch stay as sent: their source maps are not in memory, and it cannot wait")
        self._in_flight += 1
        self._account.decoded(processed.types)
        if processed.ended is not None:
            self._stored(link, batch, processed, None)
        else:
            self._store.append(
                processed.lines, processed.documents, lambda refusal: self._stored(link, batch, processed, refusal)
            )

    def _processed(self, batch: Batch, *, may_wait: bool) -> Processed:
        try:
            return self.pipeline.process(batch, may_wait=may_wait)
        except Exception:  # a defect of ours must cost one line at most; without content in the log
            processed, stumbles = salvage(self.pipeline.process, batch)
            log.error("%d lines were set aside, please report this: %s", len(stumbles), "; ".join(stumbles[:3]))
            return processed

    def _stored(self, link: Link, batch: Batch, processed: Processed, refusal: str | None) -> None:
        self._in_flight -= 1
        ended = processed.ended
        if refusal is not None:
            log.warning("batches are refused: %s", refusal)
            ended = StreamError(503, refusal)
        else:
            self.counts.update(processed.counts)
        if processed.documents:
            self.refused_at = None if refusal is None else self._monotonic()
        note_batch(self.notes, batch, processed, ended)
        verdict = Verdict(
            batch.session,
            batch.batch_id,
            batch.first_line,
            0 if ended else processed.accepted,
            processed.failed,
            processed.errors,
            ended,
            processed.events,
            0 if ended else processed.documents,
            0 if ended else processed.counts[EventOutcome.EMPTY_BREAKDOWN],
            processed.counts[EventOutcome.SUSPECT],
        )
        if batch.suspect:
            self._suspects.popleft()
            self._trying(None)
        link.answer(verdict)
        if self._suspects or self._held:
            self._go_on()
