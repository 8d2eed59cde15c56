"""Which stored maps are shown for a frame that none fits, and what is said of each."""

from __future__ import annotations

import pytest
from tidegate.workers.source_maps.nearest import MOST, nearest
from tidegate.workers.source_maps.paths import cleaned, lookup_of
from tidegate.workers.store.source_maps import MapKey

LOOKUP = lookup_of(cleaned("https://shop.example/static/app.3f2a.js?v=1"))


def key(path: str = "/static/app.3f2a.js", service: str = "shop", version: str = "1.0") -> MapKey:
    return MapKey(service, version, path)


def said(*stored: MapKey) -> list[list[str]]:
    return [near.differences for near in nearest("shop", "1.0", LOOKUP, stored)]


@pytest.mark.parametrize(
    ("stored", "words"),
    [
        (key(version="v1.0"), ["the version is 'v1.0' here and '1.0' in the frames"]),
        (key("https://other/static/app.3f2a.js", version="2"), ["the version is '2' here and '1.0' in the frames"]),
        (key(version=" 1.0"), ["the version is ' 1.0' here and '1.0' in the frames: letters and spaces count"]),
        (key(service="Shop"), ["the service is 'Shop' here and 'shop' in the frames: letters and spaces count"]),
        (
            key("/assets/app.3f2a.js"),
            ["the folders differ: /assets/app.3f2a.js here and /static/app.3f2a.js in the frames"],
        ),
        (
            key("/static/app.3f2a.js.map"),
            ["the path names the map: it has to name the minified file, without .map"],
        ),
        (
            key("app.3f2a.js"),
            ["the path is a bare name: it has to begin with the folders of the URL, or be the whole URL"],
        ),
        (
            key("/static/app.9c1e.js"),
            ["the file is app.9c1e.js here and app.3f2a.js in the frames: is it another build?"],
        ),
        (
            key("/static/app.9c1e.js", version="1.1"),
            [
                "the version is '1.1' here and '1.0' in the frames",
                "the file is app.9c1e.js here and app.3f2a.js in the frames: is it another build?",
            ],
        ),
    ],
)
def test_how_a_stored_map_differs(stored: MapKey, words: list[str]) -> None:
    assert said(stored) == [words]


def test_other_files_are_left_out_and_the_closest_come_first() -> None:
    stored = [key("/static/vendor.js"), key(service="other", version="2"), key(version="1.1"), key("/b/app.3f2a.js")]
    assert [near.key for near in nearest("shop", "1.0", LOOKUP, stored)] == [stored[2], stored[3], stored[1]]
    assert len(said(*(key(version=f"1.{number}") for number in range(1, 20)))) == MOST
