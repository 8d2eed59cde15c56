"""RUM v3: intake-to-documents.md 7.7 and 7.8."""

from __future__ import annotations

from typing import Any

from tidegate.daemon.wire.frames import RequestBase

METADATA = {"m": {"se": {"n": "web", "ve": "1", "a": {"n": "rum-js", "ve": "5"}}, "l": {"release": "r1"}}}
LEAST = {"id": "x", "tid": "r", "t": "page-load", "d": 1, "yc": {"sd": 1}}
SPAN = {"n": "n", "t": "t", "id": "y", "s": 1, "d": 1}


def test_transaction_without_span_and_addresses_of_its_own(made: Any, agrees: Any) -> None:
    context = {"q": {"mt": "GET", "he": {"x-forwarded-for": "1.1.1.1", "user-agent": "ua"}}, "g": {"a": "b"}}
    [document] = made({"x": {**LEAST, "c": context}}, METADATA)
    agrees(document, {
        "span": None, "client": None, "source": None, "user_agent": {"original": "ua"},
        "labels": {"release": "r1", "a": "b"}, "_index": "traces-apm.rum-default", "http/request/method": "GET",
    })  # fmt: skip


def test_empty_types(made: Any, agrees: Any) -> None:
    spans = [{**SPAN, "t": ""}, {**SPAN, "t": "", "su": "s"}]
    transaction, unknown, none = made({"x": {**LEAST, "t": "", "y": spans}}, METADATA)
    agrees(transaction, {"transaction/type": None, "_index": "traces-apm.rum-default"})
    agrees(unknown, {"span/type": "unknown"})
    agrees(none, {"span/type": None, "span/subtype": "s"})
    completed = made({"x": {**LEAST, "t": "", "y": spans}}, METADATA, complete=True)
    assert [one["processor"]["event"] for one in completed] == ["span", "span", "span"]


def test_spans(made: Any, agrees: Any) -> None:
    context = {
        "dt": {"se": {"rc": "redis"}},
        "se": {"n": "other", "a": {"n": "a"}},
        "h": {"sc": 404, "url": "http://h/"},
    }
    spans = [{**SPAN, "sr": 0.5, "pi": 1}, {**SPAN, "id": "z", "c": context, "pi": 7}, {**SPAN, "sr": 0}]
    _, sampled, other, never = made({"x": {**LEAST, "y": spans, "c": {"u": {"id": "1"}, "g": {"a": "b"}}}}, METADATA)
    agrees(sampled, {"span/representative_count": 2, "parent": {"id": "z"}, "user": None, "labels": {"release": "r1"}})
    agrees(never, {"span/representative_count": None})
    agrees(other, {
        "span/representative_count": None, "parent": {"id": "x"}, "service": {"name": "other", "version": "1"},
        "agent/name": "rum-js", "event/outcome": "failure", "span/destination/service": {"resource": "redis"},
        "@timestamp": "2025-01-01T00:00:00.124Z", "transaction": {"id": "x"}, "trace": {"id": "r"},
    })  # fmt: skip


def test_metricsets(made: Any, agrees: Any) -> None:
    metricsets = [
        {"y": {"t": "app", "su": "s"}, "sa": {"ysc": {"v": 1.9}, "yss": {"v": 1200.5}}},
        {"y": {"t": "app"}, "sa": {"yss": {"v": 5}}},
        {"sa": {"ysc": {"v": 1}}},
    ]
    _, full, countless = made({"x": {**LEAST, "n": "n", "me": metricsets, "c": {"g": {"a": "b"}}}}, METADATA)
    agrees(full, {
        "metricset": {}, "transaction": {"name": "n", "type": "page-load"}, "trace": None, "labels": {"release": "r1"},
        "span": {"type": "app", "subtype": "s", "self_time": {"count": 1, "sum.us": 1200}},
        "_index": "metrics-apm.internal-default", "timestamp": None,
    })  # fmt: skip
    agrees(countless, {"span": {"type": "app"}})


def test_errors(made: Any, agrees: Any) -> None:
    line = {
        "e": {"id": "e", "tid": "r", "pid": "p", "xid": "x", "log": {"mg": "m"}, "x": {"t": "page-load", "sm": True}}
    }
    base = RequestBase(rum=True, client_ip="1.1.1.1", source_ip="1.1.1.1")
    [document] = made(line, METADATA, base)
    agrees(document, {
        "span": None, "transaction": {"id": "x", "type": "page-load", "sampled": True}, "parent": {"id": "p"},
        "error/log": {"level": "error", "logger_name": "default", "message": "m"}, "client": {"ip": "1.1.1.1"},
    })  # fmt: skip


def test_a_transaction_id_without_a_transaction_is_not_used(made: Any, agrees: Any) -> None:
    line = {"e": {"id": "e", "tid": "r", "pid": "p", "xid": "x", "log": {"mg": "m"}}}
    [document] = made(line, METADATA)
    agrees(document, {"transaction": None, "span": None, "trace": {"id": "r"}})
