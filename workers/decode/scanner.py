"""An exact JSON reader: position, tokens, strings and the first error, with the ways and words of the original's library.

The original reads JSON with json-iterator (MIT), which notes the first error and reads on: each enclosing object then
puts its name in front of the error as it ends. Its error texts are part of the answers that agents log, so this reader behaves
like it in error state too. Three things are told apart: no error; the line has ended (an error may still replace that); an error.
"""

from __future__ import annotations

import codecs
import json
import re

MAX_DEPTH = 10_000
"""Levels of nesting that the original takes (section 3)."""

_CHUNK = 512
"""Bytes that the original buffers at a time: the context shown in an error never goes beyond one buffer."""

_NEAR, _FAR = 10, 50
"""Bytes of context shown before and after the place of an error."""

QUOTE, BACKSLASH, COMMA, COLON = b'"\\,:'
OPEN_OBJECT, CLOSE_OBJECT, OPEN_LIST, CLOSE_LIST = b"{}[]"
LETTER_N, LETTER_T, LETTER_F, LETTER_U, MINUS, ZERO, DOT = b"ntfu-0."

_BLANKS = frozenset(b" \n\t\r")
_plain_string = re.compile(rb'[ \n\t\r]*"([^"\\\x00-\x1f]*)"').match
_plain_key = re.compile(rb'[ \n\t\r]*"([^"\\\x00-\x1f]*)"[ \n\t\r]*:').match
_PLAIN_RUN = re.compile(rb'[^"\\\x00-\x1f]+')
_well_escaped = re.compile(
    rb'(?:[^"\\\x00-\x1f]++|\\["\\/bfnrt]|\\u(?:[0-9a-ce-fA-CE-F][0-9a-fA-F]{3}|[dD][0-7][0-9a-fA-F]{2}))*"'
).match
"""The rest of a string with sound escapes and no surrogates, for which the original's library has ways of its own."""
_ANY_RUN = re.compile(rb'[^"\\]+')

_ESCAPES = {ord(name): bytes([byte]) for name, byte in zip('"\\/bfnrt', b'"\\/\b\f\n\r\t', strict=True)}
_REPLACEMENT = "\ufffd".encode()


def _one_for_each_byte(problem: UnicodeError) -> tuple[str, int]:
    """Bytes that are no UTF-8 count as one character each, as in Go; Python's own handler joins some."""
    assert isinstance(problem, UnicodeDecodeError)  # noqa: S101 - only ever used for decoding
    return "\ufffd" * (problem.end - problem.start), problem.end


codecs.register_error("tidegate.one_for_each_byte", _one_for_each_byte)


def to_text(data: bytes) -> str:
    """The bytes as text, U+FFFD for each byte that is no UTF-8."""
    return data.decode("utf-8", "tidegate.one_for_each_byte")


def end_of_run(pattern: re.Pattern[bytes], data: bytes, at: int) -> int:
    """The place after what the pattern matches at this place; the same place if it matches nothing."""
    match = pattern.match(data, at)
    return at if match is None else match.end()


