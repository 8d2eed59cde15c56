"""How many streams are decoded at a time (`max_concurrent_decoders`, http-surface.md 2.6)."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable


class Gate:
    """Lets `limit` visitors in, the others in the order in which they came; 0 lets all in."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._inside = 0
        self._line: deque[Callable[[], None]] = deque()

    def enter(self, call: Callable[[], None]) -> None:
        """Calls as soon as there is room, which may be at once. Each call is to be followed by one `leave`."""
        if self._limit and self._inside >= self._limit:
            self._line.append(call)
            return
        self._inside += 1
        call()

    def leave(self) -> None:
        """Makes room for the next."""
        self._inside -= 1
        self._admit()

    def forget(self, call: Callable[[], None]) -> bool:
        """Takes a visitor out of the line; False if it is inside (and has to `leave`)."""
        try:
            self._line.remove(call)
        except ValueError:
            return False
        return True

    def resize(self, limit: int) -> None:
        """Sets another limit. Those inside stay."""
        self._limit = limit
        self._admit()

    def _admit(self) -> None:
        while self._line and not (self._limit and self._inside >= self._limit):
            self._inside += 1
            self._line.popleft()()
