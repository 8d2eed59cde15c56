"""Keys of earlier versions of the original, which it ignores today (http-surface.md 7.2), and what it refuses."""

from __future__ import annotations

from tidegate.daemon.settings.declare import Refused, Section, Warned

SECTION = Section("Of earlier versions", "Keys that the original does not read any more.")

_IGNORED = Warned("the original does not read it any more, and neither does Tidegate")

SECTION.group(
    "apm-server.secret_token",
    "Now `apm-server.auth.secret_token`.",
    Warned("it protects nothing: the key is `apm-server.auth.secret_token` now, and this one is ignored", alarm=True),
)
SECTION.group(
    "apm-server.api_key",
    "Now `apm-server.auth.api_key`.",
    Warned("it protects nothing: the section is `apm-server.auth.api_key` now, and this one is ignored", alarm=True),
)
SECTION.group(
    "apm-server.rum.allow_service_names",
    "Now `apm-server.auth.anonymous.allow_service`.",
    Warned("it limits nothing: the key is `apm-server.auth.anonymous.allow_service` now", alarm=True),
)
SECTION.group(
    "apm-server.rum.event_rate",
    "Now `apm-server.auth.anonymous.rate_limit`.",
    Warned("it limits nothing: the section is `apm-server.auth.anonymous.rate_limit` now", alarm=True),
)
for _key in (
    "apm-server.agent_config",
    "apm-server.concurrent_requests",
    "apm-server.data_streams.enabled",
    "apm-server.data_streams.wait_for_integration",
    "apm-server.frontend",
    "apm-server.ilm",
    "apm-server.instrumentation",
    "apm-server.jaeger",
    "apm-server.java_attacher",
    "apm-server.max_request_queue_time",
    "apm-server.max_unzipped_size",
    "apm-server.metrics",
    "apm-server.mode",
    "apm-server.queue",
    "apm-server.register",
    "apm-server.rum.rate_limit",
    "queue",
    "setup",
    "xpack",
):
    SECTION.group(_key, "Ignored by the original.", _IGNORED)
SECTION.group(
    "processors",
    "libbeat's processors.",
    Refused(
        "invalid config: libbeat processors are not supported; the original refuses them, too. "
        "Use an ingest pipeline of Elasticsearch"
    ),
)
