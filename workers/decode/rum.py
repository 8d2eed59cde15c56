"""What a RUM v3 line yields: intake-to-documents.md 7.7 and 7.8."""

from __future__ import annotations

from typing import Any

from tidegate.workers.decode.model import Event, RumError, RumMetricset, RumSpan, RumTransaction


def rum_events(read: dict[str, Any]) -> list[Event]:
    """The events of an `x` line, in their order: the transaction, its metricsets, its spans."""
    spans: list[dict[str, Any]] = read.pop("spans", [])
    metricsets: list[dict[str, Any]] = read.pop("metricsets", [])
    transaction = RumTransaction(**read)
    events: list[Event] = [transaction]
    events += (
        RumMetricset(
            transaction_type=transaction.type,
            transaction_name=transaction.name,
            span_type=metricset["span"].get("type"),
            span_subtype=metricset["span"].get("subtype"),
            **metricset["samples"],
        )
        for metricset in metricsets
        if "span" in metricset
    )
    events += (_span(span, spans, transaction) for span in spans)
    return events


def _span(span: dict[str, Any], spans: list[dict[str, Any]], transaction: RumTransaction) -> RumSpan:
    parent = span.get("parent_index", -1)
    return RumSpan(
        trace_id=transaction.trace_id,
        transaction_id=transaction.id,
        parent_id=spans[parent]["id"] if 0 <= parent < len(spans) else transaction.id,
        **{name: value for name, value in span.items() if name != "parent_index"},
    )


def rum_error(read: dict[str, Any]) -> RumError:
    """The event of an `e` line."""
    error = RumError(**read)
    if error.transaction is None:
        error.transaction_id = None
    if error.log is not None and error.log.logger_name is None:
        error.log.logger_name = "default"
    return error
