"""Takes blocks from the spool, has the sink write them in several threads, and sees each document to its outcome.

The deciding is done elsewhere (`schedule`: when; `parcel`: what an answer means); here are the clock, the threads and
the log. One planner thread takes the decisions; each request has a thread of its own, a daemon, so that a receiver
that never answers cannot keep the process from ending.
"""

from __future__ import annotations

import logging
import random
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from threading import Condition, Thread
from typing import NamedTuple, Protocol

from tidegate.daemon.outcomes import EventOutcome
from tidegate.daemon.telemetry.repeats import Repeats
from tidegate.workers.sinks.contract import Postponed, Sink, TooLarge, TryAgain, Written
from tidegate.workers.sinks.dead_letters import target_of
from tidegate.workers.sinks.parcel import Letter, Outcome, Parcel, fresh_parcel, halves, sort_out
from tidegate.workers.sinks.schedule import Fresh, Limits, Pause, Schedule
from tidegate.workers.spool.block import block_lines
from tidegate.workers.spool.ledger import Stored, Waiting

CLOSE_GRACE = 1.0
"""Seconds for requests under way to notice that the sink is closed."""
_STUMBLE = 1.0
"""Seconds to wait when the spool has blocks that cannot be read just now, or something unexpected happened."""
_TOO_LARGE_TYPE = "content_too_long"

_log = logging.getLogger("tidegate.sink")


class Source(Protocol):
    """What is needed of the spool; all but `next_blocks` are thread-safe."""

    def waiting(self) -> Waiting: ...

    def next_blocks(self, max_bytes: int, max_documents: int) -> list[Stored]: ...

    def done(self, stored: Stored) -> None: ...


class Letters(Protocol):
    """Where documents go that will never be stored; thread-safe."""

    def write(self, letters: Sequence[Letter]) -> None:
        """They are on disk when it returns. Raises OSError."""


class Account(Protocol):
    """Where outcomes are counted; thread-safe."""

    def settled(self, outcomes: Mapping[EventOutcome, int]) -> None: ...

    def requested(self, result: str, size: int, postponed: int = 0) -> None: ...


class State(NamedTuple):
    """For the status."""

    ready: bool
    degraded: str
    """Why documents are not stored, in words; empty when they are."""
    in_flight: int
    """Requests under way."""
    held: int
    """Documents that wait for another try in memory; they are on disk too."""
    partly: int
    """Documents that have their outcome, while others of their blocks have none: the spool still counts them."""


def _start_thread(work: Callable[[], None]) -> None:
    Thread(target=work, name="tidegate-bulk", daemon=True).start()


