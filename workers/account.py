"""What a worker counts: documents on their way from the spool to the store (docs/metrics.md, "The account").

The order is the point: a document counts as written once it is on disk, and its outcome counts before the spool may
forget it. Whenever the process is killed, the spool then holds what the counters expect there, or more; `found` counts
the difference as recovered. Less can only be if something was damaged or deleted, and that counts as lost.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tidegate.daemon.outcomes import AT_STORE, EventOutcome
from tidegate.daemon.telemetry.metrics import (
    BULK_BYTES,
    BULK_IN_FLIGHT,
    BULK_REQUESTS,
    DECODED,
    DOCUMENTS,
    EVENT_TYPES,
    HELD,
    OWN,
    POSTPONED,
    RECOVERED,
    SINK_READY,
    SINK_TROUBLED,
    SPOOL_BYTES,
    SPOOL_LIMIT,
    SPOOL_OLDEST,
    SPOOL_REFUSING,
    SPOOL_WRITTEN,
    SPOOLED,
    WRITTEN,
    place,
)
from tidegate.daemon.telemetry.slots import Tally
from tidegate.workers.sinks.dispatch import State
from tidegate.workers.spool.spool import Stats

_OUTCOMES = {outcome: place(DOCUMENTS, outcome) for outcome in AT_STORE}
_TYPES = tuple(place(DECODED, kind) for kind in EVENT_TYPES)
_WRITTEN, _OWN, _RECOVERED, _POSTPONED = place(WRITTEN), place(OWN), place(RECOVERED), place(POSTPONED)


class Account:
    """Counts in the slot of this process; from any thread."""

    def __init__(self, tally: Tally) -> None:
        self._tally = tally

    def decoded(self, types: Sequence[int]) -> None:
        """Events of a batch by type, in the order of `EVENT_TYPES`."""
        for at, number in zip(_TYPES, types, strict=True):
            if number:
                self._tally.add(at, number)

    def written(self, documents: int, size: int) -> None:
        """Documents are on disk, `size` bytes of them, compressed."""
        self._tally.add(_WRITTEN, documents)
        self._tally.add(place(SPOOL_WRITTEN), size)

    def made(self, documents: int) -> None:
        """Of those written, some were of our own."""
        self._tally.add(_OWN, documents)

    def settled(self, outcomes: Mapping[EventOutcome, int]) -> None:
        """Documents have their outcome; to be called before the spool is told."""
        for outcome, number in outcomes.items():
            self._tally.add(_OUTCOMES[outcome], number)

    def found(self, documents: int) -> None:
        """So many documents were in the spool at the start."""
        more = documents - self.expected()
        if more > 0:
            self._tally.add(_RECOVERED, more)
        elif more < 0:
            self.settled({EventOutcome.LOST: -more})

    def expected(self) -> int:
        """How many documents are in the spool, by what was counted."""
        get = self._tally.get
        return get(_WRITTEN) + get(_RECOVERED) - sum(map(get, _OUTCOMES.values()))

    def requested(self, result: str, size: int, postponed: int = 0) -> None:
        """A request to the store is over. `result`: of `BULK_RESULTS`; `size`: bytes of its body."""
        self._tally.add(place(BULK_REQUESTS, result))
        self._tally.add(place(BULK_BYTES), size)
        if postponed:
            self._tally.add(_POSTPONED, postponed)

    def present(self, spool: Stats, limit: int, sink: State, *, refusing: bool) -> None:
        """What is now. `limit`: bytes that the spool may take; `refusing`: it takes nothing."""
        now = {
            SPOOLED: spool.documents - sink.partly,
            SPOOL_BYTES: spool.bytes_on_disk,
            SPOOL_LIMIT: limit,
            SPOOL_OLDEST: int(spool.oldest * 1000),
            SPOOL_REFUSING: int(refusing),
            SINK_READY: int(sink.ready),
            SINK_TROUBLED: int(bool(sink.degraded)),
            BULK_IN_FLIGHT: sink.in_flight,
            HELD: sink.held,
        }
        for metric, number in now.items():
            self._tally.set(place(metric), number)
