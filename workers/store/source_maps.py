"""What every place for source maps promises (http-surface.md 5.5): `cluster_maps.py` and `local_maps.py` keep them. Pure."""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol

INDEX = ".apm-source-map"
MOST_MAPS = 20_000
"""Maps that are known at a time: a scan holds the key and hash of each, some 8 MiB. A large site has hundreds a release."""
LONGEST_ID = 512
"""Bytes; Elasticsearch takes no longer `_id`."""

WRITE_ROLE: dict[str, Any] = {
    "indices": [
        {
            "names": [INDEX],
            "privileges": ["read", "write", "create_index", "maintenance"],
            "allow_restricted_indices": True,
        }
    ]
}
"""What storing and removing maps takes; applying them needs to read only."""


class MapKey(NamedTuple):
    """What a map belongs to; all three are compared exactly."""

    service: str
    version: str
    path: str
    """Of the minified file: a URL, or its path alone, which then serves every host."""

    @property
    def identity(self) -> str:
        """The `_id` of its document."""
        return f"{self.service}-{self.version}-{self.path}"


class StoredMap(NamedTuple):
    """A map that is kept, without its content."""

    key: MapKey
    sha256: str
    """Of the compressed content, hexadecimal; changes when the map does."""
    created: str = ""
    """When it was stored, RFC 3339; empty where the store does not say."""
    size: int | None = None
    """Bytes, compressed; None where the store does not say."""


class Listing(NamedTuple):
    """All maps that there are."""

    maps: list[StoredMap]
    left_out: int = 0
    """Those beyond `MOST_MAPS`."""


class Packed(NamedTuple):
    """A map's content in the form in which it is kept; made by `map_content.Packer`."""

    zipped: bytes
    """zlib of the JSON."""
    sha256: str


class MapUnusable(Exception):
    """The stored content is no source map that can be used; the message says why in the original's words. Asking again
    gives the same until the map is replaced."""


class MapTooLarge(MapUnusable):
    """Likewise: it is larger, decompressed, than the limit."""


class MapsUnavailable(Exception):
    """The store cannot be asked, or does not do it now; the message says why, for a log or a person."""

    def __init__(self, reason: str, status: int = 0, phrase: str = "", answer: str = "") -> None:
        super().__init__(reason)
        self.status = status
        """What Elasticsearch answered; 0: nothing, or there is no Elasticsearch."""
        self.phrase = phrase
        """The words after the status."""
        self.answer = answer
        """The body, or the beginning of it."""


class NoPlaceYet(MapsUnavailable):
    """Nobody has stored a map so far: the index is not there."""


class MapsForbidden(MapsUnavailable):
    """Our own credentials, or this user, do not suffice."""


class MapRefused(Exception):
    """The map cannot be kept for what it is; the message says why."""


class MapStore(Protocol):
    """Where maps are kept. Called in threads, several calls at a time; every method may raise MapsUnavailable."""

    where: str
    """For a person."""

    def maps(self) -> Listing:
        """Keys and hashes of all maps, read page by page. Raises NoPlaceYet where nobody has stored one."""

    def content(self, key: MapKey, largest: int) -> bytes | None:
        """The JSON of the map, `largest` bytes at most; None if there is none. Raises MapUnusable, MapTooLarge."""

    def put(self, key: MapKey, packed: Packed, created: str) -> None:
        """Keeps the map, in place of another of the same key; makes the place where there is none. `created`: RFC 3339.
        Raises MapRefused."""

    def delete(self, key: MapKey) -> bool:
        """Removes the map; False if there was none."""

    def close(self) -> None:
        """Ends connections; calls under way fail soon."""
