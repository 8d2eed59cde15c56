"""Whose batch goes next when workers are busy. Pure.

Senders have turns, whatever the number of their streams, and none has more in flight than a part of what is free: a sender at
fifty times its share finds its own batches in its way, not those of others. Behind one address there may be many programs, good
and bad: within a sender's turns, those with different metadata take theirs one after the other.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from tidegate.daemon.wire.rounds import Rounds

SHARE = 3
"""A sender may have this many times as many bytes in flight as are free. One alone gets three quarters of all credit, so that
its workers are busy while its batches are synced, and whoever comes beside it finds a quarter free."""

Sender = bytes
"""An address, as rate limits know it (`buckets.bucket_key`)."""


class Place:
    """A place in the line of those who wait for credit (`courier.Waiting`)."""

    def __init__(self, call: Callable[[], None], leave: Callable[[Place], None]) -> None:
        self.call = call
        self._leave = leave

    def cancel(self) -> None:
        self._leave(self)


class Turns:
    """Bytes in flight by sender, and a line of streams for each sender that waits. Both are as long as there are open
    streams, at most."""

    def __init__(self) -> None:
        self._in_flight: dict[Sender, int] = {}
        self._lines: dict[Sender, Rounds[Place]] = {}
        self._turn: Sender | None = None

    def may_send(self, sender: Sender, free: int) -> bool:
        """Whether its next batch may go while `free` bytes of credit are there: none of its streams waits, or it is its turn."""
        return self._turn == sender or (sender not in self._lines and self._has_share(sender, free))

    def sent(self, sender: Sender, size: int) -> None:
        """A batch is on its way."""
        self._turn = None
        self._in_flight[sender] = self._in_flight.get(sender, 0) + size

    def answered(self, sender: Sender, size: int) -> None:
        """A batch has its verdict, or its worker is gone."""
        left = self._in_flight.get(sender, 0) - size
        if left > 0:
            self._in_flight[sender] = left
        else:
            self._in_flight.pop(sender, None)

    def waiting(self) -> int:
        """Streams that have a place in a line."""
        return sum(map(len, self._lines.values()))

    def wait(self, sender: Sender, program: bytes, call: Callable[[], None]) -> Place:
        """Takes a place behind the sender's other streams of the same program (metadata)."""
        place = Place(call, partial(self._leave, sender, program))
        self._lines.setdefault(sender, Rounds()).add(program, place)
        return place

    def wake(self, free: Callable[[], int]) -> None:
        """Calls streams, a sender after the other, as long as credit is free (`free` says how much)."""
        while self._lines and (now := free()) > 0:
            sender = next((one for one in self._lines if self._has_share(one, now)), None)
            if sender is None:
                return
            self._call(sender)

    def _call(self, sender: Sender) -> None:
        line = self._lines.pop(sender)
        place = line.take()
        if line:
            # Behind the others.
            self._lines[sender] = line
        self._turn = sender
        place.call()
        self._turn = None

    def _leave(self, sender: Sender, program: bytes, place: Place) -> None:
        """At once: while no credit comes nobody is called, and places with their metadata would pile up."""
        line = self._lines.get(sender)
        if line is not None:
            line.remove(program, place)
            if not line:
                del self._lines[sender]

    def _has_share(self, sender: Sender, free: int) -> bool:
        return self._in_flight.get(sender, 0) <= SHARE * free
