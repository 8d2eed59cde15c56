"""Source maps in Elasticsearch, in the documents that Kibana writes and the original reads (http-surface.md 5.5)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import msgspec
from tidegate.daemon import __version__
from tidegate.daemon.settings.parts import ElasticsearchPart
from tidegate.workers.sinks.cluster import ClusterSink, Reply
from tidegate.workers.sinks.cluster_client import headers_of
from tidegate.workers.sinks.contract import TryAgain
from tidegate.workers.store.map_content import decode, encode, unpack
from tidegate.workers.store.source_maps import (
    INDEX,
    MOST_MAPS,
    Listing,
    MapKey,
    MapRefused,
    MapsForbidden,
    MapsUnavailable,
    NoPlaceYet,
    Packed,
    StoredMap,
)

PAGE = 1000
"""Hits of one page: some 300 KiB, without contents."""
LONGEST_TOLD = 2048
"""Bytes of an answer that an error carries: it is written into each stack frame."""
KEEP = "60000ms"
"""How long the cluster keeps a search between two pages."""
SOURCE = "service.*,file.path,content_sha256,created"
MAPPINGS: dict[str, Any] = {
    "dynamic": "strict",
    "properties": {
        "fleet_id": {"type": "keyword"},
        "created": {"type": "date"},
        "content": {"type": "binary"},
        "content_sha256": {"type": "keyword"},
        "file": {"properties": {"path": {"type": "keyword"}}},
        "service": {"properties": {"name": {"type": "keyword"}, "version": {"type": "keyword"}}},
    },
}
"""Of the index, where Kibana has not made it; the fields are those of Kibana's."""
SETTINGS: dict[str, Any] = {"index": {"hidden": True, "auto_expand_replicas": "0-1", "number_of_shards": 1}}
MISSING = (
    f"Elasticsearch has no index {INDEX}: it is made when the first source map is stored, by `tidegate sourcemap upload`, "
    "by an upload to Tidegate, or by Kibana"
)


class _Name(msgspec.Struct):
    name: str = ""
    version: str = ""


class _File(msgspec.Struct):
    path: str = ""


class _Document(msgspec.Struct):
    service: _Name = msgspec.field(default_factory=_Name)
    file: _File = msgspec.field(default_factory=_File)
    content_sha256: str = ""
    created: str | int | None = None
    content: str = ""


class _Hit(msgspec.Struct):
    source: _Document = msgspec.field(name="_source", default_factory=_Document)


class _Hits(msgspec.Struct):
    hits: list[_Hit]


class _Page(msgspec.Struct):
    hits: _Hits
    scroll: str = msgspec.field(name="_scroll_id", default="")


class _Problem(msgspec.Struct):
    reason: str = ""
    type: str = ""


class _Failure(msgspec.Struct):
    error: _Problem | str = ""


_page = msgspec.json.Decoder(_Page).decode
_hit = msgspec.json.Decoder(_Hit).decode
_failure = msgspec.json.Decoder(_Failure).decode


