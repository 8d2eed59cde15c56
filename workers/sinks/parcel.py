"""What one request carries, and how its blocks come apart when some documents need another try. Pure.

A block is finished when each of its documents has an outcome. Until then its documents may travel in several parcels:
the whole block, the lines that were postponed, or the halves of what was too large.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from tidegate.workers.sinks.contract import Written
from tidegate.workers.spool.block import Block, Encoding, block_lines, make_block
from tidegate.workers.spool.ledger import Stored

RETRY_LEVEL = 1
"""Lines that go out again are compressed quickly; they were compressed well in their block, which stays on disk."""


class Pending:
    """A block of the spool and the number of its documents without outcome."""

    __slots__ = ("remaining", "stored")

    def __init__(self, stored: Stored) -> None:
        self.stored = stored
        self.remaining = stored.block.documents


class Part(NamedTuple):
    """A block, or some lines of one."""

    pending: Pending
    block: Block


@dataclass
class Parcel:
    """The body of one request."""

    parts: list[Part]
    tries: int = 0
    """How often its documents were postponed."""
    due: float = 0.0
    """Not to be sent before (monotonic seconds)."""
    cause: str = ""
    """Why the documents wait, where that concerns the cluster."""
    alone: bool = False
    """It was cut from something too large: never joined with others."""
    unsure: bool = False
    """A request with these documents had no answer, so that they may be stored."""
    wave: int = 0
    """Which run of failures was known when it was sent; see `schedule`."""

    @property
    def bytes(self) -> int:
        return sum(len(part.block.payload) for part in self.parts)

    @property
    def documents(self) -> int:
        return sum(part.block.documents for part in self.parts)


class Letter(NamedTuple):
    """A document that will never be stored, on its way to the dead letters."""

    action: bytes
    document: bytes
    status: int
    type: str
    reason: str
    earlier: bool = False
    """Its block is of an earlier process, which may have written the letter before it ended."""


@dataclass
class Outcome:
    """What became of a parcel. `again`: the lines to be sent again, one part for each block; `causes`: why."""

    settled: list[tuple[Pending, int]] = field(default_factory=list)
    """Documents of each block that have their outcome."""
    letters: list[Letter] = field(default_factory=list)
    again: list[Part] = field(default_factory=list)
    causes: list[str] = field(default_factory=list)
    cause: str = ""
    """The first of `causes` that concerns the cluster."""


def fresh_parcel(blocks: Iterable[Stored]) -> Parcel:
    """The first try of some blocks; of those of an earlier process it may not be the first."""
    taken = list(blocks)
    return Parcel([Part(Pending(one), one.block) for one in taken], unsure=any(one.earlier for one in taken))


def some_lines(part: Part, lines: Sequence[bytes], items: Iterable[int]) -> Part:
    """A part with only these documents of it; `lines` as from `block_lines`."""
    kept: list[bytes] = []
    count = 0
    for item in items:
        kept += (lines[2 * item], b"\n", lines[2 * item + 1], b"\n")
        count += 1
    level = 0 if part.block.encoding is Encoding.IDENTITY else RETRY_LEVEL
    return Part(part.pending, make_block(kept, count, level))


def sort_out(parcel: Parcel, written: Written) -> Outcome:
    """What the answer means for each block. Raises ValueError when a block that is needed again is damaged."""
    outcome = Outcome()
    if not written.refused and not written.postponed:
        outcome.settled = [(part.pending, part.block.documents) for part in parcel.parts]
        return outcome
    refused = {one.item: one for one in written.refused}
    postponed = {one.item: one for one in written.postponed}
    outcome.causes = [one.cause for one in written.postponed]
    outcome.cause = next((one.cause for one in written.postponed if one.degraded), "")
    first = 0
    for part in parcel.parts:
        documents = part.block.documents
        items = range(first, first + documents)
        first += documents
        dead = [item for item in items if item in refused] if refused else []
        again = [item - items.start for item in items if item in postponed] if postponed else []
        outcome.settled.append((part.pending, documents - len(again)))
        if len(again) == documents:
            outcome.again.append(part)
        elif dead or again:
            lines = block_lines(part.block)
            for item in dead:
                at = 2 * (item - items.start)
                _, status, kind, reason = refused[item]
                earlier = part.pending.stored.earlier
                outcome.letters.append(Letter(lines[at], lines[at + 1], status, kind, reason, earlier))
            if again:
                outcome.again.append(some_lines(part, lines, again))
    return outcome


def halves(parcel: Parcel) -> tuple[Parcel, Parcel] | None:
    """Two parcels with half of the documents each; None when there is only one. Raises ValueError as `sort_out`."""
    parts = parcel.parts
    if len(parts) > 1:
        middle = len(parts) // 2
        groups = parts[:middle], parts[middle:]
    else:
        (part,) = parts
        documents = part.block.documents
        if documents < 2:
            return None
        lines = block_lines(part.block)
        middle = documents // 2
        groups = ([some_lines(part, lines, range(middle))], [some_lines(part, lines, range(middle, documents))])
    first, second = (
        Parcel(group, parcel.tries, parcel.due, parcel.cause, alone=True, unsure=parcel.unsure) for group in groups
    )
    return first, second


def join(parcels: Sequence[Parcel], max_bytes: int, max_documents: int) -> tuple[Parcel, list[Parcel]]:
    """One parcel of the first and as many others as fit, and those that do not."""
    first = parcels[0]
    if first.alone:
        return first, list(parcels[1:])
    size, documents = first.bytes, first.documents
    joined, left = [first], []
    for parcel in parcels[1:]:
        more, count = parcel.bytes, parcel.documents
        if parcel.alone or size + more > max_bytes or documents + count > max_documents:
            left.append(parcel)
        else:
            joined.append(parcel)
            size += more
            documents += count
    if len(joined) == 1:
        return first, left
    parts = [part for parcel in joined for part in parcel.parts]
    cause = next((parcel.cause for parcel in joined if parcel.cause), "")
    unsure = any(parcel.unsure for parcel in joined)
    return Parcel(parts, max(parcel.tries for parcel in joined), first.due, cause, unsure=unsure), left
