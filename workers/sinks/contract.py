"""What every sink promises: it is handed blocks and tells the outcome of each document, or why it must be tried again.

`workers.sinks.dispatch` calls sinks from its threads; a sink keeps no queue of its own.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from tidegate.daemon.outcomes import EventOutcome
from tidegate.workers.spool.block import Block


class Refused(NamedTuple):
    """A document that will never be stored: dead letter."""

    item: int
    """Place among all documents of the call, from 0."""
    status: int
    type: str
    reason: str


class Postponed(NamedTuple):
    """A document to be sent again."""

    item: int
    cause: str
    degraded: bool
    """The cause concerns the cluster (no privilege, template missing, read-only), not its load."""


@dataclass
class Written:
    """The outcomes of one call; documents named in neither list are counted in `counts`."""

    counts: Counter[EventOutcome] = field(default_factory=Counter)
    refused: list[Refused] = field(default_factory=list)
    postponed: list[Postponed] = field(default_factory=list)


class TryAgain(Exception):
    """Nothing is known to be stored; the same blocks are sent again after a while."""

    def __init__(self, cause: str, *, degraded: bool) -> None:
        super().__init__(cause)
        self.cause = cause
        """In words for a person; never document content."""
        self.degraded = degraded


class TooLarge(Exception):
    """The body is too big for the receiver (413): fewer blocks, or half a block, may fit."""


class Sink(Protocol):
    """Thread-safe: several calls of `write` may run at a time."""

    def ready(self) -> bool:
        """Whether the receiver can be reached and is what it should be; a check with I/O, called until it is true once.
        May raise TryAgain in place of False, to say why not."""

    def write(self, blocks: Sequence[Block], *, unsure: bool = False) -> Written:
        """Stores the documents of the blocks. `unsure`: the answer to an earlier try was lost, so they may be stored.
        Raises TryAgain, TooLarge."""

    def close(self) -> None:
        """Ends connections; `write` calls under way fail soon with TryAgain."""