class ClusterMaps:
    """Implements `source_maps.MapStore`."""

    def __init__(self, part: ElasticsearchPart) -> None:
        """Raises OSError and ValueError for TLS settings that cannot be used."""
        self._cluster = ClusterSink(part, __version__)
        self._headers = headers_of(part, __version__)
        self.where = f"{INDEX} of {', '.join(part.hosts)}"

    def maps(self) -> Listing:
        """See `MapStore`."""
        found: list[StoredMap] = []
        search = f"/{INDEX}/_search?_source={SOURCE}&track_total_hits=true&scroll={KEEP}&size={PAGE}"
        page = self._read(_page, "POST", search)
        scroll = page.scroll
        try:
            while page.hits.hits and len(found) <= MOST_MAPS:
                found += [_stored(hit.source) for hit in page.hits.hits]
                if len(page.hits.hits) < PAGE or not scroll:
                    break
                page = self._read(_page, "POST", "/_search/scroll", {"scroll": KEEP, "scroll_id": scroll})
                scroll = page.scroll or scroll
        finally:
            if scroll:
                self._forget(scroll)
        return Listing(found[:MOST_MAPS], max(len(found) - MOST_MAPS, 0))

    def content(self, key: MapKey, largest: int) -> bytes | None:
        """See `MapStore`."""
        reply = self._ask("GET", _place(key))
        if reply.status == 404:
            return None
        self._expect(reply, "reading")
        return unpack(decode(self._decoded(_hit, reply.body).source.content), largest)

    def put(self, key: MapKey, packed: Packed, created: str) -> None:
        """See `MapStore`."""
        document = {
            "service": {"name": key.service, "version": key.version},
            "file": {"path": key.path},
            "content": msgspec.Raw(b'"%b"' % encode(packed.zipped)),
            "content_sha256": packed.sha256,
            "created": created,
        }
        body = msgspec.json.encode(document)
        if not self._has_index(key):
            # Elasticsearch would make one by itself, with mappings of its own guess.
            self._make_index()
        reply = self._ask("PUT", f"{_place(key)}?refresh=true", body)
        if reply.status in (400, 413):
            raise MapRefused(f"Elasticsearch answers {reply.status}: {_reason(reply.body)}")
        self._expect(reply, "storing")

    def delete(self, key: MapKey) -> bool:
        """See `MapStore`."""
        reply = self._ask("DELETE", f"{_place(key)}?refresh=true")
        if reply.status == 404:
            return False
        self._expect(reply, "removing")
        return True

    def close(self) -> None:
        """See `MapStore`."""
        self._cluster.close()

    def _has_index(self, key: MapKey) -> bool:
        """Whether the index is there; asked for a document, since asking for the index takes one more privilege."""
        reply = self._ask("GET", f"{_place(key)}?_source=false")
        if reply.status == 404:
            return "index_not_found" not in _reason(reply.body, kind=True)
        self._expect(reply, "storing")
        return True

    def _make_index(self) -> None:
        body = msgspec.json.encode({"settings": SETTINGS, "mappings": MAPPINGS})
        reply = self._ask("PUT", f"/{INDEX}", body)
        if reply.status == 400 and "resource_already_exists" in _reason(reply.body, kind=True):
            return
        self._expect(reply, "making the index for")

    def _read(self, decoder: Any, method: str, path: str, question: Mapping[str, Any] | None = None) -> _Page:
        reply = self._ask(method, path, None if question is None else msgspec.json.encode(question))
        if reply.status == 404 and INDEX in path:
            raise NoPlaceYet(MISSING, *_told(reply))
        self._expect(reply, "reading")
        page: _Page = self._decoded(decoder, reply.body)
        return page

    def _decoded(self, decoder: Any, body: bytes) -> Any:
        try:
            return decoder(body)
        except (msgspec.MsgspecError, RecursionError) as problem:
            raise MapsUnavailable(f"the answer is not that of Elasticsearch: {problem}") from problem

    def _ask(self, method: str, path: str, body: bytes | None = None) -> Reply:
        headers = self._headers if body is None else self._headers | {"content-type": "application/json"}
        try:
            return self._cluster.exchange(method, path, body, headers)
        except TryAgain as problem:
            raise MapsUnavailable(problem.cause) from problem

    def _expect(self, reply: Reply, doing: str) -> None:
        status = reply.status
        if status in (401, 403):
            privilege = "read" if doing == "reading" else "write (the role that `tidegate sourcemap role` prints)"
            raise MapsForbidden(
                f"Elasticsearch answers {status}: {doing} source maps takes the privilege {privilege} on {INDEX}",
                *_told(reply),
            )
        if not 200 <= status < 300:
            raise MapsUnavailable(f"Elasticsearch answers {status}: {_reason(reply.body)}", *_told(reply))

    def _forget(self, scroll: str) -> None:
        """Frees the search; if that fails it ends by itself after `KEEP`."""
        try:
            self._ask("DELETE", f"/_search/scroll/{quote(scroll, safe='=')}")
        except MapsUnavailable:
            return


def _told(reply: Reply) -> tuple[int, str, str]:
    """What an error carries of the answer."""
    return reply.status, reply.phrase, reply.body[:LONGEST_TOLD].decode("utf-8", "replace")


def _place(key: MapKey) -> str:
    return f"/{INDEX}/_doc/{quote(key.identity, safe='$&+=:@')}"


def _stored(document: _Document) -> StoredMap:
    service = document.service
    key = MapKey(service.name, service.version, document.file.path)
    return StoredMap(key, document.content_sha256, str(document.created or ""))


def _reason(answer: bytes, *, kind: bool = False) -> str:
    """Why Elasticsearch refused, in its words."""
    try:
        error = _failure(answer).error
    except (msgspec.MsgspecError, RecursionError):
        return "no reason given"
    if isinstance(error, str):
        return error or "no reason given"
    return error.type if kind else error.reason or "no reason given"
