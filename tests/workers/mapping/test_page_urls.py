"""intake-to-documents.md 4.1.6: URLs as Go reads and writes them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tidegate.workers.mapping.url import map_page_url

ROWS: list[tuple[str, dict[str, Any] | None]] = [
    ("/only/path", {"full": "http:///only/path", "path": "/only/path", "scheme": "http"}),
    ("localhost:8000/x", {"full": "localhost:8000/x", "scheme": "localhost"}),
    ("about:blank", {"full": "about:blank", "scheme": "about"}),
    ("", {"full": "http:", "scheme": "http"}),
    ("HTTP://User:p%40ss@Host.Example:8080/a%20b/../c?x=1&y#f%41", {
        "full": "http://User:p%40ss@Host.Example:8080/a%20b/../c?x=1&y#f%41", "scheme": "http", "domain": "Host.Example",
        "port": 8080, "path": "/a b/../c", "query": "x=1&y", "fragment": "fA",
    }),
    ("//h/p", {"full": "http://h/p", "scheme": "http", "domain": "h", "path": "/p"}),
    ("http://[2001:db8::1]:81/", {
        "full": "http://[2001:db8::1]:81/", "scheme": "http", "domain": "2001:db8::1", "port": 81, "path": "/",
    }),
    ("http://h?", {"full": "http://h?", "scheme": "http", "domain": "h"}),
    ("http://h:/", {"full": "http://h:/", "scheme": "http", "domain": "h", "path": "/"}),
    ("https://h/ü ä", {"full": "https://h/%C3%BC%20%C3%A4", "scheme": "https", "domain": "h", "path": "/ü ä"}),
    ("https://h/a%2Fb", {"full": "https://h/a%2Fb", "scheme": "https", "domain": "h", "path": "/a/b"}),
    ("file:///etc/x", {"full": "file:///etc/x", "scheme": "file", "path": "/etc/x"}),
    ("x:/p", {"full": "x:/p", "scheme": "x", "path": "/p"}),
    ("page.html", {"full": "http://page.html", "scheme": "http", "path": "page.html"}),
    ("http://h/p#", {"full": "http://h/p", "scheme": "http", "domain": "h", "path": "/p"}),
    ("http://münchen/", {"full": "http://m%C3%BCnchen/", "scheme": "http", "domain": "münchen", "path": "/"}),
    ("http://[::1/", None),
    ("http://[1.2.3.4]/", None),
    ("http://a b/", None),
    ("http://h/\x01", None),
    ("http://h/%zz", None),
    ("http://h:port/", None),
    ("http://us er@h/", None),
    (":x", None),
    ("1a:b", None),
]  # fmt: skip
"""Text, and what comes of it beside `original`; None: nothing."""


@pytest.mark.parametrize(("text", "expected"), ROWS)
def test_page_url(text: str, expected: dict[str, Any] | None) -> None:
    original = {"original": text} if text else {}
    assert map_page_url(text) == {**original, **(expected or {})}


def test_long_urls_are_cut() -> None:
    mapped = map_page_url("http://h/" + "é" * 1100)
    assert {name: len(value) for name, value in mapped.items()} == {
        "original": 1024, "scheme": 4, "full": 1024, "domain": 1, "path": 1016,
    }  # fmt: skip


@given(st.text() | st.text("abc:/?#[]@!%41 .é&=;\\"))
def test_any_text_makes_short_texts(text: str) -> None:
    mapped = map_page_url(text)
    assert mapped.get("original", "") == text[:1024]
    assert all(type(value) is int or value for value in mapped.values())
