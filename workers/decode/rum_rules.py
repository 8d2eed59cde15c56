"""RUM v3: the short keys of intake-to-documents.md 7.2 to 7.7 and the v2 fields that they stand for."""

from __future__ import annotations

from typing import Any

from tidegate.workers.decode import model, rules
from tidegate.workers.decode.fields import (
    anything,
    flag,
    free,
    headers,
    integer,
    labels,
    nested,
    nested_list,
    number,
    outcome,
    text,
    text_with,
    texts,
    time,
)
from tidegate.workers.decode.leaves import marks_of
from tidegate.workers.decode.mark_names import expand_marks
from tidegate.workers.decode.rules import Field, Table


def _name_version(go: str, struct: Any, name_required: bool = False, version_required: bool = False) -> Table:
    return Table(
        go,
        struct,
        text("n", 1024, name="name", required=name_required),
        text("ve", 1024, name="version", required=version_required),
    )


# ------------------------------------------------------------------------------------------------------------ metadata

_USER = Table(
    "rumv3.user",
    model.User,
    text("ud", 1024, name="domain"),
    anything("id", rules.longest(1024), rules.text_or_integer),
    text("em", 1024, name="email"),
    text("un", 1024, name="username", go="Name"),
)

_METADATA_SERVICE = Table(
    "rumv3.metadataService",
    model.MetadataService,
    nested(
        "a",
        Table(
            "rumv3.metadataServiceAgent",
            model.MetadataAgent,
            text("n", 1024, rules.not_empty, name="name", required=True),
            text("ve", 1024, name="version", required=True),
        ),
        name="agent",
        required=True,
    ),
    text("en", 1024, name="environment"),
    nested("fw", _name_version("rumv3.metadataServiceFramework", model.NameVersion), name="framework"),
    nested("la", _name_version("rumv3.metadataServiceLanguage", model.Language, True), name="language"),
    text("n", 1024, rules.not_empty, rules.service_name, name="name", required=True),
    nested("ru", _name_version("rumv3.metadataServiceRuntime", model.Runtime, True, True), name="runtime"),
    text("ve", 1024, name="version"),
)

_CONNECTION = Table("rumv3.networkConnection", model.Connection, text("t", 1024, name="type"))

RUM_METADATA = Table(
    "rumv3.metadata",
    model.Metadata,
    labels("l", name="labels"),
    nested("se", _METADATA_SERVICE, name="service", required=True),
    nested("u", _USER, name="user"),
    nested("n", Table("rumv3.network", model.Network, nested("c", _CONNECTION, name="connection")), name="network"),
)

# ------------------------------------------------------------------------------------------------------------- context

_SERVICE = Table(
    "rumv3.contextService",
    model.EventService,
    nested("a", _name_version("rumv3.contextServiceAgent", model.Agent), name="agent"),
    text("en", 1024, name="environment"),
    nested("fw", _name_version("rumv3.contextServiceFramework", model.NameVersion), name="framework"),
    nested("la", _name_version("rumv3.contextServiceLanguage", model.NameVersion), name="language"),
    text("n", 1024, rules.service_name, name="name"),
    nested("ru", _name_version("rumv3.contextServiceRuntime", model.NameVersion), name="runtime"),
    text("ve", 1024, name="version"),
)

_REQUEST = Table(
    "rumv3.contextRequest",
    model.Request,
    free("en", name="env"),
    headers("he"),
    text("hve", 1024, name="http_version"),
    text("mt", 1024, name="method", required=True),
)

_PAGE = Table("rumv3.contextPage", model.Page, text("rf", name="referer"), text("url"))

_RESPONSE = Table(
    "rumv3.contextResponse",
    model.Response,
    headers("he"),
    integer("dbs", name="decoded_body_size"),
    integer("ebs", name="encoded_body_size"),
    integer("ts", name="transfer_size"),
    integer("sc", name="status_code"),
)

_CONTEXT = Table(
    "rumv3.context",
    model.Context,
    free("cu", name="custom"),
    labels("g", name="tags"),
    nested("se", _SERVICE, name="service"),
    nested("u", _USER, name="user"),
    nested("q", _REQUEST, name="request"),
    nested("p", _PAGE, name="page"),
    nested("r", _RESPONSE, name="response"),
)

_FRAME = Table(
    "rumv3.stacktraceFrame",
    model.Frame,
    text("f", name="filename", required=True),
    text("ap", name="abs_path"),
    text("cn", name="classname"),
    text("fn", name="function"),
    text("mo", name="module"),
    text("cli", name="context_line"),
    integer("li", name="lineno", go="LineNumber"),
    integer("co", name="colno", go="ColumnNumber"),
    texts("prc", name="pre_context"),
    texts("poc", name="post_context"),
)

# --------------------------------------------------------------------------------------------------------------- spans


def _span_service(name: str | None = None, agent: None = None) -> model.EventService:
    """The agent is checked, but not used."""
    return model.EventService(name=name)


_DESTINATION = Table(
    "rumv3.spanContextDestination",
    model.Destination,
    nested(
        "se",
        Table(
            "rumv3.spanContextDestinationService",
            model.DestinationService,
            text("n", 1024, name="name"),
            text("t", 1024, name="type"),
            text("rc", 1024, name="resource", required=True),
        ),
        name="service",
    ),
    text("ad", 1024, name="address"),
    integer("po", name="port"),
)

_HTTP = Table(
    "rumv3.spanContextHTTP",
    model.SpanHttp,
    text("mt", 1024, name="method"),
    text("url"),
    nested(
        "r",
        Table(
            "rumv3.spanContextHTTPResponse",
            model.SpanHttpResponse,
            integer("dbs", name="decoded_body_size"),
            integer("ebs", name="encoded_body_size"),
            integer("ts", name="transfer_size"),
        ),
        name="response",
    ),
    integer("sc", name="status_code"),
)

