"""Look-ups of agent configuration at a worker. The same question is asked once at a time, and its answer serves for two
seconds: browsers and restarted fleets ask the same all at once, and a worker takes 64 questions (`questions.py`)."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from tidegate.daemon.wire.courier import Courier, Replied, Waiting
from tidegate.daemon.wire.questions import AnyReply, FindConfiguration, Unavailable

FRESH_S = 2.0
"""Small beside the seconds that agents wait between two questions (30), large beside a burst of them."""
KEPT = 512
"""Answers kept: a rule has some hundred bytes, 32 KiB at most."""


class Configurations:
    """Asks through the courier of one acceptor."""

    def __init__(self, courier: Courier) -> None:
        self._courier = courier
        self._known: dict[FindConfiguration, tuple[float, AnyReply]] = {}
        self._asked: dict[FindConfiguration, list[Replied]] = {}

    def find(self, ask: FindConfiguration, now: float, replied: Replied) -> None:
        """Calls with the reply, at once if it is known. `now` in the clock's seconds. The etag is part of the question, so
        that a worker hears of each one that is in use."""
        known = self._known.get(ask)
        if known is not None and now < known[0]:
            replied(known[1])
            return
        waiting = self._asked.get(ask)
        if waiting is not None:
            waiting.append(replied)
            return
        self._asked[ask] = [replied]
        self._courier.ask(ask, partial(self._replied, ask, now + FRESH_S))

    def when_worker(self, call: Callable[[], None]) -> Waiting | None:
        """A place in the line of those who wait for the first worker; None while there is one."""
        return None if self._courier.connected() else self._courier.when_credit(b"", b"", call)

    def _replied(self, ask: FindConfiguration, fresh_until: float, reply: AnyReply) -> None:
        if not isinstance(reply, Unavailable):
            if len(self._known) >= KEPT:
                self._known.clear()
            self._known[ask] = (fresh_until, reply)
        for replied in self._asked.pop(ask):
            replied(reply)
