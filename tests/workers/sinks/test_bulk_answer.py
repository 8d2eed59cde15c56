"""The table of DESIGN, "Outcomes of a bulk request", item by item; texts as Elasticsearch 9.2 words them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tidegate.daemon.outcomes import EventOutcome
from tidegate.workers.sinks.bulk_answer import read_answer, request_trouble
from tidegate.workers.sinks.cluster_form import form_of, version_of
from tidegate.workers.sinks.contract import TryAgain, Written

MISSING = "no such index [x] and the index creation request requires a data stream, but no matching index template"
SHARDS = (
    "Validation Failed: 1: this action would add [1] shards, but this cluster has [1]/[1] maximum normal shards open;"
)


def answer(*items: dict[str, Any]) -> bytes:
    return json.dumps({"items": [{"create": {"_index": "traces-apm-default", **item}} for item in items]}).encode()


def item(status: int, kind: str = "", reason: str | None = "r") -> dict[str, Any]:
    return {"status": status, "error": {"type": kind, "reason": reason}}


def fate(written: Written) -> str:
    [(outcome, number)] = written.counts.items() or [(None, 0)]
    if outcome is not None:
        assert number == 1
        return outcome.value
    if written.refused:
        return "refused"
    return "degraded" if written.postponed[0].degraded else "busy"


@pytest.mark.parametrize(
    ("one", "expected"),
    [
        ({"status": 201}, "indexed"),
        ({"status": 200}, "indexed"),
        ({"status": 201, "failure_store": "used"}, "failure_store"),
        ({"status": 201, "failure_store": "not_enabled"}, "indexed"),
        (item(409, "version_conflict_engine_exception"), "duplicate"),
        (item(429, "es_rejected_execution_exception"), "busy"),
        (item(429, "circuit_breaking_exception"), "busy"),
        (item(500, "exception"), "busy"),
        (item(503, "unavailable_shards_exception"), "degraded"),
        (item(403, "security_exception"), "degraded"),
        (item(401, "security_exception"), "degraded"),
        (item(403, "cluster_block_exception"), "degraded"),
        (item(429, "cluster_block_exception"), "degraded"),
        (item(404, "index_not_found_exception", MISSING), "degraded"),
        (item(400, "index_closed_exception"), "degraded"),
        (item(400, "validation_exception", SHARDS), "degraded"),
        (item(400, "illegal_argument_exception", "pipeline with id [nope] does not exist"), "degraded"),
        (item(400, "illegal_argument_exception", "Limit of total fields [1000] has been exceeded"), "refused"),
        (item(400, "illegal_argument_exception", None), "refused"),
        (item(400, "document_parsing_exception"), "refused"),
        (item(413, "content_too_long_exception"), "refused"),
        ({"status": 400}, "refused"),
        ({}, "busy"),
    ],
)
def test_item(one: dict[str, Any], expected: str) -> None:
    assert fate(read_answer(answer(one), 1)) == expected


def test_items_keep_their_places() -> None:
    written = read_answer(answer({"status": 201}, item(400, "bad", "x" * 900), {"status": 201}, item(429, "full")), 4)
    assert written.counts == {EventOutcome.INDEXED: 2}
    assert [(one.item, one.status, one.type, len(one.reason)) for one in written.refused] == [(1, 400, "bad", 500)]
    assert [(one.item, one.cause) for one in written.postponed] == [(3, "Elasticsearch is busy: full (429)")]


def test_causes_never_quote_reasons() -> None:
    written = read_answer(answer(item(403, "security_exception", "SECRET"), item(429, "full", "SECRET")), 2)
    assert "SECRET" not in repr(written)
    assert "SECRET" not in request_trouble(400, json.dumps({"error": {"type": "t", "reason": "SECRET"}}).encode()).cause


@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b"<html>", answer(), answer({"status": 201}, {"status": 201})])
def test_answer_for_another_number_of_documents(body: bytes) -> None:
    with pytest.raises(TryAgain):
        read_answer(body, 1)


@given(st.binary(max_size=200))
def test_arbitrary_answers(body: bytes) -> None:
    with pytest.raises(TryAgain):
        read_answer(body, 3)


@pytest.mark.parametrize(
    ("status", "degraded"),
    [
        (429, False),
        (500, False),
        (503, False),
        (401, True),
        (403, True),
        (404, True),
        (301, True),
        (400, True),
        (406, True),
    ],
)
def test_request(status: int, degraded: bool) -> None:
    body = json.dumps({"error": {"type": "some_exception", "reason": "r"}, "status": status}).encode()
    trouble = request_trouble(status, body)
    assert trouble.degraded is degraded
    assert f"{status} some_exception" in trouble.cause
    assert str(status) in request_trouble(status, b"<html>proxy</html>").cause


def nodes(*given: tuple[str, list[str]]) -> bytes:
    listed = {
        f"n{number}": {"version": version, "modules": [{"name": name} for name in names]}
        for number, (version, names) in enumerate(given)
    }
    return json.dumps({"nodes": listed}).encode()


@pytest.mark.parametrize(
    ("status", "body", "form"),
    [
        (200, nodes(("9.2.0", ["transport-netty4", "x-pack-apm-data"])), "raw"),
        (200, nodes(("9.2.0", ["apm"]), ("9.2.0", ["x-pack-apm-data"])), "raw"),
        (200, nodes(("9.2.0", ["apm", "transport-netty4", "x-pack-core", "x-pack-security"])), "complete"),
        (200, nodes(("9.2.0", ["apm"]), ("9.2.0", [])), None),
        (200, nodes(("8.14.3", ["apm"])), None),
        (200, nodes(("8.15.0-SNAPSHOT", ["apm"])), "complete"),
        (200, b"{}", None),
        (200, b"<html>", None),
        (400, b'{"error":"no handler found for uri [/_nodes] and method [GET]"}', None),
        (403, b"{}", None),
    ],
)
def test_form(status: int, body: bytes, form: str | None) -> None:
    assert form_of(status, body) == form


@pytest.mark.parametrize(
    ("text", "version"), [("9.2.0", (9, 2)), ("8.18.1-SNAPSHOT", (8, 18)), ("", None), ("x", None)]
)
def test_version(text: str, version: tuple[int, int] | None) -> None:
    assert version_of(text) == version
