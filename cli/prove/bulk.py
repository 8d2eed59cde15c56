"""What the stand-in for Elasticsearch makes of a bulk request: as much of the real one as exactly-once depends on. Pure.

Only `create` in data streams is known; an `_id` that is there is answered 409. Refused documents are refused at each try,
as a real mapping conflict is.
"""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Callable
from typing import Any

import orjson
from tidegate.cli.prove.events import Events, Seen

REFUSED_EVERY = 100
"""Where documents are to be refused, it is one of so many."""
_REFUSED_PLACE = 7
_REFUSAL = {"type": "document_parsing_exception", "reason": "[1:10] failed to parse field"}
_BUSY = {"type": "es_rejected_execution_exception", "reason": "rejected execution of coordinating operation"}


def refused(number: int) -> bool:
    """Whether the document of this event is one of those that are refused, where any are."""
    return number % REFUSED_EVERY == _REFUSED_PLACE


def inflate(body: bytes) -> bytes:
    """A body of any number of gzip members. Raises ValueError."""
    parts = []
    while body:
        inflater = zlib.decompressobj(wbits=31)
        try:
            parts += [inflater.decompress(body), inflater.flush()]
        except zlib.error as problem:
            raise ValueError(str(problem)) from problem
        if not inflater.eof:
            raise ValueError("compressed body ends early")
        body = inflater.unused_data
    return b"".join(parts)


class Stored:
    """What is stored, by what can be asked of it at the end. `refusing`: one of `REFUSED_EVERY` documents is refused."""

    def __init__(self, events: Events, *, refusing: bool) -> None:
        self.times: Counter[int] = Counter()
        """How often each event is stored."""
        self.changed: set[int] = set()
        """Events with a document that is not what was sent."""
        self.conflicts = 0
        """Answers 409."""
        self.refusals: Counter[int] = Counter()
        """How often each event's document was refused."""
        self.strangers = 0
        """Documents that came from none of our events."""
        self._events, self._refusing = events, refusing
        self._ids: set[tuple[str, str]] = set()

    def write(self, body: bytes, busy: Callable[[], bool]) -> bytes:
        """Stores what it can; the answer. `busy` says of each item whether it is turned away with 429. Raises ValueError."""
        lines = body.split(b"\n")
        if lines.pop() or len(lines) % 2:
            raise ValueError("a bulk request holds two lines for each document, and ends with a newline")
        items = []
        for at in range(0, len(lines), 2):
            action = orjson.loads(lines[at])["create"]
            items.append({"create": {"_index": action["_index"], **self._create(action, lines[at + 1], busy)}})
        return orjson.dumps({"items": items})

    def _create(self, action: dict[str, Any], line: bytes, busy: Callable[[], bool]) -> dict[str, Any]:
        key = action["_index"], action["_id"]
        if key in self._ids:
            self.conflicts += 1
            return {"status": 409, "error": {"type": "version_conflict_engine_exception", "reason": "exists"}}
        if busy():
            return {"status": 429, "error": _BUSY}
        seen = self._events.seen(orjson.loads(line))
        if seen is not None and self._refusing and refused(seen.number):
            self.refusals[seen.number] += 1
            return {"status": 400, "error": _REFUSAL}
        self.note(seen)
        self._ids.add(key)
        return {"status": 201}

    def note(self, seen: Seen | None) -> None:
        """A stored document; None: it came from none of our events."""
        if seen is None:
            self.strangers += 1
            return
        self.times[seen.number] += 1
        if not seen.unchanged:
            self.changed.add(seen.number)
