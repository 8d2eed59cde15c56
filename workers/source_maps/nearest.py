"""Which stored maps come closest to what a frame needs, and how they differ. Pure."""

from __future__ import annotations

import difflib
import posixpath
from collections.abc import Iterable
from typing import NamedTuple

from tidegate.workers.mapping.go_url import UrlError, parse_url
from tidegate.workers.source_maps.paths import Lookup, aliases
from tidegate.workers.store.source_maps import MapKey

MOST = 5
"""As many are shown."""
_ALIKE = 0.6
"""From this likeness on, names of files count as builds of the same file, such as `app.3f2a.js` and `app.9c1e.js`."""


class Near(NamedTuple):
    """A stored map that does not serve the frame."""

    key: MapKey
    differences: list[str]
    """In words; the first one is what to look at."""


def nearest(service: str, version: str, lookup: Lookup, stored: Iterable[MapKey]) -> list[Near]:
    """The closest ones of the stored maps, the closest first. Those with nothing in common are left out."""
    name = posixpath.basename(_path_of(lookup.named))
    ranked = []
    for key in stored:
        path = None if _fits(key.path, lookup) else _path_difference(key.path, lookup, name)
        if path == "":
            continue
        differences = [
            *([] if key.service == service else [_text_difference("service", key.service, service)]),
            *([] if key.version == version else [_text_difference("version", key.version, version)]),
            *([path] if path else []),
        ]
        likeness = difflib.SequenceMatcher(None, key.path, lookup.named).quick_ratio()
        ranked.append((len(differences), key.service != service, -likeness, key, differences))
    ranked.sort(key=lambda one: one[:4])
    return [Near(key, differences) for *_, key, differences in ranked[:MOST]]


def _fits(path: str, lookup: Lookup) -> bool:
    return path in lookup.paths or any(alias in lookup.paths for alias in aliases(path))


def _text_difference(what: str, stored: str, sent: str) -> str:
    if stored.strip().lower() == sent.strip().lower():
        return f"the {what} is {stored!r} here and {sent!r} in the frames: letters and spaces count"
    return f"the {what} is {stored!r} here and {sent!r} in the frames"


def _path_difference(path: str, lookup: Lookup, name: str) -> str:
    """How a stored path differs from what is looked up; "" where it is that of another file."""
    stored = _path_of(path)
    other = posixpath.basename(stored)
    if other == f"{name}.map":
        return "the path names the map: it has to name the minified file, without .map"
    if other == name:
        if "/" not in stored:
            return "the path is a bare name: it has to begin with the folders of the URL, or be the whole URL"
        return f"the folders differ: {stored} here and {_path_of(lookup.named)} in the frames"
    if name and difflib.SequenceMatcher(None, other, name).ratio() >= _ALIKE:
        return f"the file is {other} here and {name} in the frames: is it another build?"
    return ""


def _path_of(path: str) -> str:
    try:
        return parse_url(path).path or path
    except UrlError:
        return path
