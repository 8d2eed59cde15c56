"""Safe text, widths, and what a stream can show."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as some
from tidegate.cli.terminal import ASCII, UNICODE, columns, cut, fit, safe, terminal_of


class FakeStream(io.StringIO):
    def __init__(self, tty: bool, encoding: str) -> None:
        super().__init__()
        self._tty, self._encoding = tty, encoding

    def isatty(self) -> bool:
        return self._tty

    @property
    def encoding(self) -> str:  # type: ignore[override] # an attribute in typeshed, a property in CPython
        return self._encoding


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (None, ""),
        ("GET /cart/{id}", "GET /cart/{id}"),
        ("Bestellung für Zoë 注文", "Bestellung für Zoë 注文"),
        ("a\tb\nc\rd", "a\\tb\\nc\\rd"),
        ("\x1b[31mred", "\\x1b[31mred"),
        ("\x00\x7f\x9b", "\\x00\\x7f\\x9b"),
        ("\u202egnp.exe", "\\u202egnp.exe"),
        ("a\u2066b\u2069\u200b\ufeff\u2028", "a\\u2066b\\u2069\\u200b\\ufeff\\u2028"),
        ("\U000e0041tag", "\\U000e0041tag"),
        ("no\u00a0break\u3000wide", "no\u00a0break\u3000wide"),
        ("lone \ud800", "lone \\ud800"),
    ],
)
def test_safe(text: str | None, shown: str) -> None:
    assert safe(text) == shown


@given(some.text(some.characters()))
def test_safe_text_is_one_harmless_line(text: str) -> None:
    shown = safe(text)
    assert all(
        character.isprintable() or character in "\u00a0\u1680\u202f\u205f\u3000" or "\u2000" <= character <= "\u200a"
        for character in shown
    )
    assert len(shown.splitlines()) <= 1


@given(some.text(some.characters(exclude_categories=["C", "M"])), some.integers(0, 30), some.booleans())
def test_fit_is_exact(text: str, width: int, right: bool) -> None:
    for glyphs in (UNICODE, ASCII):
        assert columns(fit(text, width, glyphs, right=right)) == width
        assert columns(cut(text, width, glyphs)) <= width


@pytest.mark.parametrize(
    ("tty", "encoding", "environ", "colour", "unicode"),
    [
        (True, "utf-8", {}, True, True),
        (True, "UTF-8", {"NO_COLOR": "1"}, False, True),
        (True, "utf-8", {"NO_COLOR": ""}, True, True),
        (True, "utf-8", {"TERM": "dumb"}, False, True),
        (False, "utf-8", {}, False, True),
        (True, "ascii", {}, True, False),
        (False, "iso-8859-1", {}, False, False),
    ],
)
def test_what_a_stream_can_show(tty: bool, encoding: str, environ: dict[str, str], colour: bool, unicode: bool) -> None:
    terminal = terminal_of(FakeStream(tty, encoding), environ)
    assert terminal.colour is colour
    assert terminal.glyphs is (UNICODE if unicode else ASCII)
    assert terminal.width >= 40
    if not tty:
        assert terminal.width == 80
