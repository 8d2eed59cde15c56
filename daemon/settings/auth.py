"""`apm-server.auth.*` and `tidegate.auth.*`: who may send (http-surface.md 3)."""

from __future__ import annotations

from tidegate.daemon.settings import kinds
from tidegate.daemon.settings.client import declare_client
from tidegate.daemon.settings.declare import HONOURED, Applies, Gate, Section, Warned
from tidegate.daemon.settings.secret_tokens import secret_tokens

SECTION = Section(
    "Authentication", "Who may send. With neither token nor API keys, whoever can reach the port may. See security.md."
)

_NO_EFFECT = Warned("anonymous senders are not let in yet")
_API_KEYS = Gate("apm-server.auth.api_key.enabled", on_by_section=False)

SECRET_TOKEN = SECTION.setting(
    "apm-server.auth.secret_token",
    kinds.text,
    "",
    "Token that agents send. With it set, nobody may send without a token or an API key, but see `anonymous`.",
    applies=Applies.RELOAD,
    secret=True,
)
SECRET_TOKENS = SECTION.setting(
    "tidegate.auth.secret_tokens",
    secret_tokens,
    (),
    "Further tokens, so that one can be exchanged for another without a pause. With a `name` a token is called so in "
    "refusals; `allow_agent` and `allow_service` are the only names that its events may give.",
    applies=Applies.RELOAD,
    secret=True,
)
API_KEY_ENABLED = SECTION.setting(
    "apm-server.auth.api_key.enabled",
    kinds.boolean,
    False,
    "Whether API keys are accepted: those of Elasticsearch; with the local store, those of `tidegate api-key`.",
)
API_KEY_LIMIT = SECTION.setting(
    "apm-server.auth.api_key.limit",
    kinds.integer(1),
    100,
    "Good API keys in use within a minute, for each acceptor; more are answered 503.",
    applies=Applies.RELOAD,
    gate=_API_KEYS,
)
API_KEY_ELASTICSEARCH = declare_client(SECTION, "apm-server.auth.api_key.elasticsearch", HONOURED, _API_KEYS)
ANONYMOUS_ENABLED = SECTION.setting(
    "apm-server.auth.anonymous.enabled",
    kinds.boolean,
    None,
    "Whether requests without credentials are accepted.",
    fate=_NO_EFFECT,
    shown_default="true if authentication and RUM are on",
)
ALLOW_AGENT = SECTION.setting(
    "apm-server.auth.anonymous.allow_agent",
    kinds.texts,
    ("rum-js", "js-base"),
    "Agents that may send without credentials.",
    fate=_NO_EFFECT,
)
ALLOW_SERVICE = SECTION.setting(
    "apm-server.auth.anonymous.allow_service",
    kinds.texts,
    (),
    "Services that may be named without credentials; none: all.",
    fate=_NO_EFFECT,
)
EVENT_LIMIT = SECTION.setting(
    "apm-server.auth.anonymous.rate_limit.event_limit",
    kinds.integer(),
    300,
    "Events a second and client address.",
    fate=_NO_EFFECT,
)
IP_LIMIT = SECTION.setting(
    "apm-server.auth.anonymous.rate_limit.ip_limit",
    kinds.integer(1),
    1000,
    "Client addresses that are tracked.",
    fate=_NO_EFFECT,
)
