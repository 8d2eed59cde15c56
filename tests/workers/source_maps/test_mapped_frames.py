"""What source maps make of stack frames, through the whole pipeline: intake-to-documents.md 5.2, 5.3."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tidegate.daemon.wire.frames import Batch, RequestBase, pack_base
from tidegate.workers.enrich.order import frame_enrichments
from tidegate.workers.pipeline import Pipeline, Processed
from tidegate.workers.source_maps.frames import MOST_CONTEXT, MOST_FRAMES, TOO_MANY, Map, NoMap, SourceMapping
from tidegate.workers.source_maps.parsed import Context, Place
from tidegate.workers.store.source_maps import MapKey

ABSENT = "no such map"
LATE = MapKey("s", "1", "/late.js")


class FakeMap:
    """Line 1 of a minified file: each column is a place of its own, named after the column, from column 10 on without a
    name, from 20 on without a source, and from 30 on none at all."""

    def __init__(self, context: Context | None = None) -> None:
        self._context = context

    def locate(self, line: int, column: int) -> Place | None:
        if line != 1 or column >= 30:
            return None
        source = "src/a.ts" if column < 20 else ""
        return Place(source, 100 + column, column, f"f{column}" if column < 10 else "", 0)

    def context(self, place: Place) -> Context | None:
        return self._context


AROUND = Context("the line", ["before"], ["after", "last"])


def find(service: str, version: str, path: str) -> Map | NoMap:
    if (service, version) != ("s", "1"):
        return NoMap(f"{ABSENT}: {service} {version}")
    return {
        "http://h/a.js": FakeMap(AROUND),
        "http://h/bare.js": FakeMap(),
        "http://h/late.js": NoMap("too late", LATE),
    }.get(path, NoMap(ABSENT))


def metadata(**service: Any) -> bytes:
    agent = {"name": "rum-js", "version": "1"}
    return json.dumps({"metadata": {"service": {"name": "s", "version": "1", "agent": agent, **service}}}).encode()


def batch(event: dict[str, Any], *, rum: bool = True, meta: bytes | None = None) -> Batch:
    base = pack_base(RequestBase(rum=rum))
    return Batch(bytes(8), bytes(16), 0, 0, 0, 0, base, meta or metadata(), json.dumps(event).encode() + b"\n")


def pipeline(observed: list[Any] | None = None) -> Pipeline:
    frames = frame_enrichments("node_modules|~", "^/webpack")
    observers = [] if observed is None else [observed.append]
    return Pipeline(False, observers, frames=frames, source_mapping=SourceMapping(find))


def document(event: dict[str, Any], **further: Any) -> Any:
    [line] = pipeline().process(batch(event, **further)).lines
    return json.loads(line.split(b"\n")[1])


def frame(
    column: int | None = 1, abs_path: str = "http://h/a.js", line: int | None = 1, **further: Any
) -> dict[str, Any]:
    own = {"filename": "a.js", "abs_path": abs_path, "lineno": line, "colno": column}
    return {**{name: value for name, value in own.items() if value is not None}, **further}


def error(*frames: dict[str, Any], **further: Any) -> dict[str, Any]:
    return {"error": {"id": "e", "exception": {"type": "T", "stacktrace": list(frames)}, **further}}


def mapped(*frames: dict[str, Any]) -> Any:
    return document(error(*frames))["error"]["exception"][0]["stacktrace"]


ORIGINAL = {"abs_path": "http://h/a.js", "filename": "a.js", "lineno": 1, "colno": 1}
TO_SOURCE = {
    "filename": "src/a.ts",
    "abs_path": "http://h/a.js",
    "function": "<anonymous>",
    "line": {"number": 101, "column": 1, "context": "the line"},
    "context": {"pre": ["before"], "post": ["after", "last"]},
    "sourcemap": {"updated": True},
    "exclude_from_grouping": False,
    "original": ORIGINAL,
}


@pytest.mark.parametrize(
    ("sent", "written"),
    [
        (frame(), TO_SOURCE),
        (
            frame(abs_path="http://h/x/../a.js", function="m", classname="C", context_line="var a", pre_context=["p"]),
            {
                **TO_SOURCE,
                "classname": "C",
                "original": {**ORIGINAL, "abs_path": "http://h/x/../a.js", "function": "m", "classname": "C"},
            },
        ),
        (
            frame(abs_path="http://h/bare.js", post_context=["p"]),
            {
                **{name: value for name, value in TO_SOURCE.items() if name != "context"},
                "abs_path": "http://h/bare.js",
                "line": {"number": 101, "column": 1},
                "original": {**ORIGINAL, "abs_path": "http://h/bare.js"},
            },
        ),
        (
            frame(column=25),
            {**TO_SOURCE, "filename": "a.js", "line": {"number": 125, "column": 25, "context": "the line"}}
            | {"original": {**ORIGINAL, "colno": 25}},
        ),
        (frame(library_frame=True), {**TO_SOURCE, "original": {**ORIGINAL, "library_frame": True}}),
    ],
    ids=["mapped", "replaces", "without-sources", "without-source", "library"],
)
def test_a_mapped_frame(sent: dict[str, Any], written: dict[str, Any]) -> None:
    assert mapped(sent) == [written]


@pytest.mark.parametrize(
    ("sent", "text"),
    [
        (frame(column=None), None),
        (frame(line=None), None),
        (frame(abs_path=""), None),
        (frame(column=40), None),
        (frame(line=2), None),
        (frame(abs_path="http://h/b.js"), ABSENT),
        (frame(abs_path="http://h/late.js"), "too late"),
        (frame(abs_path="http://h/%zz"), ABSENT),
    ],
)
def test_a_frame_that_stays_as_sent(sent: dict[str, Any], text: str | None) -> None:
    [one] = mapped(sent)
    assert one.pop("sourcemap", None) == (text and {"error": text})
    assert "original" not in one
    assert (one["filename"], one.get("abs_path", "")) == ("a.js", sent["abs_path"])


def test_functions_move_one_frame_inwards() -> None:
    """From last to first; a frame that is not mapped passes the name on."""
    frames = [frame(3, function="m"), frame(12), frame(7, "http://h/b.js", function="n"), frame(5), frame(40), frame(4)]
    assert [one.get("function") for one in mapped(*frames)] == ["<unknown>", "f5", "n", "f4", None, "<anonymous>"]


def test_each_stack_trace_begins_anew_and_causes_count() -> None:
    exception = {"type": "T", "stacktrace": [frame(1)], "cause": [{"type": "U", "stacktrace": [frame(2), frame(3)]}]}
    written = document(
        {"error": {"id": "e", "log": {"message": "m", "stacktrace": [frame(4)]}, "exception": exception}}
    )
    functions = [
        [one["function"] for one in section["stacktrace"]]
        for section in (written["error"]["log"], *written["error"]["exception"])
    ]
    assert functions == [["<anonymous>"], ["<anonymous>"], ["f3", "<anonymous>"]]


SPAN = {
    "id": "s",
    "trace_id": "t",
    "parent_id": "p",
    "transaction_id": "p",
    "name": "n",
    "type": "t",
    "start": 1,
    "duration": 1,
}
V3 = b'{"m":{"se":{"n":"s","ve":"1","a":{"n":"rum-js","ve":"1"}}}}'


@pytest.mark.parametrize(
    ("event", "meta"),
    [
        ({"span": {**SPAN, "stacktrace": [frame()]}}, None),
        ({"span": {**SPAN, "stacktrace": [frame()], "context": {"destination": {"service": {"resource": "r"}}}}}, None),
        (error(frame(), transaction_id="x", trace_id="t", parent_id="p"), None),
        (error(frame(), context={"service": {"name": "s", "version": "1"}}), metadata(name="other", version="2")),
        ({"e": {"id": "e", "ex": {"mg": "m", "st": [{"f": "a.js", "ap": "http://h/a.js", "li": 1, "co": 1}]}}}, V3),
    ],
    ids=["span", "span-with-target", "error-in-transaction", "own-service", "v3"],
)
def test_events_with_frames(event: dict[str, Any], meta: bytes | None) -> None:
    assert "src/a.ts" in json.dumps(document(event, meta=meta))


@pytest.mark.parametrize(
    ("event", "meta", "rum"),
    [
        (error(frame()), metadata(version=""), True),
        (error(frame(), context={"service": {"name": "s"}}), None, True),
        (error(frame()), None, False),
        ({"span": {**SPAN, "stacktrace": [frame()]}}, None, False),
    ],
    ids=["no-version", "own-service-without-version", "backend-error", "backend-span"],
)
def test_events_that_are_not_looked_at(event: dict[str, Any], meta: bytes | None, rum: bool) -> None:
    assert "sourcemap" not in json.dumps(document(event, meta=meta, rum=rum))


@pytest.mark.parametrize(
    ("frames", "culprit"),
    [
        ([frame(1), frame(2)], "src/a.ts in f2"),
        ([frame(40), frame(12)], "src/a.ts in <anonymous>"),
        ([frame(1, "http://h/b.js")], "as sent"),
        ([frame(1, "http://h/~/../a.js")], "src/a.ts in <anonymous>"),
    ],
)
def test_the_culprit_is_the_first_mapped_frame(frames: list[dict[str, Any]], culprit: str) -> None:
    assert document(error(*frames, culprit="as sent"))["error"]["culprit"] == culprit


def test_names_of_sources_count_for_the_grouping() -> None:
    one, other = (document(error(frame(column)))["error"]["grouping_key"] for column in (1, 40))
    assert one != other


def test_a_batch_that_may_wait_hands_nothing_on() -> None:
    observed: list[Any] = []
    rig = pipeline(observed)
    late = batch(error(frame(abs_path="http://h/late.js"), frame()))
    waiting = rig.process(late, may_wait=True)
    assert waiting == Processed([], 0, 0, 0, [], None, waiting.counts, wanted=frozenset([LATE]))
    assert not observed
    done = rig.process(late)
    assert (done.documents, done.accepted, done.wanted) == (1, 1, frozenset([LATE]))
    assert len(observed) == 1
    assert rig.process(batch(error(frame())), may_wait=True).documents == 1, "wants nothing"


def test_what_a_made_up_event_costs_is_bounded() -> None:
    """Frames, the innermost of a stack trace first, and what is added to them."""
    huge = Context("x" * 60_000, [], [])

    def found(service: str, version: str, path: str) -> Map | NoMap:
        return FakeMap(huge)

    rig = Pipeline(False, source_mapping=SourceMapping(found))
    frames = [frame(column % 30) for column in range(MOST_FRAMES + 5)]
    cause = {"type": "U", "stacktrace": [frame()]}
    [line] = rig.process(
        batch({"error": {"id": "e", "exception": {"type": "T", "stacktrace": frames, "cause": [cause]}}})
    ).lines
    assert len(line) < 2 * MOST_CONTEXT
    written = json.loads(line.split(b"\n")[1])["error"]["exception"]
    states = [one["sourcemap"] for section in written for one in section["stacktrace"]]
    assert states[:MOST_FRAMES] == [{"updated": True}] * MOST_FRAMES
    assert states[MOST_FRAMES:] == [{"error": TOO_MANY}] * 6
