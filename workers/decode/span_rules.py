"""`span`: intake-to-documents.md 4.4."""

from __future__ import annotations

from tidegate.workers.decode import model
from tidegate.workers.decode.fields import (
    anything,
    flag,
    headers,
    integer,
    labels,
    nested,
    nested_list,
    number,
    outcome,
    text,
    texts,
    time,
)
from tidegate.workers.decode.rules import Table
from tidegate.workers.decode.shared_rules import EVENT_SERVICE, FRAME, LINKS, MESSAGE, OTEL

_DB = Table(
    "v2.spanContextDatabase",
    model.Db,
    text("instance"),
    text("link", 1024),
    text("statement"),
    text("type"),
    text("user"),
    integer("rows_affected"),
)

_DESTINATION = Table(
    "v2.spanContextDestination",
    model.Destination,
    nested(
        "service",
        Table(
            "v2.spanContextDestinationService",
            model.DestinationService,
            text("name", 1024),
            text("type", 1024),
            text("resource", 1024, required=True),
        ),
    ),
    text("address", 1024),
    integer("port"),
)

_HTTP = Table(
    "v2.spanContextHTTP",
    model.SpanHttp,
    nested("request", Table("v2.spanContextHTTPRequest", model.SpanHttpRequest, anything("body"), text("id"))),
    text("method", 1024),
    nested(
        "response",
        Table(
            "v2.spanContextHTTPResponse",
            model.SpanHttpResponse,
            headers(),
            integer("status_code"),
            integer("transfer_size"),
            integer("encoded_body_size"),
            integer("decoded_body_size"),
        ),
    ),
    integer("status_code"),
    text("url"),
)

_COMPOSITE = Table(
    "v2.spanComposite",
    model.Composite,
    text("compression_strategy", required=True),
    integer("count", least=2, required=True),
    number("sum", least=0, required=True),
)

_CONTEXT = Table(
    "v2.spanContext",
    model.SpanContext,
    labels("tags"),
    nested("service", EVENT_SERVICE),
    nested("message", MESSAGE),
    nested("db", _DB, go="Database"),
    nested("destination", _DESTINATION),
    nested("http", _HTTP),
)

SPAN = Table(
    "v2.span",
    model.Span,
    OTEL,
    text("id", 1024, required=True),
    text("trace_id", 1024, required=True),
    text("action", 1024),
    text("name", 1024, required=True),
    outcome(),
    texts("child_ids", 1024),
    text("parent_id", 1024, required=True),
    LINKS,
    nested_list("stacktrace", FRAME),
    text("type", 1024, required=True),
    text("subtype", 1024),
    text("transaction_id", 1024),
    nested("composite", _COMPOSITE),
    nested("context", _CONTEXT),
    number("duration", least=0, required=True),
    time(),
    number("start"),
    number("sample_rate"),
    flag("sync"),
    one_of=("start", "timestamp"),
)
