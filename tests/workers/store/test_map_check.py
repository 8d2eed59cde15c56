"""What is refused before it is kept."""

from __future__ import annotations

import json

import pytest
from tidegate.workers.store.map_check import check_map, key_of
from tidegate.workers.store.source_maps import MapKey, MapRefused

MAP = {"version": 3, "sources": ["a.js"], "names": [], "mappings": "AAAA"}


@pytest.mark.parametrize(
    "content",
    [
        MAP,
        MAP | {"mappings": ""},
        MAP | {"sourcesContent": ["ä€😀" * 1_000_000], "x_google_ignoreList": [1]},
        {"version": 3, "sections": [{"offset": {"line": 0, "column": 0}, "map": MAP}]},
    ],
    ids=["usual", "empty", "large", "index"],
)
def test_source_maps_pass(content: object) -> None:
    for ascii_only in (False, True):
        check_map(json.dumps(content, ensure_ascii=ascii_only).encode())


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "it is no JSON"),
        (b"//# sourceMappingURL=app.js.map", "it is no JSON"),
        (b'{"version":3,"mappings":"', "it is no JSON"),
        (b'{"version":3,"mappings":""} {}', "it is no JSON"),
        (b'{"version":3,"mappings":"\xff"}', "not in UTF-8"),
        (b'{"version":3,"mappings":"\xc3', "not in UTF-8"),
        (b"[]", "no source map"),
        (b"null", "no source map"),
        (b'{"mappings":""}', "missing required field `version`"),
        (b'{"version":"3","mappings":""}', "no source map"),
        (b'{"version":2,"mappings":""}', "it says 2"),
        (b'{"version":3}', "neither `mappings`, a text, nor `sections`"),
        (b'{"version":3,"mappings":7}', "neither `mappings`, a text, nor `sections`"),
        (b'{"version":3,"sections":{}}', "neither `mappings`, a text, nor `sections`"),
        (b'{"version":3,"mappings":"","x":' + b"[" * 100_000 + b"]" * 100_000 + b"}", "nested too deeply"),
        (b'{"version":3,"mappings":"","x":' + b'{"a":' * 100_000, "nested too deeply"),
    ],
    ids=lambda value: str(value)[:20],
)
def test_others_do_not(content: bytes, words: str) -> None:
    with pytest.raises(MapRefused, match=words):
        check_map(content)


@pytest.mark.parametrize(
    "key", [MapKey("my shop_1-a", "1.0+b/ä", "/a-b.js"), MapKey("s", "1", "x" * 508), MapKey("s", "ä" * 253, "/x")]
)
def test_keys_that_can_be_kept(key: MapKey) -> None:
    assert key_of(*key) == key


@pytest.mark.parametrize(
    ("key", "words"),
    [
        (MapKey("", "1", "/a"), "^bundle_filepath, service_name and service_version must be sent$"),
        (MapKey("s", "", "/a"), "must be sent"),
        (MapKey("s", "1", ""), "must be sent"),
        (MapKey("shop/1", "1", "/a"), "no event can have this one"),
        (MapKey("s", "1\n", "/a"), "control characters"),
        (MapKey("s", "1", "/a\x00"), "control characters"),
        (MapKey("s", "1", "x" * 509), "have 513 bytes together, and 512 are allowed"),
        (MapKey("s", "1", "/" + "ä" * 120), "have 725 bytes together"),
        (MapKey("s", "1", "\udcff"), "must be in UTF-8"),
    ],
)
def test_keys_that_cannot(key: MapKey, words: str) -> None:
    with pytest.raises(MapRefused, match=words):
        key_of(*key)


@pytest.mark.parametrize(
    ("path", "cleaned"),
    [
        ("/a/../b//c.js", "/b/c.js"),
        ("/a b.js", "/a%20b.js"),
        ("//a/./b.js", "//a/b.js"),
        ("https://shop.example/a/b/../c.js?v=1", "https://shop.example/a/c.js?v=1"),
        ("~/static/app.js", "~/static/app.js"),
        ("http://[::1/a/../b.js", "http://[::1/a/../b.js"),
    ],
)
def test_paths_are_cleaned(path: str, cleaned: str) -> None:
    assert key_of("s", "1", path).path == cleaned
