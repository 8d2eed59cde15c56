"""A deadline that is moved often and rarely reached."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol


class Handle(Protocol):
    """A call that is still to come."""

    def cancel(self) -> None: ...


class Clock(Protocol):
    """What is needed of an event loop: monotonic seconds and later calls."""

    def time(self) -> float: ...

    def call_at(self, when: float, callback: Callable[[], None], /) -> Handle: ...

    def call_soon(self, callback: Callable[[], None], /) -> Handle: ...


def _nothing() -> None:
    """What a closed alarm would call."""


class Alarm:
    """Calls once when its time has come. Moving it to a later time costs no timer: the one that is armed looks again."""

    __slots__ = ("_armed", "_call", "_clock", "_handle", "when")

    def __init__(self, clock: Clock, call: Callable[[], None]) -> None:
        self._clock = clock
        self._call = call
        self._handle: Handle | None = None
        self._armed = 0.0
        self.when: float | None = None

    def set(self, when: float | None) -> None:
        """Moves the deadline, in the clock's seconds; None takes it away."""
        self.when = when
        if when is None:
            return
        if self._handle is not None:
            if self._armed <= when:
                return
            self._handle.cancel()
        self._arm(when)

    def close(self) -> None:
        """Takes the deadline away for good, and lets go of the timer and of whom it would have called: the two hold each
        other, and would stay in memory until the garbage collector comes."""
        self.when = None
        self._call = _nothing
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None

    def _arm(self, when: float) -> None:
        self._armed = when
        self._handle = self._clock.call_at(when, self._look)

    def _look(self) -> None:
        self._handle = None
        when = self.when
        if when is None:
            return
        # Loops call up to one tick of their clock (1 ms in uvloop) early.
        if self._clock.time() + 0.002 < when:
            self._arm(when)
            return
        self.when = None
        self._call()
