"""The value of `-E key=value`, read as the original reads it (http-surface.md 7.1): `t` is true, `0123` is 83, `a,b` a list."""

from __future__ import annotations

import re

from tidegate.daemon.settings.leaves import Leaf, text_of
from tidegate.daemon.settings.problems import Origin

_TRUE = frozenset({"t", "T", "true", "TRUE", "True", "on", "ON"})
_FALSE = frozenset({"f", "F", "false", "FALSE", "False", "off", "OFF"})
_INTEGER = re.compile(r"[+-]?(0[xX](_?[0-9a-fA-F])+|0[bB](_?[01])+|0[oO]?(_?[0-7])+|0|[1-9](_?[0-9])*)")
_FLOAT = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?|[+-]?(?i:inf|infinity)|(?i:nan)")
_ESCAPE = re.compile(
    r'\\(?:(?P<simple>[abfnrtv\\"])|x(?P<byte>[0-9a-fA-F]{2})|(?P<octal>[0-3][0-7]{2})'
    r"|u(?P<short>[0-9a-fA-F]{4})|U(?P<long>[0-9a-fA-F]{8}))"
    r'|(?P<plain>[^\\"\n]+)'
)
_SIMPLE = {"a": 7, "b": 8, "f": 12, "n": 10, "r": 13, "t": 9, "v": 11, "\\": 92, '"': 34}
_LONGEST_NUMBER = 400
"""Characters; beyond any double, and far below the length at which Python refuses to convert."""
_DEEPEST = 32
"""Lists and maps inside each other; no setting needs more than three."""


def split_override(argument: str) -> tuple[str, str]:
    """Key and value text of one `-E`; `-E key` alone means true, as in the original."""
    key, equals, value = argument.partition("=")
    return key.strip(), value if equals else "true"


def read_value(content: str, origin: Origin, *, objects: bool = True) -> Leaf:
    """What the text means; `objects=False` is for contents of variables, in which `{` has no meaning.

    Raises ValueError, without the text in it (it may be a secret)."""
    return _Reader(content.strip(), origin, objects).top()


class _Reader:
    def __init__(self, rest: str, origin: Origin, objects: bool) -> None:
        self._rest = rest
        self._origin = origin
        self._objects = objects

    def top(self) -> Leaf:
        values = [self._value(",", 0)]
        while self._skip():
            self._expect(",")
            values.append(self._value(",", 0))
        return values[0] if len(values) == 1 else Leaf(tuple(values), "", self._origin)

    def _value(self, stops: str, depth: int) -> Leaf:
        first = self._skip()
        if first in ("", ",") and stops == ",":
            if first:
                raise ValueError("unexpected ','; put quotes around a value that holds commas")
            return Leaf(None, "", self._origin)
        if depth > _DEEPEST:
            raise ValueError("lists and maps are nested too deep")
        if first == "[":
            return self._list(depth)
        if first == "{" and self._objects:
            return self._map(depth)
        if first in ('"', "'"):
            text = self._quoted()
            return Leaf(text, text, self._origin)
        value = scalar(self._bare(stops))
        return Leaf(value, text_of(value), self._origin)

    def _list(self, depth: int) -> Leaf:
        self._expect("[")
        values = []
        while self._skip() != "]":
            values.append(self._value(",]", depth + 1))
            if self._skip() != "]":
                self._expect(",", "a list lacks its ']' or a comma")
        self._expect("]")
        return Leaf(tuple(values) or None, "", self._origin)

    def _map(self, depth: int) -> Leaf:
        self._expect("{")
        values: dict[str, Leaf] = {}
        while (first := self._skip()) != "}":
            key = self._quoted() if first in ('"', "'") else self._bare(":")
            self._skip()
            self._expect(":", "a map lacks a ':'")
            values[key] = self._value(",}", depth + 1)
            if self._skip() != "}":
                self._expect(",", "a map lacks its '}' or a comma")
        self._expect("}")
        return Leaf(values or None, "", self._origin)

    def _quoted(self) -> str:
        quote, body = self._rest[0], self._rest[1:]
        if quote == "'":
            text, closing, self._rest = body.partition("'")
            if not closing:
                raise ValueError("missing ' to close a text")
            return text
        read = bytearray()
        place = 0
        while match := _ESCAPE.match(body, place):
            read += _unescaped(match)
            place = match.end()
        if body[place : place + 1] != '"':
            raise ValueError('missing " to close a text, or an unknown escape in it')
        self._rest = body[place + 1 :]
        return read.decode("utf-8", "replace")

    def _bare(self, stops: str) -> str:
        end = min((place for stop in stops if (place := self._rest.find(stop)) >= 0), default=len(self._rest))
        if end == 0:
            raise ValueError(f"unexpected {self._rest[:1]!r}" if self._rest else "a list or map ends too early")
        text, self._rest = self._rest[:end], self._rest[end:]
        return text.strip()

    def _skip(self) -> str:
        """The next character that is no space, left in place; empty at the end."""
        self._rest = self._rest.lstrip()
        return self._rest[:1]

    def _expect(self, character: str, complaint: str = "") -> None:
        if self._rest[:1] != character:
            raise ValueError(complaint or f"expected {character!r}")
        self._rest = self._rest[1:]


def _unescaped(match: re.Match[str]) -> bytes:
    kind, found = match.lastgroup, match[match.lastgroup or 0]
    if kind == "plain":
        return found.encode("utf-8", "replace")
    if kind == "simple":
        return bytes((_SIMPLE[found],))
    if kind == "byte":
        return bytes((int(found, 16),))
    if kind == "octal":
        return bytes((int(found, 8),))
    point = int(found, 16)
    if point > 0x10FFFF or 0xD800 <= point < 0xE000:
        raise ValueError("an escape in a text names no character")
    return chr(point).encode()


def scalar(text: str) -> bool | int | float | str | None:
    """A word without quotes, in the original's order: null, booleans, integers of 64 bits, floats, text."""
    if text in ("null", ""):
        return None
    if text in _TRUE:
        return True
    if text in _FALSE:
        return False
    if len(text) > _LONGEST_NUMBER:
        return text
    if _INTEGER.fullmatch(text) and -(2**63) <= (number := integer(text)) < 2**64:
        return number
    return float(text) if _FLOAT.fullmatch(text) else text


def integer(text: str) -> int:
    """A whole number as Go writes it: `0x1f`, `0b1`, `017` and `0o17` (octal), `1_000`. Raises ValueError."""
    if not _INTEGER.fullmatch(text) or len(text) > _LONGEST_NUMBER:
        raise ValueError("not a whole number")
    digits = text.lstrip("+-").replace("_", "")
    octal = len(digits) > 1 and digits[0] == "0" and digits[1].isdigit()
    number = int(digits, 8 if octal else 0)
    return -number if text.startswith("-") else number