class Dispatcher:
    """`on_ready` is called from the planner's thread, when a sink is ready for the first time.

    For tests: `turn` takes one decision, `spawn` runs a request (default: in a new thread).
    """

    def __init__(
        self,
        source: Source,
        sink: Sink,
        letters: Letters,
        limits: Limits,
        account: Account,
        *,
        wait_ready_interval: float,
        on_ready: Callable[[], None] = lambda: None,
        monotonic: Callable[[], float] = time.monotonic,
        randomness: Callable[[], float] = random.random,
        spawn: Callable[[Callable[[], None]], None] = _start_thread,
    ) -> None:
        self._source, self._sink, self._letters, self._account = source, sink, letters, account
        self._users: Counter[Sink] = Counter()
        self._wait_ready_interval, self._on_ready = wait_ready_interval, on_ready
        self._monotonic, self._spawn = monotonic, spawn
        self._schedule = Schedule(limits, randomness)
        self._changed = Condition()
        self._signal = False
        self._pause: float | None = 0.0
        self._ready = False
        self._ready_at = 0.0
        self._not_ready = ""
        self._closed = False
        self._counts: Counter[EventOutcome] = Counter()
        self._partly = 0
        self._complaints, self._refusals, self._stumbles = Repeats(), Repeats(), Repeats()
        self._planner = Thread(target=self._run, name="tidegate-dispatch", daemon=True)

    # ------------------------------------------------------------------------------------------------- from outside

    def start(self) -> None:
        self._planner.start()

    def wake(self) -> None:
        """Blocks came to disk; from any thread, cheap."""
        waiting = self._source.waiting()
        with self._changed:
            if not self._ready:
                return
            if self._pause is None or self._schedule.worth_waking(waiting):
                self._wake()

    def state(self) -> State:
        with self._changed:
            schedule = self._schedule
            held = sum(parcel.documents for parcel in schedule.held)
            trouble = schedule.trouble if self._ready else self._not_ready
            return State(self._ready, trouble, schedule.in_flight, held, self._partly)

    def counts(self) -> Counter[EventOutcome]:
        """Outcomes of documents since the start."""
        with self._changed:
            return self._counts.copy()

    def exchange(self, sink: Sink, limits: Limits, wait_ready_interval: float) -> None:
        """Other settings. Requests under way end at the sink that they began with; another one is asked whether it is ready
        before anything goes there."""
        with self._changed:
            self._wait_ready_interval = wait_ready_interval
            before, self._sink = self._sink, sink
            changed = sink is not before
            self._schedule.change(limits, afresh=changed)
            if changed:
                self._ready, self._ready_at = False, 0.0
            unused = changed and not self._users[before]
            self._wake()
        if unused:
            before.close()

    def drain(self, timeout: float) -> bool:
        """Sends what is in memory, waits for the answers, `timeout` seconds at most, and closes the sink.

        What is left stays on disk. True if the answers came in time. A sink that fails is not waited for.
        """
        with self._changed:
            self._schedule.draining = True
            self._wake()
            self._changed.wait_for(self._idle, timeout)
            idle = self._idle()
            self._closed = True
            self._wake()
            sinks = {self._sink, *(sink for sink, users in self._users.items() if users)}
        for sink in sinks:
            sink.close()
        with self._changed:
            self._changed.wait_for(lambda: not self._schedule.in_flight, CLOSE_GRACE)
        return idle

    def _idle(self) -> bool:
        return not self._ready or self._schedule.idle(self._monotonic(), self._source.waiting())

    # -------------------------------------------------------------------------------------------------- the planner

    def _run(self) -> None:
        while True:
            try:
                pause = self.turn()
            except Exception as problem:  # a dispatcher that ends would leave all on disk until the next start
                if self._stumbles.due(self._monotonic(), type(problem).__name__):
                    _log.exception("the dispatcher stumbled")
                pause = _STUMBLE
            with self._changed:
                if self._closed:
                    return
                if not self._signal and pause != 0:
                    self._pause = pause
                    self._changed.wait(pause)
                self._pause, self._signal = 0.0, False

    def turn(self) -> float | None:
        """Takes one decision and acts on it. Returns the seconds until the next; None: when something happens."""
        if not self._ready:
            pause = self._check_ready()
            if not self._ready:
                return pause
        with self._changed:
            if self._closed:
                return None
            decision = self._schedule.decide(self._monotonic(), self._source.waiting())
            if isinstance(decision, Pause):
                return decision.seconds
        if isinstance(decision, Fresh):
            blocks = self._source.next_blocks(decision.max_bytes, decision.max_documents)
            if not blocks:
                return _STUMBLE
            parcel = fresh_parcel(blocks)
        else:
            parcel = decision.parcel
        with self._changed:
            self._schedule.sent(parcel)
            sink = self._sink
            self._users[sink] += 1
        try:
            self._spawn(lambda: self._send(parcel, sink))
        except RuntimeError:
            self._left(sink)
            self._failed(parcel, "no thread can be started for a request")
        return 0.0

    def _left(self, sink: Sink) -> None:
        """A request to the sink is over; one that was exchanged ends with its last."""
        with self._changed:
            self._users[sink] -= 1
            over = sink is not self._sink and not self._users[sink]
            if over:
                del self._users[sink]
        if over:
            sink.close()

    def _check_ready(self) -> float:
        """Asks the sink when it is time. The seconds until the next question, if it is not ready."""
        if (pause := self._ready_at - self._monotonic()) > 0:
            return pause
        cause = "the store is not ready"
        sink = self._sink
        try:
            ready = sink.ready()
        except TryAgain as problem:
            ready, cause = False, problem.cause
        except Exception as problem:  # a sink that says in its own way why it cannot be used
            ready, cause = False, f"{type(problem).__name__}: {problem}"
        now = self._monotonic()
        with self._changed:
            if sink is not self._sink:  # exchanged meanwhile: the other one is asked next
                return 0.0
        if not ready:
            self._ready_at = now + self._wait_ready_interval
            if self._complaints.due(now, cause):
                _log.warning("nothing is sent yet, events stay in the spool: %s", cause)
            with self._changed:
                self._not_ready = cause
            return self._wait_ready_interval
        with self._changed:
            self._ready, self._not_ready = True, ""
        if self._complaints.over():
            _log.info("the store is ready")
        self._on_ready()
        return 0.0

    def _wake(self) -> None:
        """With the lock held."""
        self._signal = True
        self._changed.notify_all()

    # ------------------------------------------------------------------------------------------------- one request

    def _send(self, parcel: Parcel, sink: Sink) -> None:
        """From the request to the outcome of each of its documents; never raises."""
        try:
            try:
                blocks = [part.block for part in parcel.parts]
                self._settle(parcel, sink.write(blocks, unsure=parcel.unsure))
            except TooLarge:
                self._cut(parcel)
        except TryAgain as problem:
            self._failed(parcel, problem.cause)
        except Exception as problem:  # nothing may be lost by a defect of a sink
            with self._changed:
                count = self._stumbles.due(self._monotonic(), type(problem).__name__)
            if count:
                _log.exception("a request to the store failed in an unexpected way")
            self._failed(parcel, f"unexpected {type(problem).__name__}")
        finally:
            self._left(sink)

    def _settle(self, parcel: Parcel, written: Written) -> None:
        outcome = sort_out(parcel, written)
        if outcome.letters and (cause := self._bury(outcome.letters)):
            later = [Postponed(one.item, cause, True) for one in written.refused]
            written = Written(written.counts, [], written.postponed + later)
            outcome = sort_out(parcel, written)
        counts = written.counts + Counter({EventOutcome.DEAD_LETTER: len(outcome.letters)})
        again_documents = sum(part.block.documents for part in outcome.again)
        self._account.requested("answered", parcel.bytes, again_documents)
        self._finish(outcome, counts)
        again = None
        if outcome.again:
            again = Parcel(outcome.again, parcel.tries, cause=outcome.cause, wave=parcel.wave)
        stored_any = any(documents for _, documents in outcome.settled)
        cause = outcome.cause or (outcome.causes[0] if outcome.causes else "")
        now = self._monotonic()
        with self._changed:
            self._schedule.answered(again, now, stored_any=stored_any, cause=cause)
            trouble = self._schedule.trouble
            self._wake()
        if again is not None:
            self._complain(now, cause)
        elif not trouble and self._complaints.over():
            _log.info("documents are stored again")

    def _finish(self, outcome: Outcome, counts: Counter[EventOutcome]) -> None:
        """Counts, then tells the spool which blocks are done, before the request counts as ended: a drain then finds them
        done."""
        self._account.settled(counts)
        finished = []
        with self._changed:
            self._counts.update(counts)
            if self._closed:  # the spool may be in other hands by now; what was stored is found there by its ids
                return
            for pending, documents in outcome.settled:
                pending.remaining -= documents
                self._partly += documents
                if documents and not pending.remaining:
                    self._partly -= pending.stored.block.documents
                    finished.append(pending.stored)
        for stored in finished:
            self._source.done(stored)

    def _bury(self, letters: Sequence[Letter]) -> str:
        """Writes dead letters; returns why that was not possible, empty when it was."""
        try:
            self._letters.write(letters)
        except OSError as problem:
            return f"dead letters cannot be written: {problem.strerror or problem}"
        now = self._monotonic()
        index, _ = target_of(letters[0].action)
        text = f"{letters[0].type} ({letters[0].status}) in {index}"
        with self._changed:
            count = self._refusals.due(now, text, len(letters))
        if count:
            _log.error("%d documents were refused and are now dead letters, the last for %s", count, text)
        return ""

    def _cut(self, parcel: Parcel) -> None:
        """The receiver says too large: half of it at a time, a single document becomes a dead letter."""
        parts = halves(parcel)
        if parts is None:
            (part,) = parcel.parts
            action, document = block_lines(part.block)
            reason = f"a document of {len(document)} bytes is larger than the store takes in one request"
            letter = Letter(action, document, 413, _TOO_LARGE_TYPE, reason, part.pending.stored.earlier)
            if cause := self._bury([letter]):
                self._failed(parcel, cause)
                return
            self._finish(Outcome([(part.pending, 1)]), Counter({EventOutcome.DEAD_LETTER: 1}))
        self._account.requested("too_large", parcel.bytes)
        with self._changed:
            self._schedule.too_large(parcel, parts)
            self._wake()

    def _failed(self, parcel: Parcel, cause: str) -> None:
        self._account.requested("failed", parcel.bytes)
        now = self._monotonic()
        parcel.unsure = True
        with self._changed:
            self._schedule.failed(parcel, now, cause)
            closed = self._closed
            self._wake()
        if not closed:
            self._complain(now, cause)

    def _complain(self, now: float, cause: str) -> None:
        with self._changed:
            count = self._complaints.due(now, cause)
        if count:
            _log.warning("documents stay in the spool and are sent again: %s (%d times)", cause, count)
