"""What the commands need to know of the terminal, and text made safe for it.

Everything that came in an event is shown through `safe`: names and messages are chosen by whoever can reach the intake
port, and must not move the cursor, change colours, set titles or turn the line round (experiments.md, check 31).
"""

from __future__ import annotations

import os
import shutil
import unicodedata
from collections.abc import Mapping
from typing import NamedTuple, TextIO

_NARROWEST = 40
"""Below this many columns lines are cut by the terminal; a layout for less would help nobody."""
_STYLES = {"dim": "2", "bold": "1", "red": "31", "green": "32", "cyan": "36", "yellow": "33"}


class Glyphs(NamedTuple):
    """Drawing characters, each one column wide."""

    branch: str
    last: str
    line: str
    failed: str
    ellipsis: str
    micro: str
    dot: str
    bar: str
    span_bar: str
    frame: str
    times: str


UNICODE = Glyphs("├ ", "└ ", "│ ", "✗", "…", "µ", "·", "█", "▆", "│", "×")
ASCII = Glyphs("|-", "`-", "| ", "!", "~", "u", "-", "#", "=", "|", "x")


class Terminal(NamedTuple):
    """How to write to one stream."""

    width: int
    colour: bool
    glyphs: Glyphs

    def paint(self, text: str, *styles: str) -> str:
        """`text` in colour, where there are colours."""
        if not self.colour or not styles or not text:
            return text
        return f"\x1b[{';'.join(_STYLES[style] for style in styles)}m{text}\x1b[0m"


def terminal_of(stream: TextIO, environ: Mapping[str, str] = os.environ) -> Terminal:
    """Colour on a terminal only and never with NO_COLOR (no-color.org); 80 columns where nobody knows better."""
    tty = stream.isatty()
    colour = tty and not environ.get("NO_COLOR") and environ.get("TERM") != "dumb"
    encoding = (getattr(stream, "encoding", None) or "ascii").lower().replace("-", "")
    width = shutil.get_terminal_size((80, 24)).columns if tty or environ.get("COLUMNS") else 80
    return Terminal(max(_NARROWEST, width), colour, UNICODE if encoding == "utf8" else ASCII)


def safe(text: str | None) -> str:
    """`text` in one line, with everything escaped that is not a plain visible character or space."""
    if text is None:
        return ""
    if text.isprintable():
        return text
    return "".join(map(_safe_character, text))


def _safe_character(character: str) -> str:
    # Not printable: controls, formats (among them bidirectional overrides), surrogates, line separators, unassigned.
    # Spaces other than the common one are harmless and usual in some scripts.
    if character.isprintable() or unicodedata.category(character) == "Zs":
        return character
    named = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}.get(character)
    if named is not None:
        return named
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def columns(text: str) -> int:
    """How many columns `text` takes."""
    return len(text) if text.isascii() else sum(map(_columns_of, text))


def fit(text: str, width: int, glyphs: Glyphs, *, right: bool = False) -> str:
    """`text` in exactly `width` columns: cut with an ellipsis, or filled with spaces (on its left with `right`)."""
    taken = columns(text)
    if taken > width:
        text, taken = _cut(text, width, glyphs)
    fill = " " * (width - taken)
    return fill + text if right else text + fill


def cut(text: str, width: int, glyphs: Glyphs) -> str:
    """`text` in at most `width` columns."""
    return text if columns(text) <= width else _cut(text, width, glyphs)[0]


def _cut(text: str, width: int, glyphs: Glyphs) -> tuple[str, int]:
    if width < 1:
        return "", 0
    kept: list[str] = []
    taken = 1  # the ellipsis
    for character in text:
        taken += _columns_of(character)
        if taken > width:
            taken -= _columns_of(character)
            break
        kept.append(character)
    return "".join(kept) + glyphs.ellipsis, taken


def _columns_of(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1
