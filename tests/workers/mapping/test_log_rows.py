"""Rows of intake-to-documents.md 4.7."""

from __future__ import annotations

from typing import Any

import pytest

METADATA = {
    "metadata": {
        "service": {
            "name": "Shop-A",
            "version": "1",
            "node": {"configured_name": "n1"},
            "agent": {"name": "a", "version": "1"},
        },
        "process": {"pid": 1, "title": "t"},
    }
}
ROWS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "message": (
        {"message": "m"},
        {"message": "m", "event": {"kind": "event"}, "log": None, "timestamp": None, "_index": "logs-apm.app.shop_a-default"},
    ),
    "nested": (
        {"log": {"level": "info", "logger": "l", "origin": {"file": {"name": "f", "line": 0}}}, "log.level": "lost"},
        {"log": {"level": "info", "logger": "l", "origin": {"file": {"name": "f"}, "function": ""}}},
    ),
    "flat": (
        {"log.level": "info", "log.origin.function": "fn", "log.origin.file.line": 7},
        {"log": {"level": "info", "origin": {"file": {"line": 7}, "function": "fn"}}},
    ),
    "ids": (
        {"trace.id": "r", "transaction.id": "t", "span.id": "s"},
        {"trace": {"id": "r"}, "transaction": {"id": "t"}, "span": {"id": "s"}},
    ),
    "span of the transaction": ({"transaction.id": "t"}, {"span": {"id": "t"}}),
    "dataset and thread": (
        {"message": "m", "event.dataset": "d", "process.thread.name": "main"},
        {"event": {"kind": "event", "dataset": "d"}, "process": {"pid": 1, "title": "t", "thread": {"name": "main"}}},
    ),
    "service": (
        {"service.name": "o", "service.environment": "e"},
        {"service": {"name": "o", "version": "1", "environment": "e", "node": {"name": "n1"}}, "_index": "logs-apm.app.o-default"},
    ),
    "service node": ({"service.node.name": "n2", "message": "m"}, {"service/node": {"name": "n2"}}),
    "no service name": ({"service.name": "", "message": "m"}, {"_index": "logs-apm.app.unknown-default"}),
    "labels and faas": (
        {"message": "m", "labels": {"a.b": 2}, "faas": {"name": "f"}}, {"numeric_labels": {"a_b": 2}, "faas": {"name": "f"}},
    ),
    "an error": (
        {"error.type": "T", "error.stack_trace": "st", "message": "m", "@timestamp": 5},
        {
            "error": {"type": "T", "stack_trace": "st", "grouping_key": "ef46db3751d8e999"}, "event": None, "message": "m",
            "timestamp": {"us": 5}, "_index": "logs-apm.error-default",
        },
    ),
}  # fmt: skip


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
def test_row(row: tuple[dict[str, Any], dict[str, Any]], made: Any, agrees: Any) -> None:
    sent, expected = row
    [document] = made({"log": sent}, METADATA)
    agrees(document, expected)
