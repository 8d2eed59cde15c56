"""A source map that has been read: which place of which source a place in the minified file is.

`symbolic` does the reading; why, and where its answers are made the original's: docs/decisions/0004-source-maps.md.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import msgspec
from tidegate.workers.mapping.go_url import UrlError, parse_url
from tidegate.workers.source_maps.paths import clean_path
from tidegate.workers.store.source_maps import MapUnusable

if TYPE_CHECKING:
    from symbolic.sourcemap import SourceMapView

CONTEXT_LINES = 5
"""Before and after the line itself, as in the original."""
LONGEST_LINE = 64 << 10
"""Letters of a line of context; a longer one is left out. (The original leaves such a frame unmapped.)"""
_NONE = 0xFFFFFFFF
"""How symbolic says that there is no such thing."""


class Context(NamedTuple):
    """What stands around a place in its source."""

    line: str
    before: list[str]
    after: list[str]


class Place(NamedTuple):
    """A place in a source."""

    source: str
    """The name; "": the map gives none."""
    line: int
    """From 1."""
    column: int
    """From 0."""
    function: str
    """The name that the map has for this place; ""."""
    number: int
    """Of the source in the map."""


class _Section(msgspec.Struct):
    """Contents are passed over, which costs little; only symbolic reads the mappings."""


class _Head(msgspec.Struct):
    version: int = 3
    root: str | None = msgspec.field(name="sourceRoot", default="")
    sources: list[str | None] = msgspec.field(default_factory=list)
    sections: list[_Section] | None = None


_head = msgspec.json.Decoder(_Head).decode


class ParsedMap:
    """A source map in memory, some two to three times its JSON."""

    def __init__(self, content: bytes) -> None:
        """Takes time, without holding up other threads. Raises MapUnusable."""
        # Only where a map is there: the library costs 5 MiB of memory and 50 ms.
        from symbolic.exceptions import SymbolicError  # noqa: PLC0415 - see above
        from symbolic.sourcemap import SourceMapView  # noqa: PLC0415 - see above

        try:
            self._view: SourceMapView = SourceMapView.from_json_bytes(content)
            head = _head(content)
        except SymbolicError as problem:
            raise MapUnusable(f"sourcemap malformed: {problem}") from problem
        except (msgspec.MsgspecError, RecursionError) as problem:
            raise MapUnusable(f"sourcemap malformed: {problem}") from problem
        if head.version not in (0, 3):
            raise MapUnusable(
                f"sourcemap malformed: sourcemap: got version={head.version}, but only 3rd version is supported"
            )
        count = len(self._view)
        if not count:
            raise MapUnusable("sourcemap malformed: sourcemap: mappings are empty")
        self._last_line: int = self._view[count - 1].dst_line
        self._names = _rooted(head) if head.root and not head.sections else None

    def locate(self, line: int, column: int) -> Place | None:
        """The place of the last mapping at or before `line` (from 1) and `column`; None where there is none."""
        if not 0 < line <= self._last_line + 1:
            return None
        found = self._view.lookup(line - 1, min(column, _NONE))
        if found is None or found.src_id is None or found.src_id == _NONE:
            return None
        number = found.src_id
        source = (self._names[number] if self._names else found.src) or ""
        return Place(source, (found.src_line + 1) & _NONE, found.src_col, found.name or "", number)

    def context(self, place: Place) -> Context | None:
        """What stands around a place; None where the map does not contain its source."""
        lines = self._view.get_sourceview(place.number)
        at = place.line - 1
        if lines is None or not 0 <= at < len(lines):
            return None
        first = max(at - CONTEXT_LINES, 0)
        texts = lines[first : at + CONTEXT_LINES + 1]
        short = [text if len(text) <= LONGEST_LINE else "" for text in texts]
        return Context(short[at - first], short[: at - first], short[at - first + 1 :])


def _rooted(head: _Head) -> list[str]:
    """The names of the sources with the root before them, as the original joins them."""
    root = head.root or ""
    try:
        url = parse_url(root)
    except UrlError:
        url = None
    names = []
    for source in head.sources:
        name = source or ""
        if name.startswith("/") or _is_absolute(name):
            names.append(name)
        elif url is not None and url.scheme:
            path = clean_path(f"{url.path}/{name}")
            names.append(url._replace(path=path, escaped_path=path).text())
        else:
            names.append(clean_path(f"{root}/{name}"))
    return names


def _is_absolute(name: str) -> bool:
    try:
        return bool(parse_url(name).scheme)
    except UrlError:
        return False
