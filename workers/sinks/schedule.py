"""When to send, what first, and when to hold back: decided from the time and the state alone. Pure.

While the sink fails, one request at a time probes it, after a delay that grows from `backoff_init` to `backoff_max`
with full jitter between them. Documents that were postponed one by one wait the same way, beside the rest.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from tidegate.daemon.settings.parts import ElasticsearchPart
from tidegate.workers.sinks.parcel import Parcel, join
from tidegate.workers.spool.ledger import Waiting

LEAST_BODY = 64 << 10
"""Bytes: a limit learned from 413 answers goes no lower; a single document may be as large as that."""
HELD_BODIES = 1
"""Bodies' worth of documents that wait for another try, held in memory for each request slot. When more wait, nothing
new is taken, so that a stream that Elasticsearch does not take for hours costs spool, not memory."""
_DOUBLINGS = 30
"""Of the delay; far beyond any `backoff_max`, and small enough for floats."""


class Limits(NamedTuple):
    """Of requests; bytes compressed, times in seconds."""

    flush_bytes: int
    flush_documents: int
    flush_interval: float
    max_requests: int
    backoff_init: float
    backoff_max: float

    @classmethod
    def of(cls, part: ElasticsearchPart) -> Limits:
        """From the settings."""
        return cls(
            part.flush_bytes,
            part.flush_documents,
            part.flush_interval,
            max(part.max_requests, 1),
            part.backoff_init,
            part.backoff_max,
        )


class Fresh(NamedTuple):
    """Take blocks from the spool, within these limits, and send them."""

    max_bytes: int
    max_documents: int


class Again(NamedTuple):
    """Send this parcel."""

    parcel: Parcel


class Pause(NamedTuple):
    """Nothing to do for so many seconds, or until something happens (None)."""

    seconds: float | None


Decision = Fresh | Again | Pause


class Schedule:
    """`random` gives numbers from 0 to 1."""

    def __init__(self, limits: Limits, random: Callable[[], float]) -> None:
        self.limits = limits
        self.max_bytes = limits.flush_bytes
        """Of a body; goes down when the receiver says 413."""
        self.in_flight = 0
        self.draining = False
        self.held: list[Parcel] = []
        self.cause = ""
        """Why the sink fails; empty while it does not."""
        self._random = random
        self._failures = 0
        self._wave = 0
        self._probe_at = 0.0

    def change(self, limits: Limits, *, afresh: bool) -> None:
        """Other limits. `afresh`: the sink is another one, and what waits for another try is tried there at once."""
        self.limits = limits
        self.max_bytes = limits.flush_bytes
        if afresh:
            self._probe_at = 0.0
            for parcel in self.held:
                parcel.due = 0.0

    @property
    def failing(self) -> bool:
        return self._failures > 0

    @property
    def trouble(self) -> str:
        """What keeps documents from being stored, in words; empty when nothing does."""
        return self.cause or next((parcel.cause for parcel in self.held if parcel.cause), "")

    def delay(self, tries: int) -> float:
        """Seconds before the next try, after `tries` that failed."""
        first, most = self.limits.backoff_init, self.limits.backoff_max
        most = max(first, min(most, first * 2.0 ** min(tries, _DOUBLINGS)))
        return first + self._random() * (most - first)

    # ------------------------------------------------------------------------------------------------------ deciding

    def decide(self, now: float, waiting: Waiting) -> Decision:
        """What to do next. `Again` takes the parcel out of `held`; who sends must say so by `sent`."""
        if self.failing:
            if self.in_flight or self.draining:
                return Pause(None)
            if now < self._probe_at:
                return Pause(self._probe_at - now)
        elif self.in_flight >= self.limits.max_requests:
            return Pause(None)
        due = [parcel for parcel in self.held if parcel.due <= now]
        if due:
            parcel, left = join(due, self.max_bytes, self.limits.flush_documents)
            self.held = left + [parcel for parcel in self.held if parcel.due > now]
            return Again(parcel)
        if not self._overfull() and self._fresh_due(now, waiting):
            return Fresh(self.max_bytes, self.limits.flush_documents)
        return Pause(self._next_event(now, waiting))

    def _overfull(self) -> bool:
        """More is held than memory should be spent on."""
        if not self.held:
            return False
        most = HELD_BODIES * self.limits.max_requests * self.limits.flush_bytes
        return sum(parcel.bytes for parcel in self.held) > most

    def _fresh_due(self, now: float, waiting: Waiting) -> bool:
        if waiting.oldest is None or self.draining:
            return bool(waiting.documents or (waiting.backlog and not self.draining))
        return (
            waiting.backlog
            or waiting.bytes >= self.max_bytes
            or waiting.documents >= self.limits.flush_documents
            or now - waiting.oldest >= self.limits.flush_interval
        )

    def _next_event(self, now: float, waiting: Waiting) -> float | None:
        times = [parcel.due for parcel in self.held]
        if waiting.oldest is not None and not self._overfull():
            times.append(waiting.oldest + self.limits.flush_interval)
        return max(min(times) - now, 0.0) if times else None

    def worth_waking(self, waiting: Waiting) -> bool:
        """Whether blocks that just came call for a decision now, other than the one that a pause will end with anyway."""
        if self.failing or self.in_flight >= self.limits.max_requests or self._overfull():
            return False
        return waiting.backlog or waiting.bytes >= self.max_bytes or waiting.documents >= self.limits.flush_documents

    def idle(self, now: float, waiting: Waiting) -> bool:
        """While draining: nothing is under way, and nothing is left that a drain sends. The backlog stays on disk."""
        if self.in_flight:
            return False
        return self.failing or not (waiting.documents or any(parcel.due <= now for parcel in self.held))

    # ---------------------------------------------------------------------------------------------- what has happened

    def sent(self, parcel: Parcel) -> None:
        """A request starts."""
        self.in_flight += 1
        parcel.wave = self._wave

    def answered(self, again: Parcel | None, now: float, *, stored_any: bool, cause: str) -> None:
        """A request was answered; `again` holds what was postponed. `cause` is why.

        Where nothing at all of a first try was stored, the sink as a whole is taken to fail.
        """
        self.in_flight -= 1
        if again is not None and not stored_any and again.tries == 0:
            again.tries = 1
            self._fail(again, now, cause)
            return
        self._failures, self.cause = 0, ""
        if again is not None:
            again.tries += 1
            again.due = now + self.delay(again.tries)
            self._hold(again)

    def failed(self, parcel: Parcel, now: float, cause: str) -> None:
        """A request came to nothing; the parcel is sent again."""
        self.in_flight -= 1
        self._fail(parcel, now, cause)

    def too_large(self, parcel: Parcel, parts: tuple[Parcel, Parcel] | None) -> None:
        """A request was refused for its size; `parts`: what is sent in its place, None if it held one document only."""
        self.in_flight -= 1
        self._failures, self.cause = 0, ""
        if parts is not None:
            self.max_bytes = min(self.max_bytes, max(parcel.bytes // 2, LEAST_BODY))
            self.held[:0] = parts

    def _fail(self, parcel: Parcel, now: float, cause: str) -> None:
        self.cause = cause
        if parcel.wave == self._wave or not self._failures:  # others that were under way then tell nothing new
            self._wave += 1
            self._failures += 1
            self._probe_at = now + self.delay(self._failures)
        self._hold(parcel)

    def _hold(self, parcel: Parcel) -> None:
        """While draining, what needs another try is left on disk."""
        if not self.draining:
            self.held.append(parcel)
