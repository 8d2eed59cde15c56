"""The mappings of each kind of data stream: what Kibana's APM pages ask for, in types that serve them. Pure.

Source: http-surface.md 8.5, intake-to-documents.md 4 (fields), experiments.md section 4 (fields without which Kibana shows
nothing). Strings that are not named are keywords, so only fields that need a type, or must be there before the first
document, are named.
"""

from __future__ import annotations

from typing import Any

from tidegate.workers.setup.fields import (
    BOOLEAN,
    DATE,
    DOUBLE,
    FLATTENED,
    IP,
    KEYWORD,
    LONG,
    UNINDEXED,
    UNINDEXED_LONG,
    UNINDEXED_TEXT,
    Fields,
    constant,
    keywords,
    nested,
    possible,
    scaled,
)
from tidegate.workers.setup.streams import Stream

MILLIONTH = 1_000_000
"""Of fractions whose size is unknown (labels, scores): six digits after the point."""
THOUSANDTH = 1000
"""Of representative counts, which are 1/rate."""

_TEXT: dict[str, Any] = {"type": "match_only_text"}
_COUNT: dict[str, Any] = {"type": "aggregate_metric_double", "metrics": ["sum", "value_count"], "default_metric": "sum"}
_COUNTED: dict[str, Any] = {**scaled(THOUSANDTH), "index": False}

COMMON: Fields = {
    # A data stream refuses documents without a usable time, so it is the one field that may not be ignored.
    "@timestamp": {**DATE, "ignore_malformed": False},
    # long, as floats break the waterfall
    "timestamp.us": LONG,
    "message": _TEXT,
    "trace.id": KEYWORD,
    "parent.id": KEYWORD,
    "transaction.id": KEYWORD,
    "span.id": KEYWORD,
    **keywords("agent", "name", "version", "ephemeral_id"),
    **keywords("service", "name", "version", "environment", "node.name", "framework.name", "framework.version"),
    **keywords("service", "language.name", "language.version", "runtime.name", "runtime.version"),
    **keywords("host", "name", "hostname", "architecture", "os.platform"),
    **keywords("cloud", "provider", "region", "availability_zone", "account.id", "instance.id", "service.name"),
    **keywords("kubernetes", "namespace", "node.name", "pod.name", "pod.uid"),
    **keywords("observer", "hostname", "type", "version"),
    **keywords("event", "outcome", "dataset"),
    "container.id": KEYWORD,
    "host.ip": IP,
    "client.ip": IP,
    "client.port": LONG,
    "source.ip": IP,
    "source.port": LONG,
    "source.nat.ip": IP,
    "destination.ip": IP,
    "destination.port": LONG,
    "url.port": LONG,
    "process.pid": LONG,
    "process.parent.pid": LONG,
    "faas.coldstart": BOOLEAN,
    "transaction.name": KEYWORD,
    "transaction.type": KEYWORD,
    "transaction.sampled": BOOLEAN,
}

_HTTP: Fields = {
    "http.request.method": KEYWORD,
    "http.request.headers": FLATTENED,
    "http.request.cookies": UNINDEXED,
    "http.request.env": UNINDEXED,
    "http.request.body": UNINDEXED,
    "http.response.headers": FLATTENED,
    "http.response.status_code": LONG,
    "http.response.transfer_size": UNINDEXED_LONG,
    "http.response.encoded_body_size": UNINDEXED_LONG,
    "http.response.decoded_body_size": UNINDEXED_LONG,
    "http.response.finished": BOOLEAN,
    "http.response.headers_sent": BOOLEAN,
    **keywords("url", "domain", "path", "full"),
    **keywords("user", "id", "name", "email"),
}


def _message(section: str) -> Fields:
    return {
        f"{section}.message.queue.name": KEYWORD,
        f"{section}.message.age.ms": LONG,
        f"{section}.message.headers": FLATTENED,
        f"{section}.message.body": UNINDEXED_TEXT,
    }


_TRACES: Fields = {
    **_HTTP,
    **_message("transaction"),
    **_message("span"),
    "processor.event": KEYWORD,
    "child.id": KEYWORD,
    "code.stacktrace": UNINDEXED_TEXT,
    "event.duration": LONG,
    "event.success_count": {**DOUBLE, "index": False},
    "session.sequence": LONG,
    "service.target.name": KEYWORD,
    "service.target.type": KEYWORD,
    "transaction.result": KEYWORD,
    "transaction.duration.us": LONG,
    "transaction.representative_count": _COUNTED,
    "transaction.custom": UNINDEXED,
    "transaction.span_count.started": LONG,
    "transaction.span_count.dropped": LONG,
    "transaction.experience.cls": scaled(MILLIONTH),
    "transaction.experience.fid": scaled(MILLIONTH),
    "transaction.experience.tbt": scaled(MILLIONTH),
    "transaction.experience.longtask.count": LONG,
    "transaction.experience.longtask.max": scaled(MILLIONTH),
    "transaction.experience.longtask.sum": scaled(MILLIONTH),
    **keywords("span", "name", "type", "subtype", "action", "kind", "links.span.id", "links.trace.id"),
    "span.duration.us": LONG,
    "span.representative_count": _COUNTED,
    "span.stacktrace": UNINDEXED,
    "span.sync": BOOLEAN,
    "span.composite.compression_strategy": KEYWORD,
    "span.composite.count": LONG,
    "span.composite.sum.us": LONG,
    **keywords("span.db", "instance", "statement", "type", "link", "user.name"),
    "span.db.rows_affected": LONG,
    **keywords("span.destination.service", "name", "resource", "type"),
}

