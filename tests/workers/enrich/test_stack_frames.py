"""Flags of frames and the culprit (intake-to-documents.md 5.3), and their effect on the grouping key."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tidegate.daemon.wire.frames import Batch, RequestBase, pack_base
from tidegate.workers.decode.lines import read_metadata
from tidegate.workers.enrich.order import frame_enrichments
from tidegate.workers.enrich.stack_frames import set_culprit
from tidegate.workers.mapping.stream import Stream
from tidegate.workers.pipeline import Pipeline

METADATA = b'{"metadata":{"service":{"name":"s","agent":{"name":"rum-js","version":"1"}}}}'
STREAM = Stream(RequestBase(rum=True), read_metadata(METADATA))
FRAMES = [
    {"filename": "x/node_modules/a.js", "function": "f"},
    {"filename": "a.js", "abs_path": "http://h/~/a.js", "function": "g"},
    {"filename": "b.js", "library_frame": True, "function": "h"},
    {"filename": "/webpack/c.js", "function": "i"},
    {"classname": "~", "function": "j"},
]


def documents(
    line: dict[str, Any], rum: bool = True, library: str = "node_modules|~", exclude: str = "^/webpack"
) -> Any:
    pipeline = Pipeline(False, frames=frame_enrichments(library, exclude))
    base = pack_base(RequestBase(rum=rum))
    batch = Batch(bytes(8), bytes(16), 0, 0, 0, 0, base, METADATA, json.dumps(line).encode() + b"\n")
    [document] = pipeline.process(batch).lines
    return json.loads(document.split(b"\n")[1])


def error(**further: Any) -> dict[str, Any]:
    exception = {"type": "T", "stacktrace": FRAMES, "cause": [{"type": "U", "stacktrace": FRAMES[:1]}]}
    return {"error": {"id": "e", "exception": exception, **further}}


def flags(frames: list[dict[str, Any]]) -> list[tuple[bool, bool, bool]]:
    return [
        (
            one.get("library_frame", False),
            one.get("original", {}).get("library_frame", False),
            one["exclude_from_grouping"],
        )
        for one in frames
    ]


YES, NO = True, False
FLAGGED = [(YES, NO, NO), (YES, NO, NO), (NO, YES, NO), (NO, NO, YES), (NO, NO, NO)]
AS_SENT = [(NO, NO, NO), (NO, NO, NO), (YES, NO, NO), (NO, NO, NO), (NO, NO, NO)]
"""For each frame: a library's, called so by the agent, out of grouping."""


def test_frames_of_an_error_and_its_causes() -> None:
    first, cause = documents(error(log={"message": "m", "stacktrace": FRAMES}))["error"]["exception"]
    assert flags(first["stacktrace"]) == FLAGGED
    assert flags(cause["stacktrace"]) == FLAGGED[:1]
    assert flags(documents(error(log={"message": "m", "stacktrace": FRAMES}))["error"]["log"]["stacktrace"]) == FLAGGED


def test_frames_of_a_span() -> None:
    span = {"id": "i", "name": "n", "trace_id": "t", "parent_id": "p", "type": "y", "duration": 1, "start": 0}
    document = documents({"span": {**span, "stacktrace": FRAMES}})
    assert flags(document["span"]["stacktrace"]) == FLAGGED


@pytest.mark.parametrize(
    ("line", "rum"),
    [(error(), False), (error(transaction_id="i", trace_id="t", parent_id="p"), True)],
)
def test_frames_that_stay_as_sent(line: dict[str, Any], rum: bool) -> None:
    assert flags(documents(line, rum)["error"]["exception"][0]["stacktrace"]) == AS_SENT


def test_short_errors_within_a_transaction_are_flagged() -> None:
    line = {"e": {"id": "e", "xid": "i", "tid": "t", "pid": "p", "ex": {"t": "T", "st": [{"f": "node_modules/a"}]}}}
    assert flags(documents(line)["error"]["exception"][0]["stacktrace"]) == FLAGGED[:1]


def test_empty_patterns_turn_the_steps_off() -> None:
    assert flags(documents(error(), library="", exclude="")["error"]["exception"][0]["stacktrace"]) == AS_SENT


def test_the_grouping_key_counts_frames_that_are_not_excluded() -> None:
    keys = {
        documents(error(), exclude=pattern)["error"]["grouping_key"] for pattern in ("", "^/webpack", "nothing", "b")
    }
    assert len(keys) == 3


MAPPED = {"sourcemap": {"updated": True}}


@pytest.mark.parametrize(
    ("log", "exceptions", "culprit"),
    [
        ([], [], None),
        ([{"filename": "a", "function": "f"}], [], None),
        ([{"filename": "a", "function": "f", **MAPPED}], [[{"filename": "b", **MAPPED}]], "a in f"),
        ([{"filename": "a", "library_frame": True, **MAPPED}], [[{"filename": "b", **MAPPED}]], "b"),
        ([], [[{"classname": "c", "function": "f", **MAPPED}]], "c in f"),
        ([], [[{"filename": "a", "sourcemap": {"error": "x"}}], [{"filename": "b", **MAPPED}]], None),
    ],
)
def test_the_culprit(log: list[Any], exceptions: list[list[Any]], culprit: str | None) -> None:
    document = {"error": {"log": {"stacktrace": log}, "exception": [{"stacktrace": one} for one in exceptions]}}
    set_culprit(document, STREAM)
    assert document["error"].get("culprit") == culprit
