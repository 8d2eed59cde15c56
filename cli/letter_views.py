"""Dead letters for a person: in groups, and one by one."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

import orjson
from tidegate.cli.letter_files import StoredLetter
from tidegate.cli.periods import ago
from tidegate.cli.terminal import Terminal, cut, fit, safe

_COUNT = 7
_AGO = 11
_INDENT = " " * (_COUNT + _AGO + 4)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass
class Group:
    """Letters for one data stream with one kind of error."""

    last: StoredLetter
    number: int = 0
    last_us: int = 0


def moment_us(letter: StoredLetter) -> int:
    """When it was refused, µs since the epoch; 0 where that cannot be read."""
    try:
        moment = datetime.fromisoformat(letter.moment)
        return round((moment - _EPOCH).total_seconds() * 1_000_000)
    except (ValueError, TypeError):
        return 0


def grouped(letters: Iterable[StoredLetter]) -> list[Group]:
    """The largest group first."""
    groups: dict[tuple[str, int, str], Group] = {}
    for letter in letters:
        group = groups.setdefault((letter.index, letter.status, letter.type), Group(letter))
        group.number += 1
        if (us := moment_us(letter)) >= group.last_us:
            group.last, group.last_us = letter, us
    return sorted(groups.values(), key=lambda group: -group.number)


def group_lines(groups: Iterable[Group], terminal: Terminal, now_us: int) -> Iterator[str]:
    """A heading and two lines for each: how many, when last and where; what was said of the last one."""
    glyphs = terminal.glyphs
    room = terminal.width - len(_INDENT)
    yield terminal.paint(f"{'LETTERS':>{_COUNT}}  {fit('LAST', _AGO, glyphs)}  DATA STREAM, ERROR", "dim")
    for group in groups:
        last = group.last
        head = f"{group.number:>{_COUNT}}  {fit(ago(group.last_us, now_us), _AGO, glyphs)}  "
        yield head + terminal.paint(cut(safe(last.index), room, glyphs), "bold")
        error = f"{safe(last.type) or 'error'} ({last.status}): {safe(last.reason)}"
        yield _INDENT + terminal.paint(cut(error, room, glyphs), "red")


def letter_lines(letter: StoredLetter, terminal: Terminal) -> Iterator[str]:
    """The whole letter, its document indented; everything beyond ASCII in it escaped."""
    yield terminal.paint(f"{safe(letter.id)}  {safe(letter.index)}  {safe(letter.moment)}", "bold")
    yield terminal.paint(f"  {safe(letter.type) or 'error'} ({letter.status}): {safe(letter.reason)}", "red")
    text = json.dumps(orjson.loads(bytes(letter.document)), indent=2).replace("\x7f", "\\u007f")
    yield from (f"  {line}" for line in text.splitlines())


def letter_json(letter: StoredLetter) -> str:
    """The letter as it stands in its file, in one line of ASCII."""
    fields = {
        "@timestamp": letter.moment,
        "index": letter.index,
        "id": letter.id,
        "status": letter.status,
        "type": letter.type,
        "reason": letter.reason,
        "document": orjson.loads(bytes(letter.document)),
    }
    return json.dumps(fields, separators=(",", ":")).replace("\x7f", "\\u007f")
