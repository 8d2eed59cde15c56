"""Error grouping key: intake-to-documents.md 5.4."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from xxhash import xxh64_hexdigest

if TYPE_CHECKING:
    from tidegate.workers.mapping.stream import Stream


def set_grouping_key(document: dict[str, Any], _: Stream) -> None:
    """Errors with the same key are one group in Kibana."""
    error = document.get("error")
    if error is not None:
        error["grouping_key"] = xxh64_hexdigest(_input(error).encode())


def _input(error: dict[str, Any]) -> str:
    exceptions = error.get("exception", ())
    log = error.get("log", {})
    head = "".join([one.get("type", "") for one in exceptions]) + log.get("param_message", "")
    frames = "".join([text for one in exceptions for text in _frame_texts(one.get("stacktrace", ()))])
    found = head + (frames or "".join(_frame_texts(log.get("stacktrace", ()))))
    return found or "".join([one.get("message", "") for one in exceptions]) or log.get("message", "")


def _frame_texts(frames: list[dict[str, Any]]) -> Iterator[str]:
    for frame in frames:
        if not frame["exclude_from_grouping"]:
            yield frame.get("module") or frame.get("filename") or frame.get("classname") or ""
            yield frame.get("function", "")
