"""Both places for source maps keep the same promises."""

from __future__ import annotations

import base64
import os
import random
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from stand_in import PART, running
from tidegate.workers.store import local_maps, source_maps
from tidegate.workers.store.cluster_maps import ClusterMaps
from tidegate.workers.store.local_maps import LocalMaps
from tidegate.workers.store.map_content import pack
from tidegate.workers.store.source_maps import (
    Listing,
    MapKey,
    MapRefused,
    MapsForbidden,
    MapStore,
    MapsUnavailable,
    MapTooLarge,
    NoPlaceYet,
    StoredMap,
)

MAP = b'{"version":3,"sources":["a.js"],"mappings":"AAAA"}'
KEY = MapKey("shop", "1.0", "/static/app.js")
WHEN = "2026-11-25T02:00:00Z"


@pytest.fixture(params=["local", pytest.param("cluster", marks=pytest.mark.shared)])
def store(request: Any, tmp_path: Path) -> Iterator[MapStore]:
    if request.param == "local":
        yield LocalMaps(tmp_path / "source-maps")
        return
    with running(request.getfixturevalue("stand_in")) as es:
        maps = ClusterMaps(replace(PART, hosts=[es.url]))
        yield maps
        maps.close()


def keys(store: MapStore) -> set[MapKey]:
    return {stored.key for stored in store.maps().maps}


def test_a_map_is_kept_replaced_and_removed(store: MapStore) -> None:
    other = MapKey("shop", "1.0", "https://shop.example/öffentlich/a b?.js")
    assert store.content(KEY, 1000) is None
    assert not store.delete(KEY)
    store.put(KEY, pack(MAP), WHEN)
    store.put(other, pack(MAP + b" "), WHEN)
    assert keys(store) == {KEY, other}
    assert store.content(KEY, 1000) == MAP
    assert store.content(other, 1000) == MAP + b" "
    [first] = [stored for stored in store.maps().maps if stored.key == KEY]
    assert first == StoredMap(KEY, pack(MAP).sha256, WHEN, first.size)
    store.put(KEY, pack(MAP + b"\n"), WHEN)
    assert store.content(KEY, 1000) == MAP + b"\n"
    assert {stored.sha256 for stored in store.maps().maps} == {pack(MAP + b"\n").sha256, pack(MAP + b" ").sha256}
    assert store.delete(KEY)
    assert not store.delete(KEY)
    assert keys(store) == {other}


def test_keys_that_join_to_the_same_text_stay_apart_where_they_can(tmp_path: Path) -> None:
    """In Elasticsearch they are one document, since Kibana's ids are such."""
    store = LocalMaps(tmp_path / "maps")
    for key in (MapKey("a-b", "c", "/x"), MapKey("a", "b-c", "/x")):
        store.put(key, pack(MAP), WHEN)
    assert len(keys(store)) == 2


def test_a_map_beyond_the_limit_is_not_read(store: MapStore) -> None:
    store.put(KEY, pack(b" " * 1001), WHEN)
    with pytest.raises(MapTooLarge):
        store.content(KEY, 1000)


def test_more_maps_than_are_known_at_a_time(store: MapStore, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (local_maps, source_maps):
        monkeypatch.setattr(module, "MOST_MAPS", 2)
    monkeypatch.setattr("tidegate.workers.store.cluster_maps.MOST_MAPS", 2)
    for number in range(2):
        store.put(MapKey("shop", str(number), "/a.js"), pack(MAP), WHEN)
    assert store.maps().left_out == 0
    if isinstance(store, LocalMaps):
        with pytest.raises(MapRefused, match="remove those of old versions"):
            store.put(KEY, pack(MAP), WHEN)
        store.put(MapKey("shop", "1", "/a.js"), pack(MAP), WHEN)
    else:
        store.put(KEY, pack(MAP), WHEN)
        assert (len(store.maps().maps), store.maps().left_out) == (2, 1)


# ------------------------------------------------------------------------------------------------- beside the local store


def test_what_is_written_is_private_and_whole(tmp_path: Path) -> None:
    folder = tmp_path / "data" / "source-maps"
    store = LocalMaps(folder)
    assert store.maps() == Listing([])
    store.put(KEY, pack(MAP), WHEN)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    [file] = folder.iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    [stored] = store.maps().maps
    assert stored.size == len(pack(MAP).zipped)


def test_a_full_folder_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local_maps, "MOST_BYTES", 300)
    store = LocalMaps(tmp_path)
    store.put(KEY, pack(MAP), WHEN)
    store.put(KEY, pack(MAP), WHEN)
    with pytest.raises(MapRefused, match="holds 1 source maps"):
        store.put(MapKey("shop", "2", "/a.js"), pack(MAP), WHEN)
    assert keys(store) == {KEY}


