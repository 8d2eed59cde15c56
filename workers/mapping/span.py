"""Spans: intake-to-documents.md 4.4."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tidegate.workers.decode.free import normalise_free
from tidegate.workers.decode.model import Composite, Db, Destination, Span, SpanContext, SpanHttp
from tidegate.workers.mapping.address import is_address
from tidegate.workers.mapping.bridge import bridge_span
from tidegate.workers.mapping.http_section import map_span_response
from tidegate.workers.mapping.integers import U32, whole
from tidegate.workers.mapping.labels import add_labels
from tidegate.workers.mapping.message import map_message
from tidegate.workers.mapping.moment import moment, moment_after
from tidegate.workers.mapping.service import add_service, inferred_target
from tidegate.workers.mapping.stacktrace import map_stacktrace
from tidegate.workers.mapping.trace_parts import map_links, nanoseconds, representative_count

if TYPE_CHECKING:
    from tidegate.workers.mapping.stream import Stream

_STRATEGIES = ("exact_match", "same_kind")


def map_span(event: Span, stream: Stream, received_ns: int) -> dict[str, Any]:
    """The event's own part of the document."""
    if event.timestamp is None and event.start is not None:
        timestamp, at = moment_after(event.start, received_ns)
    else:
        timestamp, at = moment(event.timestamp, received_ns)
    context = event.context
    span: dict[str, Any] = {}
    happened: dict[str, Any] = {}
    document: dict[str, Any] = {"@timestamp": timestamp, "span": span, "event": happened}
    if at:
        document["timestamp"] = {"us": at}
    if event.id:
        span["id"] = event.id
    if event.name:
        span["name"] = event.name
    if event.trace_id:
        document["trace"] = {"id": event.trace_id}
    if event.parent_id:
        document["parent"] = {"id": event.parent_id}
    if event.transaction_id:
        document["transaction"] = {"id": event.transaction_id}
    _add_type(span, event)
    if outcome := event.outcome if event.outcome is not None else _inferred_outcome(context):
        happened["outcome"] = outcome
    if duration := nanoseconds(event.duration):
        happened["duration"] = duration
    if count := representative_count(event.sample_rate):
        span["representative_count"] = count
    if event.sync is not None:
        span["sync"] = event.sync
    if context:
        _add_context(document, span, context, stream)
    if event.stacktrace:
        span["stacktrace"] = map_stacktrace(event.stacktrace)
    if composite := event.composite:
        span["composite"] = _composite(composite)
    if event.child_ids:
        document["child"] = {"id": event.child_ids}
    if event.links:
        span["links"] = map_links(event.links)
    if otel := event.otel:
        bridge_span(document, otel, stream)
    if not span["type"]:
        span["type"] = "unknown"
    return document


def _add_type(span: dict[str, Any], event: Span) -> None:
    kind, subtype, action = event.type, event.subtype, event.action
    if subtype is None and action is None and "." in kind:
        kind, _, rest = kind.partition(".")
        subtype, _, action = rest.partition(".")
    span["type"] = kind
    if subtype:
        span["subtype"] = subtype
    if action:
        span["action"] = action


def _inferred_outcome(context: SpanContext | None) -> str:
    status = context.http.status_code if context and context.http else None
    if status is None:
        return "unknown"
    return "failure" if status >= 400 else "success"


def _add_context(document: dict[str, Any], span: dict[str, Any], context: SpanContext, stream: Stream) -> None:
    if db := context.db:
        _add_db(span, db)
    if service := context.service:
        add_service(document, service, stream)
    if destination := context.destination:
        _add_destination(document, span, destination)
        if (called := destination.service) is not None:
            if service is None:
                document["service"] = stream.service_to[called.resource]
            elif service.target is None or service.target.type is None:
                own = document.get("service", stream.service)
                document["service"] = {**own, "target": inferred_target[called.resource]}
    if http := context.http:
        _add_http(document, http)
    if (message := context.message) and (mapped := map_message(message)) is not None:
        span["message"] = mapped
    if context.tags:
        add_labels(document, context.tags, stream)


def _add_db(span: dict[str, Any], db: Db) -> None:
    mapped: dict[str, Any] = {}
    if db.instance:
        mapped["instance"] = db.instance
    if db.statement:
        mapped["statement"] = db.statement
    if db.type:
        mapped["type"] = db.type
    if db.link:
        mapped["link"] = db.link
    if db.user:
        mapped["user"] = {"name": db.user}
    if db.rows_affected is not None:
        mapped["rows_affected"] = db.rows_affected & U32
    if mapped:
        span["db"] = mapped


def _add_destination(document: dict[str, Any], span: dict[str, Any], destination: Destination) -> None:
    mapped: dict[str, Any] = {}
    if address := destination.address:
        mapped["address"] = address
        if is_address[address]:
            mapped["ip"] = address
    if port := (destination.port or 0) & U32:
        mapped["port"] = port
    if mapped:
        document["destination"] = mapped
    if (called := destination.service) is not None:
        target: dict[str, Any] = {}
        if called.resource:
            target["resource"] = called.resource
        if called.name:
            target["name"] = called.name
        if called.type:
            target["type"] = called.type
        span["destination"] = {"service": target}


def _add_http(document: dict[str, Any], http: SpanHttp) -> None:
    mapped: dict[str, Any] = {}
    request: dict[str, Any] = {}
    if http.method:
        request["method"] = http.method
    if sent := http.request:
        if sent.id:
            request["id"] = sent.id
        body = sent.body if type(sent.body) is str else normalise_free(sent.body)
        if body is not None and body != {}:
            request["body"] = {"original": body}
    if request:
        mapped["request"] = request
    if http.response:
        mapped["response"] = map_span_response(http.response)
    if http.status_code is not None:
        response = mapped.setdefault("response", {})
        response.pop("status_code", None)
        if status := http.status_code & U32:
            response["status_code"] = status
    if mapped:
        document["http"] = mapped
    if http.url:
        document["url"] = {"original": http.url}


def _composite(composite: Composite) -> dict[str, Any]:
    mapped: dict[str, Any] = {}
    if count := composite.count & U32:
        mapped["count"] = count
    if microseconds := whole(composite.sum * 1000):
        mapped["sum"] = {"us": microseconds}
    if composite.compression_strategy in _STRATEGIES:
        mapped["compression_strategy"] = composite.compression_strategy
    return mapped
