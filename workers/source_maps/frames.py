"""Source maps applied to the stack frames of a document: intake-to-documents.md 5.2. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from tidegate.workers.mapping.memo import text_memo
from tidegate.workers.source_maps.paths import cleaned
from tidegate.workers.store.source_maps import MapKey

if TYPE_CHECKING:
    from tidegate.workers.mapping.stream import Stream
    from tidegate.workers.source_maps.parsed import Context, Place

MOST_FRAMES = 512
"""Of an event that are mapped, the innermost ones of each stack trace: the browsers' agent sends 50 of an error. What a
made-up event may cost is 20 ms."""
MOST_CONTEXT = 256 << 10
"""Letters of source lines that an event is given: some hundred frames with lines of a usual length. Without a limit a made-up
event of 300 KiB grows to gigabytes."""
OUTERMOST = "<anonymous>"
UNNAMED = "<unknown>"
TOO_MANY = f"source maps are applied to {MOST_FRAMES} frames of an event"

_Frame = dict[str, Any]


class Map(Protocol):
    """A source map; see `parsed.ParsedMap`."""

    def locate(self, line: int, column: int) -> Place | None: ...

    def context(self, place: Place) -> Context | None: ...


class NoMap(NamedTuple):
    """There is no map for a frame, or it cannot be used."""

    text: str
    """For `sourcemap.error`."""
    wanted: MapKey | None = None
    """The map would be there after a while."""


Find = Callable[[str, str, str], Map | NoMap]
"""The map for a service's name and version and the cleaned path of a frame."""


class SourceMapping:
    """An enrichment of events from browsers, the first one: what it finds is looked at by all others.

    The document is complete in any case; `take_wanted` tells the maps with which it would be better.
    """

    def __init__(self, find: Find) -> None:
        self._find = find
        self._cleaned = text_memo(cleaned)
        self._wanted: set[MapKey] = set()

    def __call__(self, document: dict[str, Any], stream: Stream) -> None:
        """Maps all frames of the document."""
        service = document.get("service")
        if not isinstance(service, dict):  # else it is the stream's, or that with a target, ready-made
            service = stream.service
        name, version = service.get("name"), service.get("version")
        if not name or not version:
            return
        frames_left, context_left = MOST_FRAMES, MOST_CONTEXT
        for frames in _stacktraces(document):
            function = OUTERMOST
            for frame in reversed(frames[:frames_left]):
                line = frame.get("line", {})
                if "number" not in line or "column" not in line or "abs_path" not in frame:
                    continue
                path = self._cleaned[frame["abs_path"]]
                found = self._find(name, version, path)
                if isinstance(found, NoMap):
                    frame["sourcemap"] = {"error": found.text}
                    if found.wanted is not None:
                        self._wanted.add(found.wanted)
                    continue
                place = found.locate(line["number"], line["column"])
                if place is None:
                    continue
                context = found.context(place) if context_left > 0 else None
                if context is not None:
                    context_left -= sum(map(len, (context.line, *context.before, *context.after)))
                _rewrite(frame, path, place, function, context)
                function = place.function or UNNAMED
            for frame in frames[frames_left:]:
                frame["sourcemap"] = {"error": TOO_MANY}
            frames_left = max(frames_left - len(frames), 0)

    def take_wanted(self) -> frozenset[MapKey]:
        """The maps that were wanted since the last call."""
        wanted = frozenset(self._wanted)
        self._wanted.clear()
        return wanted


def _stacktraces(document: dict[str, Any]) -> Iterator[list[_Frame]]:
    if "span" in document:
        yield document["span"].get("stacktrace", [])
    if "error" in document:
        error = document["error"]
        yield error.get("log", {}).get("stacktrace", [])
        for exception in error.get("exception", ()):
            yield exception.get("stacktrace", [])


def _rewrite(frame: _Frame, path: str, place: Place, function: str, context: Context | None) -> None:
    """Puts the frame to its place in the source; what it was stands in `original`."""
    original = frame.setdefault("original", {})
    line = frame["line"]
    for field in ("abs_path", "filename", "classname", "function"):
        if field in frame:
            original[field] = frame[field]
    original["colno"], original["lineno"] = line["column"], line["number"]
    if place.source:
        frame["filename"] = place.source
    frame["abs_path"] = path
    frame["function"] = function
    frame["line"] = line = {"number": place.line, "column": place.column}
    frame.pop("context", None)
    if context is not None:
        if context.line:
            line["context"] = context.line
        around = {name: lines for name, lines in (("pre", context.before), ("post", context.after)) if lines}
        if around:
            frame["context"] = around
    frame["sourcemap"] = {"updated": True}
