"""Flags of stack frames and the culprit, for events of browsers: intake-to-documents.md 5.3."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from tidegate.workers.enrich.pattern_search import PatternSearch
from tidegate.workers.mapping.memo import text_memo

if TYPE_CHECKING:
    from tidegate.workers.mapping.stream import Stream

_Frames = list[dict[str, Any]]


def library_frames(pattern: str) -> Callable[[dict[str, Any], Stream], None]:
    """An enrichment: a frame is a library's if the pattern is found in its file's name or path, whatever the agent says;
    what it said stays beside. Raises PatternError."""
    found = text_memo(PatternSearch(pattern).found_in)

    def flag_library_frames(document: dict[str, Any], _: Stream) -> None:
        for frames in _stacktraces(document):
            for frame in frames:
                if frame.pop("library_frame", False):
                    frame.setdefault("original", {})["library_frame"] = True
                if _fits(found, frame, "filename") or _fits(found, frame, "abs_path"):
                    frame["library_frame"] = True

    return flag_library_frames


def frames_out_of_grouping(pattern: str) -> Callable[[dict[str, Any], Stream], None]:
    """An enrichment: a frame does not count for the grouping key if the pattern is found in its file's name.
    Raises PatternError."""
    found = text_memo(PatternSearch(pattern).found_in)

    def flag_frames_out_of_grouping(document: dict[str, Any], _: Stream) -> None:
        for frames in _stacktraces(document):
            for frame in frames:
                frame["exclude_from_grouping"] = _fits(found, frame, "filename")

    return flag_frames_out_of_grouping


def set_culprit(document: dict[str, Any], _: Stream) -> None:
    """The culprit of an error is its first frame that a source map was applied to and that is no library's; those of the
    log come first, then those of the outermost exception."""
    error = document.get("error")
    if error is None:
        return
    exceptions = error.get("exception", ())
    for section in (error.get("log", {}), *exceptions[:1]):
        for frame in section.get("stacktrace", ()):
            if frame.get("sourcemap", {}).get("updated") and not frame.get("library_frame"):
                place = frame.get("filename") or frame.get("classname", "")
                error["culprit"] = f"{place} in {frame['function']}" if frame.get("function") else place
                return


def _fits(found: dict[str, bool], frame: dict[str, Any], field: str) -> bool:
    text: str = frame.get(field, "")
    return bool(text) and found[text]


def _stacktraces(document: dict[str, Any]) -> Iterator[_Frames]:
    """Those of the span, if the event has any; else those of the error. (So a v2 error within a transaction keeps the
    agent's flags, as it carries `span.id`.)"""
    span = document.get("span")
    if span is not None:
        yield span.get("stacktrace", [])
        return
    error = document.get("error")
    if error is not None:
        yield error.get("log", {}).get("stacktrace", [])
        for exception in error.get("exception", ()):
            yield exception.get("stacktrace", [])
