"""`apm-server.agent.*` and `apm-server.kibana.*`: central configuration of agents (http-surface.md 6, 7.2)."""

from __future__ import annotations

from tidegate.daemon.settings import kinds
from tidegate.daemon.settings.client import declare_client
from tidegate.daemon.settings.declare import HONOURED, Applies, Gate, Section, Warned

SECTION = Section(
    "Agent configuration",
    "What agents are told to change while they run: by Kibana, or by `tidegate agent-config`. With the local store it lies "
    "in a file beside that, unless `apm-server.agent.config.elasticsearch.hosts` is given. What is not given of "
    "`apm-server.agent.config.elasticsearch` is that of `output.elasticsearch`; of user, password and API key, one "
    "replaces all.",
    Applies.RELOAD,
)

_NO_KIBANA = Warned("Kibana is not asked: agent configuration is read from Elasticsearch, where Kibana keeps it")
_KIBANA = Gate("apm-server.kibana.enabled")

CACHE_EXPIRATION = SECTION.setting(
    "apm-server.agent.config.cache.expiration",
    kinds.duration(1.0, whole_seconds_of="apm-server.agent.config.cache.expiration"),
    30.0,
    "How often the configuration is read, and how long agents keep it; whole seconds.",
)
ELASTICSEARCH = declare_client(SECTION, "apm-server.agent.config.elasticsearch", HONOURED)
KIBANA_ENABLED = SECTION.setting(
    "apm-server.kibana.enabled", kinds.boolean, False, "Whether Kibana is the fallback.", fate=_NO_KIBANA
)
SECTION.setting(
    "apm-server.kibana.host", kinds.text, "localhost:5601", "Kibana's address.", fate=_NO_KIBANA, gate=_KIBANA
)
SECTION.setting(
    "apm-server.kibana.protocol",
    kinds.choice("http", "https"),
    "http",
    "Scheme.",
    fate=_NO_KIBANA,
    gate=_KIBANA,
)
SECTION.setting("apm-server.kibana.path", kinds.text, "", "Path.", fate=_NO_KIBANA, gate=_KIBANA)
KIBANA_USERNAME = SECTION.setting("apm-server.kibana.username", kinds.text, "", "User.", fate=_NO_KIBANA, gate=_KIBANA)
KIBANA_PASSWORD = SECTION.setting(
    "apm-server.kibana.password", kinds.text, "", "Password.", fate=_NO_KIBANA, gate=_KIBANA, secret=True
)
KIBANA_API_KEY = SECTION.setting(
    "apm-server.kibana.api_key", kinds.text, "", "API key.", fate=_NO_KIBANA, gate=_KIBANA, secret=True
)
SECTION.setting(
    "apm-server.kibana.service_token",
    kinds.text,
    "",
    "Service token.",
    fate=_NO_KIBANA,
    gate=_KIBANA,
    secret=True,
)
SECTION.setting("apm-server.kibana.space.id", kinds.text, "", "Space.", fate=_NO_KIBANA, gate=_KIBANA)
SECTION.setting("apm-server.kibana.headers", kinds.headers, {}, "Headers.", fate=_NO_KIBANA, gate=_KIBANA)
SECTION.setting("apm-server.kibana.timeout", kinds.duration(), 90.0, "Time limit.", fate=_NO_KIBANA, gate=_KIBANA)
SECTION.setting("apm-server.kibana.proxy_url", kinds.text, "", "Proxy.", fate=_NO_KIBANA, gate=_KIBANA, secret=True)
SECTION.group("apm-server.kibana", "Further keys of Kibana, such as `ssl.*`.", _NO_KIBANA, _KIBANA)