def test_what_is_not_ours_is_passed_over(tmp_path: Path) -> None:
    store = LocalMaps(tmp_path)
    (tmp_path / "x.map").write_bytes(b"no head")
    (tmp_path / ".old.new").write_bytes(b"left by a writer that was killed")
    os.utime(tmp_path / ".old.new", (0, 0))
    store.put(KEY, pack(MAP), WHEN)
    assert keys(store) == {KEY}
    assert not (tmp_path / ".old.new").exists()


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    folder = tmp_path / "maps"
    store = LocalMaps(folder)
    store.put(KEY, pack(MAP), WHEN)
    [file] = folder.iterdir()
    file.rename(tmp_path / "elsewhere")
    file.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(MapsUnavailable):
        store.content(KEY, 1000)


def test_a_path_that_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "maps").write_text("a file")
    with pytest.raises(MapsUnavailable, match="maps"):
        LocalMaps(tmp_path / "maps").put(KEY, pack(MAP), WHEN)


# ---------------------------------------------------------------------------------------------------- in Elasticsearch


@pytest.fixture
def cluster(es: Any) -> Iterator[ClusterMaps]:
    maps = ClusterMaps(replace(PART, hosts=[es.url], username="u", password="p"))
    yield maps
    maps.close()


@pytest.mark.shared
def test_the_document_and_its_index_are_those_of_kibana(es: Any, cluster: ClusterMaps) -> None:
    with pytest.raises(NoPlaceYet, match=r"no index \.apm-source-map"):
        cluster.maps()
    cluster.put(KEY, pack(MAP), WHEN)
    [document] = es.documents(".apm-source-map")
    packed = pack(MAP)
    assert document["_id"] == "shop-1.0-/static/app.js"
    assert document["_source"] == {
        "service": {"name": "shop", "version": "1.0"},
        "file": {"path": "/static/app.js"},
        "content": base64.b64encode(packed.zipped).decode(),
        "content_sha256": packed.sha256,
        "created": WHEN,
    }
    made = next(request for request in es.requests() if request["method"] == "PUT")
    assert made["path"] == "/.apm-source-map"
    for request in es.requests():
        assert request["headers"]["authorization"] == "Basic dTpw"


@pytest.mark.shared
def test_reading_asks_as_the_original_does(es: Any, cluster: ClusterMaps, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tidegate.workers.store.cluster_maps.PAGE", 2)
    for number in range(5):
        cluster.put(MapKey("shop", str(number), "/a.js"), pack(MAP), WHEN)
    es.clear()
    assert len(cluster.maps().maps) == 5
    asked = [(request["method"], request["path"]) for request in es.requests()]
    assert asked[0] == ("POST", "/.apm-source-map/_search")
    assert asked[1:-1] == [("POST", "/_search/scroll")] * 2
    assert asked[-1][0] == "DELETE"
    assert es.requests()[0]["query"] == {
        "_source": "service.*,file.path,content_sha256,created",
        "track_total_hits": "true",
        "scroll": "60000ms",
        "size": "2",
    }
    assert es._server.cluster.scrolls == {}
    cluster.content(KEY, 100)
    assert es.requests()[-1]["path"] == "/.apm-source-map/_doc/shop-1.0-%2Fstatic%2Fapp.js"


@pytest.mark.shared
@pytest.mark.parametrize(
    ("status", "kind", "words"),
    [
        (401, MapsForbidden, "takes the privilege read on .apm-source-map"),
        (403, MapsForbidden, "takes the privilege read on .apm-source-map"),
        (429, MapsUnavailable, "answers 429"),
        (503, MapsUnavailable, "answers 503"),
    ],
)
def test_what_the_cluster_refuses(
    es: Any, cluster: ClusterMaps, status: int, kind: type[MapsUnavailable], words: str
) -> None:
    es.configure(mode="status", status=status, scope="all")
    for ask in (cluster.maps, lambda: cluster.content(KEY, 100)):
        with pytest.raises(MapsUnavailable, match=words) as found:
            ask()
        assert (type(found.value), found.value.status) == (kind, status)
    if status in (401, 403):
        with pytest.raises(MapsForbidden, match="tidegate sourcemap role"):
            cluster.put(KEY, pack(MAP), WHEN)
        with pytest.raises(MapsForbidden, match="removing source maps"):
            cluster.delete(KEY)


@pytest.mark.shared
def test_a_cluster_that_is_away(es: Any, cluster: ClusterMaps) -> None:
    es.configure(mode="refuse", scope="all")
    with pytest.raises(MapsUnavailable, match="cannot be reached") as found:
        cluster.content(KEY, 100)
    assert found.value.status == 0


@pytest.mark.shared
def test_a_map_that_the_cluster_finds_too_large(es: Any, cluster: ClusterMaps) -> None:
    cluster.put(KEY, pack(MAP), WHEN)
    es.configure(max_content_length=1000)

    with pytest.raises(MapRefused, match="answers 413"):
        cluster.put(KEY, pack(random.Random(1).randbytes(2000)), WHEN)


@pytest.mark.shared
@pytest.mark.parametrize(
    "source", [{}, {"service": {}}, {"service": {"name": "a"}, "file": {"path": "p"}, "created": 1}]
)
def test_documents_with_holes_are_read(es: Any, cluster: ClusterMaps, source: dict[str, Any]) -> None:
    es.store(".apm-source-map", [source])
    [stored] = cluster.maps().maps
    assert stored.key.version == ""
