"""Rows of intake-to-documents.md 4.6, and the metric part of section 6."""

from __future__ import annotations

from typing import Any

import pytest

SPAN = {"span": {"type": "db", "subtype": "s"}}
TRANSACTION = {"transaction": {"type": "request", "name": "n"}}


def samples(**named: Any) -> dict[str, Any]:
    return {"samples": {name.replace("_", "."): sample for name, sample in named.items()}}


def self_time(count: float, total: float) -> dict[str, Any]:
    return {"samples": {"span.self_time.count": {"value": count}, "span.self_time.sum.us": {"value": total}}}


APP, INTERNAL = "metrics-apm.app.shop-default", "metrics-apm.internal-default"
ROWS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "gauge": (
        samples(a={"value": 1.5, "type": "gauge", "unit": "ms"}),
        {
            "metricset": {"name": "app", "samples": [{"name": "a", "value": 1.5, "type": "gauge", "unit": "ms"}]},
            "_index": APP, "timestamp": None,
        },
    ),
    "a type that is none": (samples(a={"value": 0, "type": "x"}), {"metricset/samples": [{"name": "a", "value": 0}]}),
    "histogram": (
        samples(a={"values": [1.5, 2], "counts": [1, 2], "type": "histogram"}),
        {"metricset/samples": [{"name": "a", "type": "histogram", "values": [1.5, 2], "counts": [1, 2]}]},
    ),
    "histogram of one value": (
        samples(a={"value": 1, "type": "histogram"}),
        {"metricset/samples": [{"name": "a", "type": "histogram", "values": [], "counts": []}]},
    ),
    "histogram without type": (
        samples(a={"values": [1], "counts": [1]}), {"metricset/samples": [{"name": "a", "value": 0}]},
    ),
    "summary": (
        samples(a={"value": 1, "type": "summary"}),
        {"metricset/samples": [{"name": "a", "type": "summary", "value_count": 0, "sum": 0}]},
    ),
    "internal names alone": (
        samples(system_memory_total={"value": 5, "type": "gauge", "unit": "byte"}, jvm_gc_time={"value": 1, "type": "histogram"}),
        {
            "metricset/samples": [{"name": "system.memory.total", "value": 5}, {"name": "jvm.gc.time", "value": 0}],
            "_index": INTERNAL,
        },
    ),
    "one other name": (
        samples(system_memory_total={"value": 5, "type": "gauge"}, a={"value": 1}),
        {
            "metricset/samples": [{"name": "system.memory.total", "value": 5, "type": "gauge"}, {"name": "a", "value": 1}],
            "_index": APP,
        },
    ),
    "remapped": (
        {**samples(system_memory_total={"value": 5}), "tags": {"otel_remapped": True}}, {"_index": APP},
    ),
    "a span makes it internal": (
        {**samples(a={"value": 1, "type": "gauge"}), **SPAN},
        {
            "_index": INTERNAL, "span": {"type": "db", "subtype": "s"},
            "metricset/samples": [{"name": "a", "value": 1, "type": "gauge"}],
        },
    ),
    "breakdown": (
        {**self_time(2.9, 7562.4), **SPAN, **TRANSACTION},
        {
            "span": {"type": "db", "subtype": "s", "self_time": {"count": 2, "sum.us": 7562}},
            "transaction": {"type": "request", "name": "n"}, "metricset": {"name": "span_breakdown"}, "_index": INTERNAL,
        },
    ),
    "breakdown of no count": ({**self_time(0, 5), **SPAN, **TRANSACTION}, {"span": {"type": "db", "subtype": "s"}}),
    "breakdown of a negative sum": (
        {**self_time(1, -5.5), **SPAN, **TRANSACTION}, {"span/self_time": {"count": 1, "sum.us": -5}},
    ),
    "service": (
        {**samples(a={"value": 1}), "service": {"name": "Other Svc/é!", "version": "2"}},
        {"_index": "metrics-apm.app.other_svc_é!-default", "service/name": "Other Svc/é!", "service/version": "2"},
    ),
    "service without version": (
        {**samples(a={"value": 1}), "service": {"name": "o"}}, {"service/name": "o", "service/version": None},
    ),
    "a version alone": ({**samples(a={"value": 1}), "service": {"version": "9"}}, {"service/version": "1"}),
    "no service name": ({**samples(a={"value": 1}), "service": {"name": ""}}, {"_index": INTERNAL, "service": {}}),
    "tags and faas": (
        {**samples(a={"value": 1}), "tags": {"x": 1}, "faas": {"id": "i"}}, {"numeric_labels": {"x": 1}, "faas": {"id": "i"}},
    ),
}  # fmt: skip
METADATA = {"metadata": {"service": {"name": "shop", "version": "1", "agent": {"name": "a", "version": "1"}}}}


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
def test_row(row: tuple[dict[str, Any], dict[str, Any]], made: Any, agrees: Any) -> None:
    sent, expected = row
    [document] = made({"metricset": sent}, METADATA)
    agrees(document, expected)


@pytest.mark.parametrize(
    "sent",
    [{**samples(a={"value": 1}), **SPAN, **TRANSACTION}, {**self_time(1, 1), **TRANSACTION}],
    ids=["no self time", "no span"],
)
def test_an_empty_breakdown_makes_nothing(sent: dict[str, Any], made: Any) -> None:
    assert made({"metricset": sent}) == []