class Scanner:
    """Reads one line. `error` is the text of the first error; what was put in front of it since stands in `prefixes`."""

    __slots__ = ("data", "depth", "ended", "error", "head", "keep_literals", "objects", "prefixes", "spoiled")

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.head = 0
        self.depth = 0
        self.error: bytes | None = None
        self.prefixes: list[str] = []
        """Innermost first. Joined at the end only: a hostile line can have thousands."""
        self.ended = False
        self.objects = 0
        """Levels of objects with known keys, which are read by recursion."""
        self.keep_literals = False
        """Numbers of any kind stay text."""
        self.spoiled = False
        """Set by the first string that is no UTF-8."""

    # ------------------------------------------------------------------------------------------------------- errors

    def report(self, operation: str, what: str) -> None:
        """Notes an error at this place, unless there is one."""
        if self.error is not None:
            return
        head, size = self.head, len(self.data)
        first = max(head - 1, 0) // _CHUNK * _CHUNK
        last = min(first + _CHUNK, size)
        near_from = max(head - _NEAR, first)
        near = self.data[near_from : min(head + _NEAR, last)]
        far = self.data[max(head - _FAR, first) : min(head + _FAR, last)]
        self.error = (
            f"{operation}: {what}, error found in #{head - near_from} byte of ...|".encode()
            + near
            + b"|..., bigger context ...|"
            + far
            + b"|..."
        )

    def fail(self, text: str) -> None:
        """Notes an error that shows no place, unless there is one."""
        if self.error is None:
            self.error = text.encode()

    def failed(self) -> bool:
        """Whether there is an error."""
        return self.error is not None

    def prefix(self, name: str) -> None:
        """Puts the name of what was being read in front of the error, if there is one."""
        if self.error is not None:
            self.prefixes.append(name)

    def message(self) -> str:
        """The error with its prefixes, the outermost first. One only asks when there is an error."""
        return to_text("".join(reversed(self.prefixes)).encode() + (self.error or b""))

    def enter(self) -> bool:
        """One level down; False and an error when that is too deep."""
        self.depth += 1
        if self.depth <= MAX_DEPTH:
            return True
        self.report("incrementDepth", "exceeded max depth")
        return False

    def leave(self) -> None:
        """One level up."""
        self.depth -= 1

    # ------------------------------------------------------------------------------------------------------- tokens

    def next_token(self) -> int:
        """The next byte that is no white space, 0 at the end of the line."""
        data, at = self.data, self.head
        try:
            while (byte := data[at]) in _BLANKS:
                at += 1
        except IndexError:
            self.ended = True
            return 0
        self.head = at + 1
        return byte

    def read_byte(self) -> int:
        """The next byte, 0 at the end of the line."""
        if self.head >= len(self.data):
            self.ended = True
            return 0
        self.head += 1
        return self.data[self.head - 1]

    def unread(self) -> None:
        """Gives the last byte back; not after an error or the end: then the original reads on without it."""
        if self.error is None and not self.ended:
            self.head -= 1

    def peek(self) -> int:
        """The next token, which is given back."""
        token = self.next_token()
        self.unread()
        return token

    def expect(self, rest: bytes) -> None:
        """The rest of `null`, `true` or `false`."""
        for byte in rest:
            if self.read_byte() != byte:
                self.report("skipThreeBytes" if len(rest) == 3 else "skipFourBytes", f"expect {rest.decode()}")
                return

    def read_null(self) -> bool:
        """Reads null, if that is next."""
        if self.next_token() == LETTER_N:
            self.expect(b"ull")
            return True
        self.unread()
        return False

    def skip_null(self) -> bool:
        """Whether null is next, which is then read. Looks first and reads then, as the original does for optional fields."""
        return self.peek() == LETTER_N and self.read_null()

    # ------------------------------------------------------------------------------------------------------ strings

    def read_key(self) -> str | None:
        """A plain key with its colon in one go; None and nothing read for any other, or in error state."""
        if self.error is None and (match := _plain_key(self.data, self.head)) is not None:
            self.head = match.end()
            return self._text(match[1])
        return None

    def read_plain_string(self) -> str | None:
        """A string without escapes in one go; None and nothing read for anything else, or in error state."""
        if self.error is None and (match := _plain_string(self.data, self.head)) is not None:
            self.head = match.end()
            return self._text(match[1])
        return None

    def read_string(self) -> str:
        """A string; "" for null, and after an error."""
        match = _plain_string(self.data, self.head)
        if match is not None:
            self.head = match.end()
            return self._text(match[1])
        token = self.next_token()
        if token == QUOTE:
            stop = end_of_run(_PLAIN_RUN, self.data, self.head)
            if stop < len(self.data) and self.data[stop] < 0x20:
                self.report("ReadString", f"invalid control character found: {self.data[stop]}")
                return ""
            return self.read_escaped()
        if token == LETTER_N:
            self.expect(b"ull")
            return ""
        self.report("ReadString", f'expects " or n, but found {chr(token)}')
        return ""

    def skip_string(self) -> None:
        """The rest of a string that nobody needs, after its opening quote."""
        stop = end_of_run(_PLAIN_RUN, self.data, self.head)
        if stop < len(self.data):
            if self.data[stop] == QUOTE:
                self.head = stop + 1
                return
            if self.data[stop] < 0x20:
                self.report("trySkipString", f"invalid control character found: {self.data[stop]}")
                return
        self.unread()
        self.read_string()

    def read_escaped(self) -> str:
        """The rest of a string, after its opening quote."""
        if self.error is None and not self.ended and (match := _well_escaped(self.data, self.head)) is not None:
            raw = self.data[self.head : match.end() - 1]
            self.head = match.end()
            text: str = json.loads(f'"{self._text(raw)}"')
            return text
        pieces: list[bytes] = []
        while self.error is None and not self.ended:
            stop = end_of_run(_ANY_RUN, self.data, self.head)
            pieces.append(self.data[self.head : stop])
            self.head = stop
            token = self.read_byte()
            if token == QUOTE:
                return self._text(b"".join(pieces))
            if token == BACKSLASH:
                self._read_escape(self.read_byte(), pieces)
        self.report("readStringSlowPath", "unexpected end of input")
        return ""

    def _read_escape(self, name: int, pieces: list[bytes]) -> None:
        while name == LETTER_U:
            unit = self._read_unit()
            if not 0xD800 <= unit < 0xE000:
                pieces.append(chr(unit).encode())
                return
            token = self.read_byte()
            if self._stopped():
                return
            if token != BACKSLASH:
                self.unread()
                pieces.append(_REPLACEMENT)
                return
            name = self.read_byte()
            if self._stopped():
                return
            if name == LETTER_U:
                second = self._read_unit()
                if self._stopped():
                    return
                pieces.append(_pair(unit, second))
                return
            pieces.append(_REPLACEMENT)
        escaped = _ESCAPES.get(name)
        if escaped is None:
            self.report("readEscapedChar", "invalid escape char after \\")
        else:
            pieces.append(escaped)

    def _read_unit(self) -> int:
        unit = 0
        for _ in range(4):
            token = self.read_byte()
            if self._stopped():
                return unit
            digit = b"0123456789abcdef".find(bytes([token]).lower())
            if digit < 0:
                self.report("readU4", f"expects 0~9 or a~f, but found {chr(token)}")
                return unit
            unit = unit * 16 + digit
        return unit

    def _stopped(self) -> bool:
        return self.ended or self.error is not None

    def _text(self, data: bytes) -> str:
        try:
            return data.decode()
        except UnicodeDecodeError:
            self.spoiled = True
            return to_text(data)


def _pair(first: int, second: int) -> bytes:
    """Two UTF-16 units, the first of them a surrogate, as UTF-8: one character, or else U+FFFD for each surrogate."""
    if first < 0xDC00 <= second < 0xE000:
        return chr(0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00)).encode()
    return _REPLACEMENT + (_REPLACEMENT if 0xD800 <= second < 0xE000 else chr(second).encode())
