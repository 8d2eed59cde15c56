"""`apm-server.auth.*` and `tidegate.auth.*`: who may send (http-surface.md 3)."""

from __future__ import annotations

from tidegate.daemon.settings import kinds
from tidegate.daemon.settings.client import declare_client
from tidegate.daemon.settings.declare import HONOURED, Applies, Gate, Section
from tidegate.daemon.settings.networks import networks
from tidegate.daemon.settings.secret_tokens import secret_tokens

SECTION = Section(
    "Authentication",
    "Who may send. With neither token nor API keys, whoever can reach the port may. See security.md.",
    Applies.RELOAD,
)

_API_KEYS = Gate("apm-server.auth.api_key.enabled", on_by_section=False)

SECRET_TOKEN = SECTION.setting(
    "apm-server.auth.secret_token",
    kinds.text,
    "",
    "Token that agents send. With it set, nobody may send without a token or an API key, but see `anonymous`.",
    secret=True,
)
SECRET_TOKENS = SECTION.setting(
    "tidegate.auth.secret_tokens",
    secret_tokens,
    (),
    "Further tokens, so that one can be exchanged for another without a pause. With a `name` a token is called so in "
    "refusals; `allow_agent` and `allow_service` are the only names that its events may give.",
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
    gate=_API_KEYS,
)
API_KEY_ELASTICSEARCH = declare_client(SECTION, "apm-server.auth.api_key.elasticsearch", HONOURED, _API_KEYS)
ANONYMOUS_ENABLED = SECTION.setting(
    "apm-server.auth.anonymous.enabled",
    kinds.boolean,
    None,
    "Whether requests without credentials are accepted, where others need some.",
    shown_default="true if authentication and RUM are on",
)
ALLOW_AGENT = SECTION.setting(
    "apm-server.auth.anonymous.allow_agent",
    kinds.texts,
    ("rum-js", "js-base"),
    "Agents that may send without credentials; an empty list leaves the default.",
)
ALLOW_SERVICE = SECTION.setting(
    "apm-server.auth.anonymous.allow_service",
    kinds.texts,
    (),
    "Services that may be named without credentials; none: all.",
)
EVENT_LIMIT = SECTION.setting(
    "apm-server.auth.anonymous.rate_limit.event_limit",
    kinds.integer(),
    300,
    "Events a second that a client address may send without credentials; three times as many at once. 0: none at all.",
)
IP_LIMIT = SECTION.setting(
    "apm-server.auth.anonymous.rate_limit.ip_limit",
    kinds.integer(1),
    1000,
    "Client addresses that are kept apart (IPv6: networks of 64 bits); further ones take over the oldest one's limit.",
    # acceptors share a table of this size, which they open before they shut themselves off from files
    applies=Applies.RESTART,
)
MAX_SERVICES = SECTION.setting(
    "tidegate.auth.anonymous.max_services",
    kinds.integer(0),
    100,
    "Names of services that anonymous senders may make up, on this machine and over restarts; further ones are answered 403. "
    "Names in `allow_service` are not counted.",
)
RUM_ONLY = SECTION.setting(
    "tidegate.auth.anonymous.rum_only",
    kinds.boolean,
    None,
    "Whether anonymous senders may use the paths of browsers only.",
    shown_default="false; true with the profile `public`",
)
TRUSTED_PROXIES = SECTION.setting(
    "tidegate.trusted_proxies",
    networks,
    None,
    "Addresses and networks of proxies whose `Forwarded`, `X-Real-Ip` and `X-Forwarded-For` are believed. `private`: this "
    "machine and private networks; `all`: whoever connects, as in the original; `none`: nobody.",
    shown_default="`private`; none with the profile `public`",
)
FORWARDED = SECTION.setting(
    "tidegate.forwarded_from",
    kinds.choice("left", "right"),
    None,
    "Which address counts: `left` is the first, which a client can make up, as in the original; `right` is the last one in "
    "`X-Forwarded-For` that is no trusted proxy's.",
    shown_default="`left`; `right` with the profile `public`",
)
MAX_CONNECTIONS_PER_ADDRESS = SECTION.setting(
    "tidegate.max_connections_per_address",
    kinds.integer(),
    None,
    "Open connections of a client address (IPv6: of a network of 64 bits), over all acceptors; further ones are closed. "
    "Trusted proxies are not limited. 0: no limit.",
    shown_default="0; 64 with the profile `public`",
)
PROFILE = SECTION.setting(
    "tidegate.profile",
    kinds.choice("compatible", "public"),
    "compatible",
    "`compatible`: as the original. `public`, for ports that everybody can reach: stricter defaults for the settings "
    "that name it, and `apm-server.auth.anonymous.allow_service` is required where anonymous senders are let in, as is "
    "`apm-server.rum.allow_origins` where browsers are.",
)
