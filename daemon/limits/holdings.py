"""What clients make an acceptor hold: begun heads and lines, parcels that wait, answers that are not read. Pure.

Each connection is bounded for itself by settings; this bounds their sum, which otherwise grows with their number.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, Protocol

NOTED_BYTES = 16_384
"""A connection that holds less is not looked at: less than what the socket and its objects cost anyway."""

ECHO_BYTES = 32 << 20
"""Of the sum, what error answers may take with the beginnings of documents in them. An answer is up to 10 MB long, so that a
few hundred clients that send nonsense and read nothing would fill any memory; clients that read get theirs from here."""

SHORT_DOCUMENT_BYTES = 1024
"""Of each document in an error answer while `ECHO_BYTES` are used up: it is still recognised by it."""

RELIEVED = 0.75
"""Part of the limit down to which is given up at once, so that it is not done again for every further byte."""


class Holder(Protocol):
    """A connection."""

    def give_up(self) -> None:
        """Lets go of what it holds, whatever that costs its client."""


class _Entry(NamedTuple):
    held: int
    echoed: int


class Holdings:
    """The sum over all connections of an acceptor; above `most` bytes those that have moved least recently give up."""

    def __init__(self, most: int, later: Callable[[Callable[[], None]], object], told: Callable[[int], None]) -> None:
        """`later`: calls soon, but not at once, as whoever notes is in the middle of something. `told`: is called with the
        number of connections that had to give up."""
        self.most = most
        self.held = 0
        self.echoed = 0
        self._later = later
        self._told = told
        self._entries: dict[Holder, _Entry] = {}
        self._relieving = False

    def note(self, holder: Holder, held: int, echoed: int) -> bool:
        """What it holds now, bytes: for reading, and for answers. Returns whether that is worth remembering."""
        self.forget(holder)
        if held + echoed < NOTED_BYTES:
            return False
        self._entries[holder] = _Entry(held, echoed)
        self.held += held + echoed
        self.echoed += echoed
        if self.held > self.most and not self._relieving:
            self._relieving = True
            self._later(self._relieve)
        return True

    def forget(self, holder: Holder) -> None:
        """It holds nothing."""
        entry = self._entries.pop(holder, None)
        if entry is not None:
            self.held -= entry.held + entry.echoed
            self.echoed -= entry.echoed

    def document_bytes(self, most: int) -> int:
        """How much of each document an answer may show, `most` bytes if there is room."""
        return most if self.echoed < ECHO_BYTES else min(most, SHORT_DOCUMENT_BYTES)

    def _relieve(self) -> None:
        count = 0
        if self.held > self.most:
            # A list: who gives up may note what is left.
            for holder in list(self._entries):
                self.forget(holder)
                holder.give_up()
                count += 1
                if self.held <= self.most * RELIEVED:
                    break
        self._relieving = False
        if count:
            self._told(count)
