"""Sets of letters, as RE2 names them: ranges of code points, sorted, apart from one another. Pure."""

from __future__ import annotations

import sys
import unicodedata
from collections.abc import Iterable
from functools import cache
from typing import TypeAlias

Ranges: TypeAlias = "tuple[tuple[int, int], ...]"
"""First and last of each, both in it."""

LAST = sys.maxunicode
_LAST_CASED = 0x1FFFF
"""No letter beyond has a counterpart of another case."""
_FURTHER_CASES = {"k": "\u212a", "K": "\u212a", "s": "\u017f", "S": "\u017f", "\u212a": "kK", "\u017f": "sS"}
"""The sign for Kelvin and the long s count as k and s (Unicode, simple case folding)."""


def merged(ranges: Iterable[tuple[int, int]]) -> Ranges:
    """The same letters, sorted, in as few ranges as there can be."""
    found: list[tuple[int, int]] = []
    for first, last in sorted(ranges):
        if found and first <= found[-1][1] + 1:
            found[-1] = (found[-1][0], max(found[-1][1], last))
        else:
            found.append((first, last))
    return tuple(found)


def outside(ranges: Ranges) -> Ranges:
    """All other letters."""
    found = []
    start = 0
    for first, last in ranges:
        if first > start:
            found.append((start, first - 1))
        start = last + 1
    if start <= LAST:
        found.append((start, LAST))
    return tuple(found)


def folded(ranges: Ranges) -> Ranges:
    """With the counterparts of the other case."""
    found = list(ranges)
    for first, last in ranges:
        for code in range(first, min(last, _LAST_CASED) + 1):
            letter = chr(code)
            for other in (letter.lower(), letter.upper(), *_FURTHER_CASES.get(letter, "")):
                if len(other) == 1 and other != letter:
                    found.append((ord(other), ord(other)))
    return merged(found)


def _of(text: str) -> Ranges:
    return merged((ord(letter), ord(letter)) for letter in text)


_DIGIT, _UPPER, _LOWER = (0x30, 0x39), (0x41, 0x5A), (0x61, 0x7A)
WORD = merged((_DIGIT, _UPPER, _LOWER, (0x5F, 0x5F)))

PERL = {"d": (_DIGIT,), "w": WORD, "s": _of("\t\n\f\r ")}
"""`\\d` and so on: ASCII only, as in RE2."""

NAMED: dict[str, Ranges] = {
    "alnum": merged((_DIGIT, _UPPER, _LOWER)),
    "alpha": merged((_UPPER, _LOWER)),
    "ascii": ((0, 0x7F),),
    "blank": _of("\t "),
    "cntrl": merged(((0, 0x1F), (0x7F, 0x7F))),
    "digit": (_DIGIT,),
    "graph": ((0x21, 0x7E),),
    "lower": (_LOWER,),
    "print": ((0x20, 0x7E),),
    "punct": merged(((0x21, 0x2F), (0x3A, 0x40), (0x5B, 0x60), (0x7B, 0x7E))),
    "space": _of("\t\n\v\f\r "),
    "upper": (_UPPER,),
    "word": WORD,
    "xdigit": merged((_DIGIT, (0x41, 0x46), (0x61, 0x66))),
}
"""`[[:alpha:]]` and so on."""


@cache
def category(name: str) -> Ranges:
    """All letters of a general category of Unicode: `L`, `Lu`, … Empty if there is none of that name."""
    found = []
    start = None
    for code in range(LAST + 2):
        inside = code <= LAST and unicodedata.category(chr(code)).startswith(name)
        if inside and start is None:
            start = code
        elif not inside and start is not None:
            found.append((start, code - 1))
            start = None
    return tuple(found)
