"""Says a trouble that comes again and again a few times a minute, with how often it happened meanwhile. Pure."""

from __future__ import annotations

PERIOD = 60.0
"""Seconds between two lines about the same thing."""
MOST_TEXTS = 100
"""Different texts of one kind that are kept apart: more than a person reads in a minute. Further ones share one entry, so
that a text with a number or a name in it can neither fill the log nor the memory."""
_REST = ""


class _Entry:
    __slots__ = ("said", "silent", "since")

    def __init__(self, since: float) -> None:
        self.since = since
        self.said = 0
        self.silent = 0


class Repeats:
    """Of one kind of trouble: each of its texts may be said `lines` times in `period` seconds.

    `now` is any monotonic clock's seconds.
    """

    def __init__(self, lines: int = 1, period: float = PERIOD) -> None:
        self._lines = lines
        self._period = period
        self._entries: dict[str, _Entry] = {}
        self._told = False

    def due(self, now: float, text: str, times: int = 1) -> int:
        """How often it happened since it was last said, if it should be said now; else 0. A new text is said at once."""
        entry = self._entry(now, text)
        entry.silent += times
        if now - entry.since >= self._period:
            entry.since, entry.said = now, 0
        if entry.said >= self._lines:
            return 0
        entry.said += 1
        count, entry.silent = entry.silent, 0
        self._told = True
        return count

    def unsaid(self, now: float) -> list[tuple[str, int]]:
        """Texts whose period is over and how often they happened in it unsaid: to be said now, as nothing may follow."""
        found = []
        for text, entry in list(self._entries.items()):
            if now - entry.since < self._period:
                continue
            if entry.silent:
                found.append((text, entry.silent))
                entry.since, entry.said, entry.silent = now, 1, 0
            else:
                del self._entries[text]
        return found

    def over(self) -> bool:
        """The trouble has ended; True if it was said since it ended last.

        The period goes on: what comes and goes several times a minute costs one line for the trouble and one for its end.
        """
        told, self._told = self._told, False
        return told

    def _entry(self, now: float, text: str) -> _Entry:
        entry = self._entries.get(text)
        if entry is not None:
            return entry
        if len(self._entries) >= MOST_TEXTS:
            self._forget(now)
            if len(self._entries) >= MOST_TEXTS:
                text = _REST
        return self._entries.setdefault(text, _Entry(now))

    def _forget(self, now: float) -> None:
        for text in [text for text, entry in self._entries.items() if now - entry.since >= self._period]:
            del self._entries[text]
