"""Which source maps an upload is about: the files that were named, or all of a build's folder, each with its key."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from tidegate.workers.store.map_check import key_of
from tidegate.workers.store.source_maps import MapKey, MapRefused

MAP_ENDS = (".js.map", ".mjs.map", ".cjs.map")
"""Maps of scripts; browsers report no frames from style sheets."""
MOST_FILES = 10_000
"""Of one upload; a build has hundreds. More is a wrong folder, such as `/` or one with node_modules."""


class Upload(NamedTuple):
    """A file and what it is the map of."""

    file: Path
    key: MapKey


class NothingToUpload(Exception):
    """The arguments do not say which file is the map of what; the message says what is missing."""


def uploads(sources: Sequence[Path], service: str, version: str, path: str, root: str) -> list[Upload]:
    """What is to be uploaded. `path`: of the one minified file; else `root`: the URL or path of the folder from which they are
    served, to which the place of each file in its folder is added. Raises NothingToUpload."""
    if bool(path) == bool(root):
        raise NothingToUpload(
            "where is it served? Say --bundle-filepath URL for one map, or --bundle-root URL for those of a folder"
        )
    if path and (len(sources) != 1 or sources[0].is_dir()):
        raise NothingToUpload("--bundle-filepath is of one file: name one source map, or use --bundle-root")
    found = []
    for source in sources:
        if not source.is_dir():
            found.append((source, path or _below(root, source.name)))
            continue
        for file in _maps_in(source):
            if len(found) >= MOST_FILES:
                raise NothingToUpload(f"{source} has more than {MOST_FILES} source maps: is it the folder of a build?")
            found.append((file, _below(root, file.relative_to(source).as_posix())))
    if not found:
        raise NothingToUpload(f"there is no file *{', *'.join(MAP_ENDS)} in {', '.join(map(str, sources))}")
    return [Upload(file, _key(file, service, version, bundle)) for file, bundle in found]


def _key(file: Path, service: str, version: str, bundle: str) -> MapKey:
    try:
        return key_of(service, version, bundle)
    except MapRefused as problem:
        raise NothingToUpload(f"{file}: {problem}") from problem


def _maps_in(folder: Path) -> Iterator[Path]:
    for place, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(names):
            if name.endswith(MAP_ENDS):
                yield Path(place, name)


def _below(root: str, name: str) -> str:
    return f"{root.rstrip('/')}/{name.removesuffix('.map')}"
