"""`apm-server.auth.*` and `tidegate.auth.*`: who may send (http-surface.md 3)."""

from __future__ import annotations

from tidegate.daemon.settings import kinds
from tidegate.daemon.settings.client import declare_client
from tidegate.daemon.settings.declare import Applies, Gate, Refused, Section, Warned
from tidegate.daemon.settings.secret_tokens import secret_tokens

SECTION = Section(
    "Authentication", "Who may send. With neither token nor API keys, whoever can reach the port may. See security.md."
)

_NOT_BUILT = Refused(
    "authentication is not built yet: starting would leave the port open to everybody who can reach it. "
    "Stay with the original here, or remove the key and listen on 127.0.0.1 only"
)
_NO_EFFECT = Warned("authentication is not built yet: whoever can reach the port may send")
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
    "apm-server.auth.api_key.enabled", kinds.boolean, False, "Whether API keys are accepted.", fate=_NOT_BUILT
)
API_KEY_LIMIT = SECTION.setting(
    "apm-server.auth.api_key.limit",
    kinds.integer(),
    100,
    "API keys that are remembered.",
    fate=_NO_EFFECT,
    gate=_API_KEYS,
)
declare_client(SECTION, "apm-server.auth.api_key.elasticsearch", _NO_EFFECT, _API_KEYS)
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
