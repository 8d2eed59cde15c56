"""Stack frames: intake-to-documents.md 4.1.8."""

from __future__ import annotations

from typing import Any

from tidegate.workers.decode.free import normalise_free
from tidegate.workers.decode.model import Frame
from tidegate.workers.mapping.integers import U32


def map_stacktrace(frames: list[Frame]) -> list[dict[str, Any]]:
    """The frames in their order. Frames are the bulk of what agents send, hence one flat loop."""
    mapped: list[dict[str, Any]] = []
    append = mapped.append
    for frame in frames:
        one: dict[str, Any] = {"exclude_from_grouping": False}
        append(one)
        if text := frame.filename:
            one["filename"] = text
        if text := frame.function:
            one["function"] = text
        if text := frame.module:
            one["module"] = text
        if text := frame.abs_path:
            one["abs_path"] = text
        if text := frame.classname:
            one["classname"] = text
        if frame.library_frame:
            one["library_frame"] = True
        if (number := frame.lineno) is not None:
            line: dict[str, Any] = {"number": number & U32}
            one["line"] = line
            if text := frame.context_line:
                line["context"] = text
            if (number := frame.colno) is not None:
                line["column"] = number & U32
        elif frame.context_line or frame.colno is not None:
            one["line"] = _line_without_number(frame)
        if lines := frame.pre_context:
            one["context"] = {"pre": lines, "post": frame.post_context} if frame.post_context else {"pre": lines}
        elif lines := frame.post_context:
            one["context"] = {"post": lines}
        if (variables := frame.vars) and (variables := normalise_free(variables)):
            one["vars"] = variables
    return mapped


def _line_without_number(frame: Frame) -> dict[str, Any]:
    line: dict[str, Any] = {}
    if frame.context_line:
        line["context"] = frame.context_line
    if frame.colno is not None:
        line["column"] = frame.colno & U32
    return line
