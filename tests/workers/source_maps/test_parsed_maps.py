"""Maps as they are read. What go-sourcemap, which the original uses, answers is the expectation unless a row says otherwise."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tidegate.workers.source_maps.parsed import LONGEST_LINE, ParsedMap
from tidegate.workers.store.source_maps import MapUnusable

TWO = {"version": 3, "sources": ["a.js", "b.js"], "sourcesContent": ["l1\nl2", "x"], "names": ["f", "g"]}
THIRD = {**TWO, "sources": ["c.js"], "sourcesContent": ["c"], "mappings": "AAAAA;AAEAA"}
INDEX = {
    "version": 3,
    "sections": [
        {"offset": {"line": 0, "column": 0}, "map": {**TWO, "mappings": "AAAA"}},
        {"offset": {"line": 1, "column": 10}, "map": THIRD},
    ],
}

Spot = tuple[str, str, int, int] | None


def parsed(content: Any) -> ParsedMap:
    return ParsedMap(content if isinstance(content, bytes) else json.dumps(content).encode())


@pytest.mark.parametrize(
    ("content", "places"),
    [
        (
            {**TWO, "mappings": "AAAA,IAAIA"},
            {
                (1, 0): ("a.js", "", 1, 0),
                (1, 3): ("a.js", "", 1, 0),
                (1, 5): ("a.js", "f", 1, 4),
                (2, 0): None,
                (0, 0): None,
            },
        ),
        ({**TWO, "mappings": ";;AAAA"}, {(1, 5): None, (2, 5): None, (3, 0): ("a.js", "", 1, 0)}),
        ({**TWO, "mappings": "AAAA;;ACCAA"}, {(2, 7): ("a.js", "", 1, 0), (3, 1): ("b.js", "f", 2, 0), (4, 0): None}),
        (
            {**TWO, "mappings": "KAAA"},
            {(1, 4): None, (1, 5): ("a.js", "", 1, 0), (1, 4_000_000_000): ("a.js", "", 1, 0)},
        ),
        ({"sources": ["a.js"], "names": [], "mappings": "AAAA"}, {(1, 0): ("a.js", "", 1, 0)}),
        ({"version": 3, "sources": [None], "names": [], "mappings": "AAAA"}, {(1, 0): ("", "", 1, 0)}),
        # A column without a source: the original takes the source of the column before, which is wrong.
        ({**TWO, "mappings": "AAAA,I,IAAIA"}, {(1, 5): None, (1, 8): ("a.js", "f", 1, 4)}),
        # Index maps: the original takes the column of a section off on all its lines, not only on the first.
        (INDEX, {(1, 5): ("a.js", "", 1, 0), (2, 12): ("c.js", "f", 1, 0), (3, 3): ("c.js", "f", 3, 0)}),
    ],
)
def test_places(content: dict[str, Any], places: dict[tuple[int, int], Spot]) -> None:
    one = parsed(content)
    for (line, column), expected in places.items():
        place = one.locate(line, column)
        assert (place and (place.source, place.function, place.line, place.column)) == expected, (line, column)


@pytest.mark.parametrize(
    ("root", "sources", "names"),
    [
        ("http://x/y/", ["../a.js", "webpack:///b.js"], ["http://x/a.js", "webpack:///b.js"]),
        ("src", ["../a.js", "/b.js"], ["a.js", "/b.js"]),
        ("src/", ["./a.js", "b.js"], ["src/a.js", "src/b.js"]),
        ("", ["../a.js", "b.js"], ["../a.js", "b.js"]),
        ("%zz", ["a.js", "b.js"], ["%zz/a.js", "%zz/b.js"]),
    ],
)
def test_the_root_of_sources(root: str, sources: list[str], names: list[str]) -> None:
    one = parsed({**TWO, "sourceRoot": root, "sources": sources, "mappings": "AAAA,ICAA"})
    assert [place and place.source for place in (one.locate(1, 0), one.locate(1, 5))] == names


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no json",
        b"[]",
        b"3",
        b"{}",
        b'{"version":3',
        b"\xff",
        b"[" * 200_000,
        b'{"version":3,"sections":' + b'[{"offset":{"line":0,"column":0},"map":{"version":3,"sections":' * 5_000,
        {**TWO, "version": 2, "mappings": "AAAA"},
        {**TWO, "version": "3", "mappings": "AAAA"},
        {**TWO, "mappings": ""},
        {**TWO, "mappings": 5},
        {**TWO, "mappings": "%%"},
        {**TWO, "mappings": "AAAAE"},
        {**TWO, "mappings": "AEAA"},
        {**TWO, "mappings": "AAAA" + "g" * 100 + "B"},
    ],
)
def test_what_is_no_map(content: Any) -> None:
    with pytest.raises(MapUnusable, match=r"^sourcemap malformed: \S"):
        parsed(content)


def test_context() -> None:
    lines = [f"line {number}" for number in range(1, 21)]
    lines[9] = "ü" * (LONGEST_LINE + 1)
    content = "\r\n".join(lines)
    one = parsed(
        {
            "version": 3,
            "sources": ["a", "b"],
            "names": [],
            "sourcesContent": [content, None],
            "mappings": "AAAA;AAAA,CCAA",
        }
    )

    def around(line: int) -> tuple[str, list[str], list[str]] | None:
        place = one.locate(1, 0)
        assert place is not None
        return one.context(place._replace(line=line))

    assert around(1) == ("line 1", [], lines[1:6])
    assert around(4) == ("line 4", lines[:3], lines[4:9])
    assert around(20) == ("line 20", lines[14:19], [])
    assert around(21) is around(0) is None
    assert around(10) == ("", lines[4:9], lines[10:15]), "a line that is too long is left out"
    elsewhere = one.locate(2, 1)
    assert elsewhere is not None
    assert one.context(elsewhere) is None, "the map does not contain this source"
