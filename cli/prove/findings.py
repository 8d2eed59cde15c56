"""What became of each event: what clients heard, compared with what is stored. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from tidegate.cli.prove.oracle import Fate

SHOWN = 5
"""Numbers of events that are named where something is wrong: enough to look for them in a log."""


@dataclass(frozen=True)
class Arrived:
    """All that is stored at the end, by the events' numbers."""

    times: Mapping[int, int]
    """How often each event is stored."""
    changed: frozenset[int]
    """Stored otherwise than it was sent."""
    letters: Mapping[int, str]
    """Dead letters, with their reason."""
    letters_twice: frozenset[int] = frozenset()
    """Events with more than one."""


@dataclass
class Findings:
    """Every event that was sent stands in exactly one of the first seven."""

    stored: int = 0
    """Acknowledged and stored."""
    letters: Counter[str] = field(default_factory=Counter)
    """Acknowledged and a dead letter, by reason."""
    lost: list[int] = field(default_factory=list)
    """Acknowledged, and nowhere."""
    refused: int = 0
    """Not acknowledged, not stored: its sender was told so."""
    cut: int = 0
    """Not acknowledged, not stored: its sender got no answer."""
    told_otherwise: int = 0
    """Stored in part of a request that was refused: the answer names how many."""
    unanswered: int = 0
    """Stored although its sender got no answer."""
    twice: list[int] = field(default_factory=list)
    changed: list[int] = field(default_factory=list)
    never_sent: list[int] = field(default_factory=list)

    @property
    def sent(self) -> int:
        """All of the first seven."""
        return (
            self.stored
            + self.letters.total()
            + len(self.lost)
            + self.refused
            + self.cut
            + self.told_otherwise
            + self.unanswered
        )

    @property
    def acknowledged(self) -> int:
        return self.stored + self.letters.total() + len(self.lost)

    def wrong(self) -> list[str]:
        """What must not be, in words; empty when all is well."""
        found = (
            ("acknowledged and lost", self.lost),
            ("stored twice, or twice a dead letter, or both", self.twice),
            ("stored otherwise than sent", self.changed),
            ("stored and never sent", self.never_sent),
        )
        return [f"{len(numbers):,} events {words}, such as {_some(numbers)}" for words, numbers in found if numbers]


def compare(fates: bytes | bytearray, arrived: Arrived) -> Findings:
    """Holds what was heard (`Fate` by number) against what arrived."""
    findings = Findings()
    for number, fate in enumerate(fates):
        here = arrived.times.get(number, 0) > 0
        if fate == Fate.ACKNOWLEDGED:
            if here:
                findings.stored += 1
            elif number in arrived.letters:
                findings.letters[arrived.letters[number]] += 1
            else:
                findings.lost.append(number)
        elif here or number in arrived.letters:
            if fate == Fate.REFUSED:
                findings.told_otherwise += 1
            else:
                findings.unanswered += 1
        elif fate == Fate.REFUSED:
            findings.refused += 1
        else:
            findings.cut += 1
    findings.twice = sorted(
        {number for number, times in arrived.times.items() if times + (number in arrived.letters) > 1}
        | arrived.letters_twice
    )
    findings.changed = sorted(arrived.changed)
    findings.never_sent = sorted({*arrived.times, *arrived.letters} - set(range(len(fates))))
    return findings


def _some(numbers: Sequence[int]) -> str:
    return ", ".join(f"{number}" for number in numbers[:SHOWN])


def letters_of(found: Iterable[tuple[int, str]]) -> tuple[dict[int, str], frozenset[int]]:
    """Dead letters by event, and the events that have more than one."""
    letters: dict[int, str] = {}
    twice = set()
    for number, reason in found:
        if number in letters:
            twice.add(number)
        letters[number] = reason
    return letters, frozenset(twice)
