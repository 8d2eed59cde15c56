"""What all made-up events have in common: ids of traces, a clock that goes on, and lines. The same random source gives the same."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

import orjson

Event = dict[str, Any]
Lines = Callable[[int], list[bytes]]
"""The lines of the next request with about so many events, each with its line end."""
Maker = Callable[[Random, int], Lines]
"""From a random source and µs since the epoch, at which the events begin."""


class Traces:
    """One trace after the other."""

    def __init__(self, random: Random, now_us: int) -> None:
        self._random = random
        self._now = now_us
        self._trace = self._transaction = ""
        self._next_trace()

    def _next_trace(self) -> None:
        self._trace, self._transaction = self._hex(32), self._hex(16)

    def _tick(self) -> int:
        self._now += self._random.randrange(1, 50_000)
        return self._now

    def _hex(self, digits: int) -> str:
        return f"{self._random.getrandbits(4 * digits):0{digits}x}"


def joined(first: Event, events: list[Event]) -> list[bytes]:
    """A request: metadata, then events."""
    return [orjson.dumps(one) + b"\n" for one in (first, *events)]