_ERRORS: Fields = {
    **_HTTP,
    "processor.event": constant("error"),
    **keywords("error", "id", "culprit", "grouping_key", "grouping_name", "type"),
    "error.message": _TEXT,
    "error.stack_trace": UNINDEXED_TEXT,
    "error.custom": UNINDEXED,
    **keywords("error.exception", "type", "module", "code"),
    "error.exception.message": _TEXT,
    "error.exception.handled": BOOLEAN,
    "error.exception.parent": LONG,
    "error.exception.attributes": UNINDEXED,
    "error.exception.stacktrace": UNINDEXED,
    **keywords("error.log", "level", "logger_name", "param_message"),
    "error.log.message": _TEXT,
    "error.log.stacktrace": UNINDEXED,
}

_LOGS: Fields = {
    **keywords("log", "level", "logger", "origin.function", "origin.file.name"),
    "log.origin.file.line": LONG,
    "event.severity": LONG,
    **keywords("event", "kind", "category", "action"),
    "process.thread.name": KEYWORD,
    "error.stack_trace": UNINDEXED_TEXT,
}

_METRICS: Fields = {
    "processor.event": constant("metric"),
    "metricset.name": KEYWORD,
    "metricset.interval": KEYWORD,
    "metricset.samples": UNINDEXED,
    "span.type": KEYWORD,
    "span.subtype": KEYWORD,
    "span.self_time.count": LONG,
    "span.self_time.sum.us": LONG,
    "system.process.cpu.start_time": DATE,
}

_AGGREGATES: Fields = {
    "processor.event": constant("metric"),
    "metricset.interval": KEYWORD,
    "metricset.samples": UNINDEXED,
    "event.success_count": _COUNT,
    "service.target.name": KEYWORD,
    "service.target.type": KEYWORD,
    "span.name": KEYWORD,
    "span.destination.service.resource": KEYWORD,
    "span.destination.service.response_time.count": LONG,
    "span.destination.service.response_time.sum.us": LONG,
    "transaction.result": KEYWORD,
    "transaction.root": BOOLEAN,
    "transaction.duration.histogram": {"type": "histogram"},
    "transaction.duration.summary": _COUNT,
}

_SAMPLED: Fields = {
    "@timestamp": COMMON["@timestamp"],
    "agent.ephemeral_id": KEYWORD,
    "trace.id": KEYWORD,
}

_OF_KIND = {
    "traces": COMMON | _TRACES,
    "sampled": _SAMPLED,
    "errors": COMMON | _ERRORS,
    "logs": COMMON | _LOGS,
    "metrics": COMMON | _METRICS,
    "aggregates": COMMON | _AGGREGATES,
}

_STRINGS = {"strings": {"match_mapping_type": "string", "mapping": KEYWORD}}


def fields_of(stream: Stream) -> Fields:
    """Every named field of the stream's documents, as a current default distribution has it."""
    fields = _OF_KIND[stream.kind] | {
        "data_stream.type": constant(stream.type),
        "data_stream.dataset": constant(None if stream.per_service else stream.dataset),
        "data_stream.namespace": constant(),
    }
    return fields | {"metricset.name": constant(stream.metricset)} if stream.metricset else fields


def mappings_of(stream: Stream, types: frozenset[str]) -> dict[str, Any]:
    """The value of `mappings`, for a cluster that has these field types beside the server's own."""
    fraction = possible(scaled(MILLIONTH), types)
    dynamic: list[dict[str, Any]] = [{"numeric_labels": {"path_match": "numeric_labels.*", "mapping": fraction}}]
    if stream.kind == "traces":
        dynamic += _numbers("marks", fraction, path="transaction.marks.*")
    if stream.kind in ("metrics", "aggregates"):
        # The first value of a metric may be whole and the next one not: a field of whole numbers would cut it.
        dynamic += _numbers("samples", DOUBLE)
    return {
        "date_detection": False,
        "dynamic": stream.kind != "sampled",
        "dynamic_templates": [*dynamic, _STRINGS],
        "properties": nested(fields_of(stream), types),
    }


def _numbers(name: str, mapping: dict[str, Any], path: str = "") -> list[dict[str, Any]]:
    """For whole numbers and for others: Elasticsearch before 8.13 takes no list of types."""
    where = {"path_match": path} if path else {}
    return [
        {f"{name}_{kind}": {**where, "match_mapping_type": kind, "mapping": mapping}} for kind in ("long", "double")
    ]
