"""What kind of line it is: intake-to-documents.md section 2."""

from __future__ import annotations

import re

_first_quoted = re.compile(rb"""[^"']*(?:"([^"]*)"|'([^']*)')""").match
_GO_ESCAPES = {
    "\a": r"\a",
    "\b": r"\b",
    "\f": r"\f",
    "\n": r"\n",
    "\r": r"\r",
    "\t": r"\t",
    "\v": r"\v",
    "\\": r"\\",
    '"': r"\"",
}


def event_type(line: bytes) -> bytes:
    """The text between the first quote character (" or ') of the line and the next equal one; b"" if there is none."""
    match = _first_quoted(line)
    if match is None:
        return b""
    return match[1] if match[1] is not None else match[2]


def quoted(name: bytes) -> str:
    """The name in quotes, unprintable characters escaped as Go does."""
    text = name.decode("utf-8", "surrogateescape")
    return f'"{text.translate({ord(character): _escaped(character) for character in set(text)})}"'


def _escaped(character: str) -> str:
    code = ord(character)
    if 0xDC80 <= code <= 0xDCFF:  # a byte that is no UTF-8
        return f"\\x{code - 0xDC00:02x}"
    if character in _GO_ESCAPES:
        return _GO_ESCAPES[character]
    if character.isprintable():
        return character
    if code < 0x80:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
