"""Objects that several event types share: intake-to-documents.md 4.1."""

from __future__ import annotations

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
    text,
    texts,
)
from tidegate.workers.decode.rules import Table

EVENT_SERVICE = Table(
    "v2.contextService",
    model.EventService,
    nested(
        "agent",
        Table(
            "v2.contextServiceAgent", model.Agent, text("ephemeral_id", 1024), text("name", 1024), text("version", 1024)
        ),
    ),
    text("environment", 1024),
    nested(
        "framework", Table("v2.contextServiceFramework", model.NameVersion, text("name", 1024), text("version", 1024))
    ),
    text("id"),
    nested(
        "language", Table("v2.contextServiceLanguage", model.NameVersion, text("name", 1024), text("version", 1024))
    ),
    text("name", 1024, rules.service_name),
    nested("node", Table("v2.contextServiceNode", model.Node, text("configured_name", 1024, go="Name"))),
    nested("origin", Table("v2.contextServiceOrigin", model.Origin, text("id"), text("name"), text("version"))),
    nested("runtime", Table("v2.contextServiceRuntime", model.NameVersion, text("name", 1024), text("version", 1024))),
    nested("target", Table("v2.contextServiceTarget", model.Target, text("name"), text("type"))),
    text("version", 1024),
)

USER = Table(
    "v2.user",
    model.User,
    text("domain", 1024),
    anything("id", rules.longest(1024), rules.text_or_integer),
    text("email", 1024),
    text("username", 1024, go="Name"),
)

REQUEST = Table(
    "v2.contextRequest",
    model.Request,
    anything("body", rules.text_or_object),
    nested(
        "url",
        Table(
            "v2.contextRequestURL",
            model.Url,
            anything("port", rules.port),
            text("full", 1024),
            text("hash", 1024),
            text("hostname", 1024),
            text("pathname", 1024, go="Path"),
            text("protocol", 1024),
            text("raw", 1024),
            text("search", 1024),
        ),
    ),
    text("http_version", 1024),
    text("method", 1024, required=True),
    nested("socket", Table("v2.contextRequestSocket", model.Socket, text("remote_address"), flag("encrypted"))),
    free("cookies"),
    free("env"),
    headers(),
)

RESPONSE = Table(
    "v2.contextResponse",
    model.Response,
    headers(),
    integer("status_code"),
    integer("transfer_size"),
    integer("decoded_body_size"),
    integer("encoded_body_size"),
    flag("finished"),
    flag("headers_sent"),
)

PAGE = Table("v2.contextPage", model.Page, text("referer"), text("url"))

MESSAGE = Table(
    "v2.contextMessage",
    model.Message,
    text("body"),
    headers(),
    nested("queue", Table("v2.contextMessageQueue", model.Queue, text("name", 1024))),
    text("routing_key"),
    nested("age", Table("v2.contextMessageAge", model.Age, integer("ms", go="Milliseconds"))),
)

EVENT_CLOUD = Table(
    "v2.contextCloud",
    model.EventCloud,
    nested(
        "origin",
        Table(
            "v2.contextCloudOrigin",
            model.CloudOrigin,
            nested("account", Table("v2.contextCloudOriginAccount", model.CloudOriginAccount, text("id"))),
            text("provider"),
            text("region"),
            nested("service", Table("v2.contextCloudOriginService", model.CloudOriginService, text("name"))),
        ),
    ),
)

CONTEXT = Table(
    "v2.context",
    model.Context,
    free("custom"),
    labels("tags"),
    nested("service", EVENT_SERVICE),
    nested("cloud", EVENT_CLOUD),
    nested("user", USER),
    nested("page", PAGE),
    nested("request", REQUEST),
    nested("message", MESSAGE),
    nested("response", RESPONSE),
)

FRAME = Table(
    "v2.stacktraceFrame",
    model.Frame,
    free("vars"),
    text("filename"),
    text("abs_path"),
    text("classname"),
    text("context_line"),
    text("function"),
    text("module"),
    texts("post_context"),
    texts("pre_context"),
    integer("lineno", go="LineNumber"),
    integer("colno", go="ColumnNumber"),
    flag("library_frame"),
    one_of=("classname", "filename"),
)

FAAS = Table(
    "v2.faas",
    model.Faas,
    text("id"),
    text("execution"),
    text("name"),
    text("version"),
    flag("coldstart"),
    nested("trigger", Table("v2.trigger", model.Trigger, text("type"), text("request_id"))),
)

LINKS = nested_list(
    "links",
    Table("v2.spanLink", model.Link, text("trace_id", 1024, required=True), text("span_id", 1024, required=True)),
)

OTEL = nested("otel", Table("v2.otel", model.Otel, free("attributes"), text("span_kind")))
