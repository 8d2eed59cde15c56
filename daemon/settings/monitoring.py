"""`http.*`, `monitoring.*`, `instrumentation.*` (http-surface.md 7.4)."""

from __future__ import annotations

from tidegate.daemon.settings import kinds
from tidegate.daemon.settings.client import declare_client
from tidegate.daemon.settings.declare import Gate, Section, Warned

SECTION = Section("Monitoring", "The original's monitoring endpoint. Tidegate's own figures: [metrics.md](metrics.md).")

_NO_PROFILER = Warned("the monitoring endpoint has no profiler and keeps no history")
_NO_SHIPPER = Warned("nothing is sent to a monitoring cluster: Kibana's stack monitoring does not show this server")
_NO_SELF = Warned("Tidegate does not trace itself")
_HTTP = Gate("http.enabled", on_by_section=False)
_MONITORING = Gate("monitoring.enabled")
_SELF = Gate("instrumentation.enabled", on_by_section=False)

HTTP_ENABLED = SECTION.setting(
    "http.enabled",
    kinds.boolean,
    False,
    "Whether counters can be read by HTTP under the original's names: `/`, `/state`, `/stats`, as Metricbeat does.",
)
HTTP_HOST = SECTION.setting(
    "http.host", kinds.text, "localhost", "Address for it. Whoever can reach it may read the counters.", gate=_HTTP
)
HTTP_PORT = SECTION.setting("http.port", kinds.integer(0, 65535), 5066, "Port for it.", gate=_HTTP)
SECTION.group("http", "Further keys, such as `http.pprof.*` and `http.buffer.*`.", _NO_PROFILER, _HTTP)
SECTION.setting("monitoring.enabled", kinds.boolean, False, "Whether counters are sent.", fate=_NO_SHIPPER)
SECTION.setting(
    "monitoring.cluster_uuid", kinds.text, "", "Cluster they belong to.", fate=_NO_SHIPPER, gate=_MONITORING
)
declare_client(SECTION, "monitoring.elasticsearch", _NO_SHIPPER, _MONITORING)
SECTION.group("monitoring", "Further keys.", _NO_SHIPPER, _MONITORING)
SECTION.setting("instrumentation.enabled", kinds.boolean, False, "Whether it traces itself.", fate=_NO_SELF)
SECTION.setting("instrumentation.environment", kinds.text, "", "Environment.", fate=_NO_SELF, gate=_SELF)
SECTION.setting("instrumentation.hosts", kinds.texts, (), "Servers.", fate=_NO_SELF, gate=_SELF)
for _key in ("api_key", "secret_token"):
    SECTION.setting(f"instrumentation.{_key}", kinds.text, "", "Credential.", fate=_NO_SELF, gate=_SELF, secret=True)
SECTION.group("instrumentation", "Further keys, such as `tls.*`.", _NO_SELF, _SELF)
