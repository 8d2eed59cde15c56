"""Batches in, documents and verdict fields out."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest
from tidegate.daemon.outcomes import EventOutcome
from tidegate.daemon.wire.frames import Batch, RequestBase, id_stem, new_batch_id, pack_base
from tidegate.workers.decode.model import Event
from tidegate.workers.pipeline import Pipeline, Processed

METADATA = b'{"metadata":{"service":{"name":"shop","agent":{"name":"python","version":"6"}}}}'
RUM_METADATA = METADATA.replace(b"python", b"rum-js")
SPAN = '{"span":{"id":"%s","trace_id":"r","parent_id":"p","name":"n","type":"t","duration":1,"start":0}}'
UNSAMPLED = (
    '{"transaction":{"id":"u","trace_id":"r","type":"t","duration":1,"sampled":false,"span_count":{"started":0}}}'
)
EMPTY_BREAKDOWN = '{"metricset":{"samples":{"a":{"value":1}},"transaction":{"type":"t"},"span":{"type":"s"}}}'
RUM = '{"x":{"id":"x","tid":"r","t":"page-load","d":1,"yc":{"sd":1},"y":[{"n":"n","t":"t","id":"y","s":1,"d":1}]}}'
BATCH_ID = new_batch_id(1_735_689_600_123, b"0123456789")


def batch(*lines: str, metadata: bytes = METADATA, first_line: int = 0, end: str = "\n") -> Batch:
    body = ("\n".join(lines) + end).encode()
    return Batch(bytes(8), BATCH_ID, 0, first_line, 1_735_689_600 * 10**9, 0, pack_base(RequestBase()), metadata, body)


def ids(result: Processed) -> list[str]:
    return [json.loads(line.split(b"\n")[0])["create"]["_id"].removeprefix(id_stem(BATCH_ID)) for line in result.lines]


def span_ids(result: Processed) -> list[str]:
    return [json.loads(line.split(b"\n")[1])["span"]["id"] for line in result.lines]


def test_documents_in_the_order_of_lines() -> None:
    result = Pipeline(False).process(batch(SPAN % "a", SPAN % "b", SPAN % "c"))
    assert (result.documents, result.accepted, result.failed, result.errors, result.ended) == (3, 3, 0, [], None)
    assert span_ids(result) == ["a", "b", "c"]
    assert ids(result) == ["0", "1", "2"]
    assert result.lines[0].startswith(b'{"create":{"_index":"traces-apm-default","_id":"')
    assert all(line.endswith(b"}\n") and line.count(b"\n") == 2 for line in result.lines)


@pytest.mark.parametrize("end", ["", "\n", "\n\n"])
def test_empty_lines_count_as_lines_only(end: str) -> None:
    result = Pipeline(False).process(batch("", SPAN % "a", "", SPAN % "b", end=end))
    assert ids(result) == ["1", "3"]
    assert (result.accepted, result.failed) == (2, 0)


def test_part_of_a_halved_batch_makes_the_same_ids() -> None:
    whole = Pipeline(False).process(batch(SPAN % "a", SPAN % "b", RUM))
    part = Pipeline(False).process(batch(SPAN % "b", RUM, first_line=1))
    assert part.lines == whole.lines[1:]
    assert ids(whole) == ["0", "1", "2.0", "2.1"]


def test_a_redone_batch_makes_the_same_bytes() -> None:
    lines = batch(SPAN % "a", RUM, UNSAMPLED)
    assert Pipeline(False).process(lines) == Pipeline(False).process(lines)


def test_bad_lines_are_told_with_their_numbers() -> None:
    result = Pipeline(False).process(batch(SPAN % "a", *["nonsense"] * 7, SPAN % "b", first_line=10))
    assert (result.accepted, result.failed, result.documents) == (2, 7, 2)
    assert [error.line for error in result.errors] == [11, 12, 13, 14, 15]
    assert {(error.message, error.document) for error in result.errors} == {
        ('did not recognize object type: ""', b"nonsense")
    }
    assert result.counts == {EventOutcome.INVALID: 7}


@pytest.mark.parametrize(
    ("metadata", "message"),
    [
        (b'{"metadata":{}}', "validation error: 'metadata' required"),
        (b'{"span":{}}', '"metadata" or "m" required'),
    ],
)
def test_bad_metadata_ends_the_stream(metadata: bytes, message: str) -> None:
    result = Pipeline(False).process(batch(SPAN % "a", metadata=metadata))
    assert result.ended is not None
    assert (result.ended.status, result.ended.message, result.ended.document) == (400, message, metadata)
    assert (result.lines, result.accepted, result.failed) == ([], 0, 0)


def test_unsampled_transactions_are_accepted_and_dropped() -> None:
    result = Pipeline(False).process(batch(UNSAMPLED, SPAN % "a"))
    assert (result.accepted, result.documents, result.counts) == (2, 1, {EventOutcome.UNSAMPLED: 1})


def test_unsampled_transactions_of_browsers_are_kept() -> None:
    assert Pipeline(False).process(batch(UNSAMPLED, metadata=RUM_METADATA)).documents == 1
    own_agent = UNSAMPLED.replace('"sampled"', '"context":{"service":{"agent":{"name":"rum-js"}}},"sampled"')
    assert Pipeline(False).process(batch(own_agent)).documents == 1


def test_an_empty_breakdown_is_nothing() -> None:
    result = Pipeline(False).process(batch(EMPTY_BREAKDOWN))
    assert (result.accepted, result.documents, result.counts) == (0, 0, {EventOutcome.EMPTY_BREAKDOWN: 1})


def test_observers_see_every_decoded_event_once() -> None:
    seen: list[list[str]] = []

    def observe(events: Sequence[Event]) -> None:
        seen.append([type(event).__name__ for event in events])

    Pipeline(False, [observe]).process(batch(UNSAMPLED, "bad", SPAN % "a", EMPTY_BREAKDOWN, RUM))
    assert seen == [["Transaction", "Span", "Metricset", "RumTransaction", "RumSpan"]]


def test_streams_of_other_bases_are_other_streams() -> None:
    pipeline = Pipeline(False)
    one = batch(SPAN % "a")
    for namespace in ("default", "other", "default"):
        [line] = pipeline.process(one._replace(base=pack_base(RequestBase(namespace=namespace)))).lines
        assert f'"_index":"traces-apm-{namespace}"'.encode() in line


DEEP = 2_000


def test_values_deeper_than_any_recursion() -> None:
    custom = '{"a":' * DEEP + "1" + "}" * DEEP
    line = UNSAMPLED.replace('"sampled":false', f'"context":{{"custom":{custom}}}')
    [document] = Pipeline(False).process(batch(line)).lines
    assert document.count(b'{"a":') == DEEP


def test_complete_documents() -> None:
    """What the cluster's pipelines would add: section 12."""
    lines = {
        "transaction": UNSAMPLED.replace('"sampled":false', '"outcome":"success","sample_rate":0.5'),
        "span": SPAN % "s",
        "error": '{"error":{"id":"e","log":{"message":"m"}}}',
        "log": '{"log":{"message":"m"}}',
        "log error": '{"log":{"error.type":"T"}}',
        "metricset": '{"metricset":{"samples":{"a.b":{"value":1},"service":{"value":2},"h":{"type":"histogram","values":[1],'
        '"counts":[2]},"s":{"type":"summary","value":1}}}}',
    }
    result = Pipeline(True).process(batch(*lines.values()))
    documents = dict(zip(lines, [json.loads(line.split(b"\n")[1]) for line in result.lines], strict=True))

    def part(name: str, *keys: str) -> list[Any]:
        return [documents[name].get(key) for key in keys]

    assert part("transaction", "processor", "event") == [
        {"event": "transaction"},
        {"outcome": "success", "success_count": 2},
    ]
    assert documents["transaction"]["transaction"]["duration"] == {"us": 1000}
    assert part("span", "processor", "event") == [{"event": "span"}, {"outcome": "unknown"}]
    assert documents["span"]["span"]["duration"] == {"us": 1000}
    assert part("error", "processor", "event") == [{"event": "error"}, {"dataset": "apm.error"}]
    assert part("log", "processor", "event") == [None, {"kind": "event", "dataset": "apm.app.shop"}]
    assert part("log error", "processor", "event") == [{"event": "error"}, {"dataset": "apm.error"}]
    assert part("metricset", "processor", "a.b", "h", "s", "metricset") == [
        {"event": "metric"},
        1,
        {"values": [1], "counts": [2]},
        {"sum": 0, "value_count": 0},
        {"name": "app"},
    ]
    assert documents["metricset"]["service"]["name"] == "shop"
