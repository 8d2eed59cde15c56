"""Handshakes under way: each has its time, all have their number, and who is slow makes room."""

from __future__ import annotations

from typing import Protocol

from tidegate.daemon.h1.alarm import Clock, Handle

HANDSHAKE_SECONDS = 5.0
"""From accepting a connection to the end of its handshake; a far client on a bad line needs one or two."""

MOST_HANDSHAKES = 1024
"""At a time: about 40 KiB each. When more come, the oldest are cut: a client needs two round trips, so whoever holds a place
for long is not on its way."""


class Shaking(Protocol):
    """A connection whose handshake is not over."""

    def cut(self) -> None:
        """Ends the connection at once. It takes itself out by `done`, now or later."""


class Handshakes:
    """Those under way, the oldest first. All have the same time, so theirs run out in that order: one timer is enough."""

    def __init__(self, clock: Clock, most: int = MOST_HANDSHAKES) -> None:
        self._clock = clock
        self._most = most
        self._deadlines: dict[Shaking, float] = {}
        self._timer: Handle | None = None

    def __len__(self) -> int:
        return len(self._deadlines)

    def limit(self, max_connections: int) -> None:
        """Connections are limited (0: they are not): handshakes get half of them at most, so that those who stall in theirs
        never keep others out."""
        self._most = min(MOST_HANDSHAKES, max(max_connections // 2, 1)) if max_connections else MOST_HANDSHAKES
        self._make_room(0)

    def begin(self, one: Shaking) -> None:
        """A connection was accepted."""
        self._make_room(1)
        self._deadlines[one] = self._clock.time() + HANDSHAKE_SECONDS
        self._arm()

    def done(self, one: Shaking) -> None:
        """Its handshake is over, well or not."""
        self._deadlines.pop(one, None)

    def close(self) -> None:
        """Cuts all."""
        self._most = 0
        self._make_room(0)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _make_room(self, room: int) -> None:
        while self._deadlines and len(self._deadlines) + room > self._most:
            self._cut(next(iter(self._deadlines)))

    def _cut(self, one: Shaking) -> None:
        del self._deadlines[one]
        one.cut()

    def _arm(self) -> None:
        if self._timer is None and self._deadlines:
            self._timer = self._clock.call_at(next(iter(self._deadlines.values())), self._look)

    def _look(self) -> None:
        self._timer = None
        # Loops call up to one tick of their clock early.
        now = self._clock.time() + 0.002
        while self._deadlines:
            one, deadline = next(iter(self._deadlines.items()))
            if deadline > now:
                break
            self._cut(one)
        self._arm()
