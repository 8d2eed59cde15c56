"""Which paths a frame is looked up under, and which ones a stored map stands for; each row as Go's net/url and path make it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tidegate.workers.source_maps.catalogue import Catalogue
from tidegate.workers.source_maps.paths import aliases, cleaned, lookup_of
from tidegate.workers.store.source_maps import MapKey, StoredMap

BUNDLE = "http://h/a.js"


@pytest.mark.parametrize(
    ("abs_path", "path", "looked_up", "named"),
    [
        (BUNDLE, BUNDLE, [BUNDLE, "/a.js"], BUNDLE),
        ("/a.js", "/a.js", ["/a.js"], "/a.js"),
        ("a.js", "a.js", ["a.js"], "a.js"),
        (
            "http://h/x/../a.js?v=1#f",
            "http://h/a.js?v=1#f",
            ["http://h/a.js?v=1#f", "/a.js", BUNDLE],
            BUNDLE,
        ),
        ("http://h", "http://h/.", ["http://h/.", "/.", "http://h/", "/"], "http://h/"),
        ("http://h/a/", "http://h/a", ["http://h/a", "/a"], "http://h/a"),
        ("http://h/a b.js", "http://h/a%20b.js", ["http://h/a%20b.js", "/a b.js"], "http://h/a%20b.js"),
        ("http://h/%2e%2e/a.js", BUNDLE, [BUNDLE, "/a.js"], BUNDLE),
        ("http://u:p@h:80//a//b.js", "http://u:p@h:80/a/b.js", ["http://u:p@h:80/a/b.js", "/a/b.js"], None),
        ("<anonymous>", "%3Canonymous%3E", ["%3Canonymous%3E", "<anonymous>"], None),
        ("webpack:///./src/a.js", "webpack:///src/a.js", ["webpack:///src/a.js", "/src/a.js"], None),
        ("webpack:src/a", "webpack:src/a", ["webpack:src/a", ""], None),
        ("file:///C:/a.js", "file:///C:/a.js", ["file:///C:/a.js", "/C:/a.js"], None),
        ("./a:b", "./a:b", ["./a:b"], None),
        ("http://h/%zz", "http://h/%zz", ["http://h/%zz"], None),
        ("C:\\a.js", "c:\\a.js", ["c:\\a.js", ""], None),
        ("//h/a.js", "//h/a.js", ["//h/a.js", "/a.js"], None),
        ("", ".", [".", "", "/"], "/"),
    ],
)
def test_what_is_looked_up(abs_path: str, path: str, looked_up: list[str], named: str | None) -> None:
    assert cleaned(abs_path) == path
    lookup = lookup_of(path)
    assert list(lookup.paths) == looked_up
    assert lookup.named == (path if named is None else named)


@pytest.mark.parametrize(
    ("stored", "other"),
    [
        ("/a.js", []),
        (BUNDLE, ["/a.js"]),
        ("http://h/a.js?v=1#f", [BUNDLE, "/a.js"]),
        ("//h/a.js", ["/a.js"]),
        ("http://h/%zz", []),
    ],
)
def test_what_a_stored_map_stands_for(stored: str, other: list[str]) -> None:
    assert aliases(stored) == other


@given(st.text(st.sampled_from("htp:/.?#%a2F@[]*\\ ü"), max_size=60))
def test_any_text_has_a_last_alternative(text: str) -> None:
    lookup = lookup_of(cleaned(text))
    assert lookup.paths
    assert len(lookup.paths) <= 16


def catalogue(*paths: str, version: str = "1", sha256: str = "s") -> Catalogue:
    return Catalogue(StoredMap(MapKey("shop", version, path), sha256) for path in paths)


@pytest.mark.parametrize(
    ("stored", "abs_path", "found"),
    [
        ([BUNDLE], BUNDLE, BUNDLE),
        ([BUNDLE], "https://other/a.js", BUNDLE),
        (["/a.js"], "https://other:8443/a.js?v=2", "/a.js"),
        (["/a.js", BUNDLE], BUNDLE, BUNDLE),
        (["http://h/a.js?v=1"], "http://h/a.js?v=1", "http://h/a.js?v=1"),
        (["http://h/a.js?v=1"], "http://h/a.js?v=2", "http://h/a.js?v=1"),
        (["/a.js"], "http://h/b/../a.js", "/a.js"),
        (["/b/a.js"], BUNDLE, None),
        (["a.js"], BUNDLE, None),
        ([], BUNDLE, None),
    ],
)
def test_which_map_serves_a_frame(stored: list[str], abs_path: str, found: str | None) -> None:
    maps = catalogue(*stored)
    key = maps.find("shop", "1", lookup_of(cleaned(abs_path)))
    assert (key and key.path) == found
    assert maps.find("shop", "1.0", lookup_of(cleaned(abs_path))) is None
    assert maps.find("Shop", "1", lookup_of(cleaned(abs_path))) is None


def test_what_is_outdated() -> None:
    old, new = catalogue("/a.js", "/b.js", "/c.js"), catalogue("/a.js")
    new.hashes[MapKey("shop", "1", "/b.js")] = "another"
    assert [key.path for key in old.outdated(new)] == ["/b.js", "/c.js"]
