"""Events of RUM v3, by what sets them apart from v2: intake-to-documents.md 7.8."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tidegate.workers.decode.model import RumError, RumMetricset, RumSpan, RumTransaction
from tidegate.workers.mapping.error import map_error
from tidegate.workers.mapping.metricset import map_self_time
from tidegate.workers.mapping.moment import moment
from tidegate.workers.mapping.service import complete_service, put
from tidegate.workers.mapping.span import map_span
from tidegate.workers.mapping.transaction import map_transaction

if TYPE_CHECKING:
    from tidegate.workers.mapping.stream import Stream

_NOT_FROM_CONTEXT = ("client", "source")
"""Addresses are those of the request; v3 does not look into the headers that the page has seen."""


def map_rum_transaction(event: RumTransaction, stream: Stream, received_ns: int) -> dict[str, Any]:
    """The event's own part of the document."""
    document = map_transaction(event, stream, received_ns)
    _remove(document, "span", *_NOT_FROM_CONTEXT)
    if not event.type:
        _remove(document["transaction"], "type")
    return document


def map_rum_span(event: RumSpan, stream: Stream, received_ns: int) -> dict[str, Any]:
    """The event's own part of the document."""
    document = map_span(event, stream, received_ns)
    if event.sample_rate is None:
        _remove(document["span"], "representative_count")
    if not event.type and (event.subtype is not None or event.action is not None):
        _remove(document["span"], "type")
    _remove(document, "service", "agent")
    service = event.context.service if event.context else None
    if service and service.name is not None:
        document["service"] = dict(stream.service)
        put(document["service"], "name", service.name)
        complete_service(document, stream)
    return document


def map_rum_error(event: RumError, stream: Stream, received_ns: int) -> dict[str, Any]:
    """The event's own part of the document."""
    document = map_error(event, stream, received_ns)
    _remove(document, "span", *_NOT_FROM_CONTEXT)
    return document


def map_rum_metricset(event: RumMetricset, _: Stream, received_ns: int) -> dict[str, Any]:
    """The event's own part of the document: a breakdown without a name."""
    span: dict[str, Any] = map_self_time(event.count, event.sum)
    put(span, "type", event.span_type)
    put(span, "subtype", event.span_subtype)
    transaction: dict[str, Any] = {}
    put(transaction, "type", event.transaction_type)
    put(transaction, "name", event.transaction_name)
    timestamp, _at = moment(None, received_ns)
    return {"@timestamp": timestamp, "metricset": {}, "span": span, "transaction": transaction}


def _remove(section: dict[str, Any], *names: str) -> None:
    for name in names:
        section.pop(name, None)
