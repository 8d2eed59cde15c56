"""Regular expressions in RE2's syntax, as the original takes them, read into a tree. Pure.

Python's `re` would do for reading, but not for searching: texts come from anybody's browser, and a pattern such as `(a+)+b`
makes it try for ever. What RE2 leaves out (back-references, look-around) is exactly what cannot be searched in a time that
grows with the text alone, so it is refused here, too. `workers.enrich.pattern_search` searches.
"""

from __future__ import annotations

import re
from typing import NamedTuple, TypeAlias

from tidegate.daemon.settings.letters import LAST, NAMED, PERL, Ranges, category, folded, merged, outside

LONGEST_PATTERN = 2000
"""Letters; a list of library folders has a hundred."""
DEEPEST_NESTING = 50
"""Groups within groups: this module calls itself for each."""
MOST_REPEATS = 1000
"""Of a counted repetition, as in RE2."""
LARGEST_TREE = 1000
"""Places of a pattern once counted repetitions are written out: a search takes at most so many steps for each letter."""

_TOO_LARGE = f"expression too large: more than {LARGEST_TREE} places once counted repetitions are written out"
_NEWLINE = ((10, 10),)
_QUOTED = re.compile(r"\\Q(.*?)(?:\\E|$)", re.DOTALL)
_TIMES = re.compile(r"(?:[*+?]|\{([0-9]{1,9})(,([0-9]{1,9})?)?\})\??")
_GROUP_NAME = re.compile(r"\?P?<[A-Za-z0-9_]+>")
_FLAGS = re.compile(r"\?([imsU]*)(?:-([imsU]+))?([:)])")
_EDGE = re.compile(r"[AzbB]")
_SET = re.compile(r"([dDwWsS])|([pP])(?:\{(\^?)(\w+)\}|([A-Z]))")
_CATEGORY = re.compile(r"[CLMNPSZ][a-z]?")
_CODE = re.compile(r"x(?:([0-9A-Fa-f]{2})|\{([0-9A-Fa-f]{1,8})\})|(0[0-7]{0,2}|[1-7][0-7]{1,2})")
_NAMED = re.compile(r"\[:(\^?)([a-z]+):\]")
_CONTROL = {"a": "\a", "f": "\f", "t": "\t", "n": "\n", "r": "\r", "v": "\v"}
_EDGES = {"A": "text_start", "z": "text_end", "b": "word", "B": "not_word"}


class PatternError(ValueError):
    """What is no regular expression of RE2; the text says why, without quoting it."""


class Letters(NamedTuple):
    """One letter out of these."""

    ranges: Ranges


class Edge(NamedTuple):
    """Between two letters."""

    kind: str
    """text_start, text_end, line_start, line_end, word, not_word"""


class Sequence(NamedTuple):
    """One after the other."""

    parts: tuple[Node, ...]


class Either(NamedTuple):
    """One of them."""

    options: tuple[Node, ...]


class Repeat(NamedTuple):
    """`least` times, and up to `most` times (None: without end)."""

    part: Node
    least: int
    most: int | None


Node: TypeAlias = "Letters | Edge | Sequence | Either | Repeat"


class _Flags(NamedTuple):
    fold: bool = False
    many_lines: bool = False
    dot_takes_newline: bool = False


def read_pattern(pattern: str) -> Node:
    """The tree of a pattern. Raises PatternError."""
    if len(pattern) > LONGEST_PATTERN:
        raise PatternError(f"longer than {LONGEST_PATTERN} letters")
    reader = _Reader(pattern)
    tree = reader.alternatives(_Flags(), 0)
    if not reader.at_end:
        raise PatternError("unexpected )")
    if size(tree) > LARGEST_TREE:
        raise PatternError(_TOO_LARGE)
    return tree


def size(node: Node) -> int:
    """Places that take a letter, once counted repetitions are written out; an empty part counts as one."""
    match node:
        case Letters() | Edge():
            return 1
        case Sequence(parts) | Either(parts):
            return sum(map(size, parts)) + 1
        case Repeat(part, least, most):
            return size(part) * max(least if most is None else most, 1)


