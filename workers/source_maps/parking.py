"""How many batches may wait for source maps."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from tidegate.daemon.wire.frames import Batch
from tidegate.workers.store.source_maps import MapKey

MOST_BATCHES = 256
"""Far more than wait while the maps of a new release are fetched: each is fetched once."""
CREDIT_SHARE = 2
"""Half the credit of one acceptor may be parked: what is left keeps other batches coming."""

Wait = Callable[[Iterable[MapKey], Callable[[], None]], None]
"""Calls once when the maps are there or the time is over; see `library.Library.wait`."""


class Parking:
    """Room for batches, in number and in bytes; `credit`: bytes of batches that an acceptor may have unanswered."""

    def __init__(self, wait: Wait, credit: int) -> None:
        self._wait = wait
        self._most_bytes = credit // CREDIT_SHARE
        self._batches = 0
        self._bytes = 0

    def has_room(self, batch: Batch) -> bool:
        """Whether the batch may wait. One that is too large to leave room for others is not let wait at all."""
        return self._batches < MOST_BATCHES and self._bytes + _size(batch) <= self._most_bytes

    def park(self, batch: Batch, wanted: Iterable[MapKey], go_on: Callable[[], None]) -> None:
        """Lets the batch wait; calls `go_on` once, later."""
        self._batches += 1
        self._bytes += _size(batch)

        def leave() -> None:
            self._batches -= 1
            self._bytes -= _size(batch)
            go_on()

        self._wait(wanted, leave)


def _size(batch: Batch) -> int:
    return len(batch.lines) + len(batch.metadata)
