"""Which maps are stored, and which of them serves a frame. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from tidegate.workers.source_maps.paths import Lookup, aliases
from tidegate.workers.store.source_maps import MapKey, StoredMap


class Catalogue:
    """All stored maps by their keys, and by the other paths that stand for them."""

    def __init__(self, stored: Iterable[StoredMap]) -> None:
        self.hashes: dict[MapKey, str] = {one.key: one.sha256 for one in stored}
        self._aliases = {key._replace(path=path): key for key in self.hashes for path in aliases(key.path)}

    def find(self, service: str, version: str, lookup: Lookup) -> MapKey | None:
        """The stored map for a frame: for each path in turn one of exactly this key, else one that the path stands for."""
        for path in lookup.paths:
            key = MapKey(service, version, path)
            if key in self.hashes:
                return key
            if (meant := self._aliases.get(key)) is not None:
                return meant
        return None

    def outdated(self, newer: Catalogue) -> list[MapKey]:
        """The maps of this catalogue that are others in a newer one, or are not there any more."""
        return [key for key, sha256 in self.hashes.items() if newer.hashes.get(key) != sha256]
