"""Dead letters sent once more: straight to the sink, under their own ids, so that nothing can be stored twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import orjson
from tidegate.cli.letter_files import StoredLetter
from tidegate.workers.sinks.contract import TooLarge, Written
from tidegate.workers.spool.block import Block, make_block

_MOST_LETTERS = 500
_MOST_BYTES = 1 << 20
"""Of documents in one request: small, as the store has refused them once, and what was stored is noted after each."""


class Writer(Protocol):
    """What is needed of a sink (`workers.sinks.contract`)."""

    def write(self, blocks: Sequence[Block]) -> Written:
        """Raises TryAgain, TooLarge."""


@dataclass
class Sent:
    """What became of some letters."""

    stored: list[str] = field(default_factory=list)
    """Ids that the store has now, or had already."""
    refused: Counter[str] = field(default_factory=Counter)
    """Those that it refused again, by reason; they stay dead letters."""
    postponed: Counter[str] = field(default_factory=Counter)
    """Those that it may take later, by cause; they stay, too."""


def in_requests(letters: Iterable[StoredLetter]) -> Iterator[list[StoredLetter]]:
    """As many at a time as go into one request."""
    group: list[StoredLetter] = []
    size = 0
    for letter in letters:
        length = len(bytes(letter.document))
        if group and (len(group) == _MOST_LETTERS or size + length > _MOST_BYTES):
            yield group
            group, size = [], 0
        group.append(letter)
        size += length
    if group:
        yield group


def send(letters: Sequence[StoredLetter], sink: Writer, compression_level: int) -> Sent:
    """Sends them; what is too large for one request goes in halves. Raises TryAgain: nothing is known to be stored."""
    lines = []
    for letter in letters:
        lines += [
            orjson.dumps({"create": {"_index": letter.index, "_id": letter.id}}),
            b"\n",
            bytes(letter.document),
            b"\n",
        ]
    try:
        written = sink.write([make_block(lines, len(letters), compression_level)])
    except TooLarge:
        if len(letters) == 1:
            return Sent(refused=Counter({"it is larger than the store takes in one request": 1}))
        middle = len(letters) // 2
        first, second = (send(half, sink, compression_level) for half in (letters[:middle], letters[middle:]))
        return Sent(first.stored + second.stored, first.refused + second.refused, first.postponed + second.postponed)
    sent = Sent()
    left = set()
    for refused in written.refused:
        left.add(refused.item)
        sent.refused[f"{refused.type} ({refused.status}): {refused.reason}"] += 1
    for postponed in written.postponed:
        left.add(postponed.item)
        sent.postponed[postponed.cause] += 1
    sent.stored = [letter.id for item, letter in enumerate(letters) if item not in left]
    return sent
