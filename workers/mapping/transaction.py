"""Transactions: intake-to-documents.md 4.3."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tidegate.workers.decode.model import Context, Experience, Marks, Transaction
from tidegate.workers.mapping.bridge import bridge_transaction
from tidegate.workers.mapping.context import add_context
from tidegate.workers.mapping.faas import add_faas
from tidegate.workers.mapping.integers import U32
from tidegate.workers.mapping.labels import sanitised
from tidegate.workers.mapping.message import map_message
from tidegate.workers.mapping.moment import moment
from tidegate.workers.mapping.trace_parts import map_links, nanoseconds, representative_count

if TYPE_CHECKING:
    from tidegate.workers.mapping.stream import Stream


def map_transaction(event: Transaction, stream: Stream, received_ns: int) -> dict[str, Any]:
    """The event's own part of the document."""
    timestamp, at = moment(event.timestamp, received_ns)
    transaction: dict[str, Any] = {"type": event.type}
    happened: dict[str, Any] = {}
    document: dict[str, Any] = {"@timestamp": timestamp, "transaction": transaction, "event": happened}
    if at:
        document["timestamp"] = {"us": at}
    if event.trace_id:
        document["trace"] = {"id": event.trace_id}
    if event.id:
        transaction["id"] = event.id
    if event.parent_id:
        document["parent"] = {"id": event.parent_id}
    if event.name:
        transaction["name"] = event.name
    if event.result:
        transaction["result"] = event.result
    if outcome := event.outcome if event.outcome is not None else _inferred_outcome(event.context):
        happened["outcome"] = outcome
    if duration := nanoseconds(event.duration):
        happened["duration"] = duration
    if event.sampled is not False:
        transaction["sampled"] = True
    if count := representative_count(event.sample_rate):
        transaction["representative_count"] = count
    spans = event.span_count
    transaction["span_count"] = counted = {"started": spans.started & U32}
    if spans.dropped is not None:
        counted["dropped"] = spans.dropped & U32
    if context := event.context:
        add_context(document, transaction, context, stream)
        if (message := context.message) and (mapped := map_message(message)) is not None:
            transaction["message"] = mapped
        if context.cloud:
            _add_cloud_origin(document, context, stream)
    if event.marks or event.experience or event.session or event.faas:
        _add_rare(document, transaction, event)
    span = document["span"] = {"id": event.id} if event.id else {}
    if event.links:
        span["links"] = map_links(event.links)
    if otel := event.otel:
        bridge_transaction(document, otel, stream)
    if not transaction["type"]:
        transaction["type"] = "unknown"
    return document


def _inferred_outcome(context: Context | None) -> str:
    status = context.response.status_code if context and context.response else None
    if status is None:
        return "unknown"
    return "failure" if status >= 500 else "success"


def _add_rare(document: dict[str, Any], transaction: dict[str, Any], event: Transaction) -> None:
    """What browsers and functions send."""
    if event.marks and (marks := _marks(event.marks)):
        transaction["marks"] = marks
    if (experience := event.experience) and (mapped := _experience(experience)):
        transaction["experience"] = mapped
    if session := event.session:
        document["session"] = {"id": session.id}
        if session.sequence:
            document["session"]["sequence"] = session.sequence
    if event.faas:
        add_faas(document, event.faas)


def _marks(marks: Marks) -> dict[str, dict[str, float]]:
    return {
        sanitised[group]: {sanitised[name]: number or 0 for name, number in entries.items()}
        for group, entries in marks.items()
        if entries
    }


def _experience(experience: Experience) -> dict[str, Any]:
    fields = {"cls": experience.cls, "fid": experience.fid, "tbt": experience.tbt}
    mapped: dict[str, Any] = {name: value for name, value in fields.items() if value is not None}
    longtask = experience.longtask
    if longtask:
        mapped["longtask"] = {"count": longtask.count, "sum": longtask.sum, "max": longtask.max}
    elif mapped:
        mapped["longtask"] = {"count": 0, "sum": 0, "max": 0}
    return mapped


def _add_cloud_origin(document: dict[str, Any], context: Context, stream: Stream) -> None:
    origin = context.cloud.origin if context.cloud else None
    if origin is None:
        return
    mapped: dict[str, Any] = {}
    if origin.account and origin.account.id:
        mapped["account"] = {"id": origin.account.id}
    if origin.provider:
        mapped["provider"] = origin.provider
    if origin.region:
        mapped["region"] = origin.region
    if origin.service and origin.service.name:
        mapped["service"] = {"name": origin.service.name}
    if mapped:
        document["cloud"] = {**stream.constants.get("cloud", {}), "origin": mapped}