_SPAN_CONTEXT = Table(
    "rumv3.spanContext",
    model.SpanContext,
    labels("g", name="tags"),
    nested(
        "se",
        Table(
            "rumv3.contextService",
            _span_service,
            nested("a", _name_version("rumv3.contextServiceAgent", lambda **_: None), name="agent"),
            text("n", 1024, rules.service_name, name="name"),
        ),
        name="service",
    ),
    nested("dt", _DESTINATION, name="destination"),
    nested("h", _HTTP, name="http"),
)

_SPAN = Table(
    "rumv3.span",
    dict,
    text("n", 1024, name="name", required=True),
    nested_list("st", _FRAME, name="stacktrace"),
    text("t", 1024, name="type", required=True),
    text("su", 1024, name="subtype"),
    text("ac", 1024, name="action"),
    text("id", 1024, required=True),
    outcome("o", name="outcome"),
    nested("c", _SPAN_CONTEXT, name="context"),
    integer("pi", name="parent_index"),
    number("sr", name="sample_rate"),
    number("s", name="start", required=True),
    number("d", least=0, name="duration", required=True),
    flag("sy", name="sync"),
)

# ---------------------------------------------------------------------------------------------------------- metricsets


def _sample(key: str, name: str) -> Field:
    return nested(
        key, Table("rumv3.metricsetSample", lambda value: value, number("v", name="value", required=True)), name=name
    )


_METRICSET = Table(
    "rumv3.transactionMetricset",
    dict,
    nested(
        "y",
        Table("rumv3.metricsetSpanRef", dict, text("t", 1024, name="type"), text("su", 1024, name="subtype")),
        name="span",
    ),
    nested(
        "sa",
        Table("rumv3.transactionMetricsetSamples", dict, _sample("ysc", "count"), _sample("yss", "sum")),
        name="samples",
        required=True,
    ),
)

# -------------------------------------------------------------------------------------------------------- transactions

_EXPERIENCE = Table(
    "rumv3.transactionUserExperience",
    model.Experience,
    number("cls", least=0, go="CumulativeLayoutShift"),
    number("fid", least=0, go="FirstInputDelay"),
    number("tbt", least=0, go="TotalBlockingTime"),
    nested(
        "lt",
        Table(
            "rumv3.longtaskMetrics",
            model.Longtask,
            integer("count", least=0, required=True),
            number("max", least=0, required=True),
            number("sum", least=0, required=True),
        ),
        name="longtask",
    ),
)

RUM_TRANSACTION = Table(
    "rumv3.transaction",
    dict,
    Field("k", "marks", "Marks", marks_of("rumv3"), finish=expand_marks),
    text("tid", 1024, name="trace_id", required=True),
    text("t", 1024, name="type", required=True),
    nested_list("y", _SPAN, name="spans"),
    nested_list("me", _METRICSET, name="metricsets"),
    text("rt", 1024, name="result"),
    text("id", 1024, required=True),
    text("n", 1024, name="name"),
    outcome("o", name="outcome"),
    text("pid", 1024, name="parent_id"),
    nested(
        "ses",
        Table(
            "rumv3.transactionSession",
            model.Session,
            text("id", required=True),
            integer("seq", least=1, name="sequence"),
        ),
        name="session",
    ),
    nested("c", _CONTEXT, name="context"),
    nested("exp", _EXPERIENCE, name="experience", go="UserExperience"),
    nested(
        "yc",
        Table(
            "rumv3.transactionSpanCount",
            model.SpanCount,
            integer("sd", name="started", required=True),
            integer("dd", name="dropped"),
        ),
        name="span_count",
        required=True,
    ),
    number("sr", name="sample_rate"),
    number("d", least=0, name="duration", required=True),
    flag("sm", name="sampled"),
)

# -------------------------------------------------------------------------------------------------------------- errors

_EXCEPTION = Table("rumv3.errorException", model.ExceptionInfo, one_of=("mg", "t"))
_EXCEPTION.declare(
    free("at", name="attributes"),
    anything("cd", rules.longest(1024), rules.text_or_integer, name="code"),
    nested_list("ca", _EXCEPTION, name="cause"),
    text("mg", name="message"),
    text("mo", 1024, name="module"),
    nested_list("st", _FRAME, name="stacktrace"),
    text("t", 1024, name="type"),
    flag("hd", name="handled"),
)

_LOG = Table(
    "rumv3.errorLog",
    model.ErrorLog,
    text("lv", 1024, name="level"),
    text("ln", 1024, name="logger_name"),
    text("mg", name="message", required=True),
    text("pmg", 1024, name="param_message"),
    nested_list("st", _FRAME, name="stacktrace"),
)

RUM_ERROR = Table(
    "rumv3.errorEvent",
    dict,
    time(),
    nested("log", _LOG),
    text("cl", 1024, name="culprit"),
    text("id", 1024, required=True),
    text_with("pid", ("xid", "tid"), name="parent_id"),
    text_with("tid", ("xid", "pid"), name="trace_id"),
    text("xid", 1024, name="transaction_id"),
    nested("ex", _EXCEPTION, name="exception"),
    nested(
        "x",
        Table(
            "rumv3.errorTransactionRef",
            model.ErrorTransaction,
            text("n", 1024, name="name"),
            text("t", 1024, name="type"),
            flag("sm", name="sampled"),
        ),
        name="transaction",
    ),
    nested("c", _CONTEXT, name="context"),
    one_of=("ex", "log"),
)
