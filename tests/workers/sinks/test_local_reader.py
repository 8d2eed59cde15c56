"""What the commands ask of the local store."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from tidegate.daemon.settings.parts import LocalPart
from tidegate.workers.sinks.local import LocalSink
from tidegate.workers.sinks.local_reader import LocalReader, StoreUnreadable
from tidegate.workers.sinks.local_rows import read_row
from tidegate.workers.sinks.local_schema import Kind
from tidegate.workers.spool.block import make_block

BASE = 1_735_725_600_000_000
SHARED = Path(os.environ.get("TIDEGATE_SHARED") or Path(__file__).parents[4] / "shared")


def event(
    kind: str, at: int, service: str = "shop", trace: str | None = "aaaa1111", **more: Any
) -> tuple[str, dict[str, Any]]:
    document = {"timestamp": {"us": BASE + at}, "service": {"name": service}, "agent": {"name": "go"}, **more}
    if trace:
        document["trace"] = {"id": trace}
    return {"error": "logs-apm.error-default", "log": "logs-apm.app.shop-default"}.get(
        kind, "traces-apm-default"
    ), document


def transaction(
    at: int, identity: str, outcome: str = "success", took: int = 1000, **more: Any
) -> tuple[str, dict[str, Any]]:
    section = {
        "id": identity,
        "type": "request",
        "name": f"GET {identity}",
        "result": "HTTP 2xx",
        "duration": {"us": took},
    }
    return event("transaction", at, transaction=section, event={"outcome": outcome}, **more)


def span(at: int, identity: str, parent: str, **more: Any) -> tuple[str, dict[str, Any]]:
    section = {"id": identity, "type": "db", "subtype": "mysql", "name": "SELECT", "composite": {"count": 3}}
    return event(
        "span", at, span=section, parent={"id": parent}, transaction={"id": "x"}, event={"duration": 5000}, **more
    )


def error(at: int, key: str, message: str, **more: Any) -> tuple[str, dict[str, Any]]:
    section = {"id": f"e{at}", "grouping_key": key, "culprit": "f", "exception": [{"type": "Oops", "message": message}]}
    return event("error", at, error=section, **more)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[tuple[LocalSink, Path]]:
    file = tmp_path / "events.sqlite"
    sink = LocalSink(LocalPart(file=str(file), max_bytes=64 << 20, max_age=1e9), wall=lambda: BASE / 1e6)
    yield sink, file
    sink.close()


@pytest.fixture
def reader(store: tuple[LocalSink, Path]) -> Iterator[LocalReader]:
    sink, file = store
    events = [
        transaction(0, "x"),
        span(10, "s1", "x"),
        event("log", 15, message="hello", log={"logger": "a.b"}),
        error(20, "k1", "first", parent={"id": "s1"}),
        transaction(100, "y", "failure", 9000, trace="bbbb2222", service="pay"),
        transaction(90, "z", trace="bbbb2222", parent={"id": "gone"}),
        error(300, "k1", "second", trace=None),
        error(250, "k2", "other", service="pay", trace="cccc3333"),
        transaction(50, "w", trace="aaaa9999"),
        (
            "metrics-apm.internal-default",
            {"@timestamp": "2025-01-01T10:00:00.000Z", "service": {"name": "idle"}, "metricset": {}},
        ),
    ]
    lines = []
    for number, (index, document) in enumerate(events):
        lines += [
            orjson.dumps({"create": {"_index": index, "_id": f"i{number}"}}) + b"\n",
            orjson.dumps(document) + b"\n",
        ]
    sink.write([make_block(lines, len(events), 5)])
    opened = LocalReader(file)
    yield opened
    opened.close()


def test_services(reader: LocalReader) -> None:
    found = {service.name: service for service in reader.services()}
    assert list(found) == ["idle", "pay", "shop"]
    shop, pay, idle = found["shop"], found["pay"], found["idle"]
    assert (shop.transactions, shop.failed, shop.errors, shop.mean_us, shop.slowest_us) == (3, 0, 2, 1000, 1000)
    assert (pay.transactions, pay.failed, pay.errors, pay.mean_us, pay.agent) == (1, 1, 1, 9000, "go")
    assert (idle.transactions, idle.mean_us, idle.last_us) == (0, None, BASE)
    assert [service.transactions for service in reader.services(BASE + 60) if service.name == "shop"] == [1]


@pytest.mark.parametrize(
    ("options", "traces"),
    [
        ({}, ["bbbb2222", "aaaa9999", "aaaa1111"]),
        ({"service": "pay"}, ["bbbb2222"]),
        ({"service": "nobody"}, []),
        ({"since_us": BASE + 50}, ["bbbb2222", "aaaa9999"]),
        ({"errors": True}, ["cccc3333", "bbbb2222", "aaaa1111"]),
        ({"errors": True, "service": "shop"}, ["aaaa1111"]),
    ],
)
def test_traces(reader: LocalReader, options: dict[str, Any], traces: list[str]) -> None:
    assert [summary.trace_id for summary in reader.traces(10, **options)] == traces
    assert [summary.trace_id for summary in reader.traces(1, **options)] == traces[:1]


def test_a_trace_is_told_by_its_first_transaction(reader: LocalReader) -> None:
    summary = {one.trace_id: one for one in reader.traces(10, errors=True)}
    assert summary["aaaa1111"][1:] == (BASE, "shop", "GET x", "HTTP 2xx", "success", 1000, 1, 1, 1, 1)
    assert summary["bbbb2222"].name == "GET y", "the one without a caller, though it began later"
    assert summary["cccc3333"].name is None


@pytest.mark.parametrize(
    ("prefix", "found"),
    [
        ("aaaa1111", ["aaaa1111"]),
        ("bb", ["bbbb2222"]),
        ("BBBB", ["bbbb2222"]),
        ("aaaa", ["aaaa1111", "aaaa9999"]),
        ("x", []),
        ("%", []),
        ("'; DROP TABLE events; --", []),
    ],
)
def test_find_trace(reader: LocalReader, prefix: str, found: list[str]) -> None:
    assert reader.find_trace(prefix) == found


def test_one_trace(reader: LocalReader) -> None:
    trace = reader.trace("aaaa1111", 10)
    assert [(entry.kind, entry.span_id, entry.parent_id) for entry in trace.entries] == [
        (Kind.TRANSACTION, "x", None),
        (Kind.SPAN, "s1", "x"),
        (Kind.ERROR, None, "s1"),
    ]
    assert (trace.entries[1].duration_us, trace.entries[1].composite, trace.entries[1].subtype) == (5, 3, "mysql")
    assert (trace.entries[2].type, trace.entries[2].message, trace.entries[2].culprit) == ("Oops", "first", "f")
    assert (trace.logs, trace.left_out) == (1, 0)
    assert reader.trace("aaaa1111", 2).left_out == 1
    assert [orjson.loads(document).get("message") for document in reader.documents("aaaa1111")] == [
        None,
        None,
        "hello",
        None,
    ]


def test_errors(reader: LocalReader) -> None:
    groups = reader.errors(10)
    assert [
        (group.grouping_key, group.number, group.last_us - BASE, group.message, group.trace_id) for group in groups
    ] == [
        ("k1", 2, 300, "second", None),
        ("k2", 1, 250, "other", "cccc3333"),
    ]
    assert [group.grouping_key for group in reader.errors(10, service="pay")] == ["k2"]
    assert [group.number for group in reader.errors(10, since_us=BASE + 260)] == [1]
    assert len(reader.errors(1)) == 1


def test_the_index_is_used(reader: LocalReader) -> None:
    """A partial index is passed over silently when the statement lacks its condition."""
    seen: list[str] = []
    reader._connection.set_trace_callback(seen.append)
    reader.services()
    reader.traces(5, errors=True)
    reader.errors(5)
    reader._connection.set_trace_callback(None)
    plans = [row[3] for statement in seen for row in reader._connection.execute(f"EXPLAIN QUERY PLAN {statement}")]
    assert any("INDEX by_time" in plan for plan in plans)
    assert not [plan for plan in plans if plan.startswith("SCAN events")]


def test_reading_after_the_daemon_stopped(store: tuple[LocalSink, Path], reader: LocalReader) -> None:
    store[0].close()
    later = LocalReader(store[1])
    assert len(later.services()) == 3
    later.close()


def test_no_store(tmp_path: Path) -> None:
    with pytest.raises(StoreUnreadable, match=r"no local store at .*: start `tidegate run`, then `tidegate demo`"):
        LocalReader(tmp_path / "none.sqlite")
    assert not list(tmp_path.iterdir())
    (tmp_path / "empty.sqlite").touch()
    with pytest.raises(StoreUnreadable, match="still empty"):
        LocalReader(tmp_path / "empty.sqlite")
    (tmp_path / "text.sqlite").write_bytes(b"no database " * 500)
    with pytest.raises(StoreUnreadable, match="damaged or no SQLite file"):
        LocalReader(tmp_path / "text.sqlite")


@pytest.mark.shared
def test_every_document_of_the_corpus_has_a_row() -> None:
    folder = SHARED / "corpus" / "documents"
    if not folder.is_dir():
        message = f"{folder} is not there: set TIDEGATE_SHARED"
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(message)
    kinds: dict[str, set[Kind]] = {}
    for path in sorted(folder.glob("*/*.json")):
        for stored in json.loads(path.read_text())["documents"]:
            action = orjson.dumps({"create": {"_index": stored["_index"], "_id": "a"}})
            row, service = read_row(action, orjson.dumps(stored["_source"]), BASE)
            kinds.setdefault(stored["_index"].partition("-")[0], set()).add(row.kind)
            assert service is not None
            assert row.service == service.name
            assert row.timestamp_us > BASE
            if row.kind in (Kind.TRANSACTION, Kind.SPAN):
                assert (row.trace_id and row.span_id and row.name is not None) or row.kind is Kind.TRANSACTION
                assert row.duration_us is not None
            if row.kind is Kind.ERROR:
                assert row.grouping_key
    assert kinds == {
        "traces": {Kind.TRANSACTION, Kind.SPAN},
        "logs": {Kind.ERROR, Kind.LOG},
        "metrics": {Kind.METRIC},
    }