class _Reader:
    def __init__(self, pattern: str) -> None:
        self._pattern = pattern
        self._at = 0

    @property
    def at_end(self) -> bool:
        return self._at >= len(self._pattern)

    def _peek(self, text: str) -> bool:
        return self._pattern.startswith(text, self._at)

    def _take(self, text: str) -> bool:
        if not self._peek(text):
            return False
        self._at += len(text)
        return True

    def _next(self, missing: str) -> str:
        if self.at_end:
            raise PatternError(missing)
        self._at += 1
        return self._pattern[self._at - 1]

    def _match(self, expression: re.Pattern[str]) -> re.Match[str] | None:
        found = expression.match(self._pattern, self._at)
        if found is not None:
            self._at = found.end()
        return found

    def alternatives(self, flags: _Flags, depth: int) -> Node:
        """Up to the end of the group, or of the pattern. Flags that are set on the way hold up to there."""
        if depth > DEEPEST_NESTING:
            raise PatternError(f"groups nested more than {DEEPEST_NESTING} deep")
        options: list[Node] = []
        parts: list[Node] = []
        repeatable = False
        while not self.at_end and not self._peek(")"):
            if self._take("|"):
                options.append(Sequence(tuple(parts)))
                parts, repeatable = [], False
            elif (quoted := self._match(_QUOTED)) is not None:
                parts += [_literal(letter, flags) for letter in quoted[1]]
                repeatable = bool(parts)
            elif (times := self._times()) is not None:
                if not repeatable:
                    raise PatternError("missing argument to repetition operator")
                parts[-1] = Repeat(parts[-1], *times)
                if size(parts[-1]) > LARGEST_TREE:
                    raise PatternError(_TOO_LARGE)
                repeatable = False
            elif self._take("("):
                opened = self._opened(flags, depth)
                if isinstance(opened, _Flags):
                    flags = opened
                else:
                    parts.append(opened)
                    repeatable = True
            else:
                parts.append(self._one(flags))
                repeatable = True
        options.append(Sequence(tuple(parts)))
        return options[0] if len(options) == 1 else Either(tuple(options))

    def _times(self) -> tuple[int, int | None] | None:
        """A repetition operator; None if there is none. Whether it is greedy makes no difference to whether a text fits."""
        found = self._match(_TIMES)
        if found is None:
            return None
        if found[0][0] in "*+?":
            return {"*": (0, None), "+": (1, None), "?": (0, 1)}[found[0][0]]
        least = int(found[1])
        most = least if found[2] is None else int(found[3]) if found[3] else None
        if max(least, most or 0) > MOST_REPEATS or (most is not None and most < least):
            raise PatternError("invalid repeat count")
        return least, most

    def _opened(self, flags: _Flags, depth: int) -> Node | _Flags:
        """What stands after an opening bracket: a group, or flags for what follows."""
        if self._peek("?") and self._match(_GROUP_NAME) is None:
            found = self._match(_FLAGS)
            if found is None:
                raise PatternError(
                    "invalid or unsupported Perl syntax: there is neither look-around nor another group with (?"
                )
            flags = _changed(flags, found[1], found[2] or "")
            if found[3] == ")":
                return flags
        group = self.alternatives(flags, depth + 1)
        if not self._take(")"):
            raise PatternError("missing closing )")
        return group

    def _one(self, flags: _Flags) -> Node:
        letter = self._next("")
        if letter == "[":
            return Letters(self._class(flags))
        if letter == "\\":
            return self._escaped(flags)
        if letter == ".":
            return Letters(outside(() if flags.dot_takes_newline else _NEWLINE))
        if letter == "^":
            return Edge("line_start" if flags.many_lines else "text_start")
        if letter == "$":
            return Edge("line_end" if flags.many_lines else "text_end")
        return _literal(letter, flags)

    def _escaped(self, flags: _Flags) -> Node:
        edge = self._match(_EDGE)
        if edge is not None:
            return Edge(_EDGES[edge[0]])
        ranges = self._set()
        if ranges is not None:
            return Letters(folded(ranges) if flags.fold else ranges)
        return _literal(self._escaped_letter(), flags)

    def _set(self) -> Ranges | None:
        """`\\d`, `\\pL`, `\\p{Lu}` and the like, after the backslash; None if there is none."""
        found = self._match(_SET)
        if found is None:
            return None
        if found[1]:
            ranges = PERL[found[1].lower()]
            return outside(ranges) if found[1].isupper() else ranges
        name = found[4] or found[5]
        ranges = category(name) if _CATEGORY.fullmatch(name) else ()
        if not ranges:
            raise PatternError(
                "invalid character class range: of Unicode there are the general categories, such as \\pL"
            )
        return outside(ranges) if (found[2] == "P") != bool(found[3]) else ranges

    def _escaped_letter(self) -> str:
        found = self._match(_CODE)
        if found is not None:
            code = int(found[1] or found[2], 16) if found[1] or found[2] else int(found[3], 8)
            if code > LAST:
                raise PatternError("invalid escape sequence: no such code point")
            return chr(code)
        letter = self._next("trailing backslash at end of expression")
        if letter in _CONTROL:
            return _CONTROL[letter]
        if letter.isalnum() or not letter.isascii():
            raise PatternError("invalid escape sequence (there are no back-references)")
        return letter

    def _class(self, flags: _Flags) -> Ranges:
        """After an opening square bracket."""
        negated = self._take("^")
        found: list[tuple[int, int]] = []
        first = True
        while first or not self._peek("]"):
            first = False
            if (named := self._match(_NAMED)) is not None:
                if named[2] not in NAMED:
                    raise PatternError("invalid character class range: no such name")
                found += outside(NAMED[named[2]]) if named[1] else NAMED[named[2]]
                continue
            if self._take("\\"):
                ranges = self._set()
                if ranges is not None:
                    found += ranges
                    continue
                low = self._escaped_letter()
            else:
                low = self._next("missing closing ]")
            high = low
            if self._peek("-") and not self._peek("-]"):
                self._take("-")
                high = self._escaped_letter() if self._take("\\") else self._next("missing closing ]")
                if high < low:
                    raise PatternError("invalid character class range")
            found.append((ord(low), ord(high)))
        self._take("]")
        ranges = folded(merged(found)) if flags.fold else merged(found)
        return outside(ranges) if negated else ranges


def _literal(letter: str, flags: _Flags) -> Letters:
    ranges = ((ord(letter), ord(letter)),)
    return Letters(folded(ranges) if flags.fold else ranges)


def _changed(flags: _Flags, on: str, off: str) -> _Flags:
    """`U` swaps greedy and lazy, which makes no difference here."""
    for letter, name in (("i", "fold"), ("m", "many_lines"), ("s", "dot_takes_newline")):
        if letter in on:
            flags = flags._replace(**{name: True})
        if letter in off:
            flags = flags._replace(**{name: False})
    return flags
