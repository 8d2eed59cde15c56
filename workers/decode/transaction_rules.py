"""`transaction`: intake-to-documents.md 4.3."""

from __future__ import annotations

from tidegate.workers.decode import model
from tidegate.workers.decode.fields import flag, integer, nested, nested_list, number, outcome, text, time
from tidegate.workers.decode.leaves import marks_of
from tidegate.workers.decode.rules import Field, Table
from tidegate.workers.decode.shared_rules import CONTEXT, FAAS, LINKS, OTEL

_DROPPED_SPANS = Table(
    "v2.transactionDroppedSpanStats",
    model.DroppedSpans,
    text("destination_service_resource", 1024),
    text("service_target_type", 512),
    text("service_target_name", 512),
    outcome(),
    nested(
        "duration",
        Table(
            "v2.transactionDroppedSpansDuration",
            model.DroppedDuration,
            integer("count", least=1),
            nested("sum", Table("v2.transactionDroppedSpansDurationSum", model.DroppedSum, integer("us", least=0))),
        ),
    ),
)

EXPERIENCE = Table(
    "v2.transactionUserExperience",
    model.Experience,
    number("cls", least=0, go="CumulativeLayoutShift"),
    number("fid", least=0, go="FirstInputDelay"),
    nested(
        "longtask",
        Table(
            "v2.longtaskMetrics",
            model.Longtask,
            integer("count", least=0, required=True),
            number("max", least=0, required=True),
            number("sum", least=0, required=True),
        ),
    ),
    number("tbt", least=0, go="TotalBlockingTime"),
)

_SPAN_COUNT = Table("v2.transactionSpanCount", model.SpanCount, integer("started", required=True), integer("dropped"))

TRANSACTION = Table(
    "v2.transaction",
    model.Transaction,
    Field("marks", "marks", "Marks", marks_of("v2")),
    OTEL,
    LINKS,
    text("trace_id", 1024, required=True),
    text("id", 1024, required=True),
    text("parent_id", 1024),
    text("name", 1024),
    text("type", 1024, required=True),
    text("result", 1024),
    nested_list("dropped_spans_stats", _DROPPED_SPANS),
    outcome(),
    nested("faas", FAAS),
    nested(
        "session",
        Table("v2.transactionSession", model.Session, text("id", 1024, required=True), integer("sequence", least=1)),
    ),
    nested("context", CONTEXT),
    nested("experience", EXPERIENCE, go="UserExperience"),
    nested("span_count", _SPAN_COUNT, required=True),
    number("duration", least=0, required=True),
    time(),
    number("sample_rate"),
    flag("sampled"),
)
