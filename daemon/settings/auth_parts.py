"""From the keys about who may send to what each process is told."""

from __future__ import annotations

from tidegate.daemon.settings import auth, rum, server
from tidegate.daemon.settings.draft import Draft
from tidegate.daemon.settings.parts import AnonymousPart, AuthPart, ForwardingPart, TokenPart
from tidegate.daemon.settings.values import Values

PUBLIC_HEADER_SIZE = 16 << 10
"""Bytes (experiments.md, check 8); agents send half a KiB, browsers with cookies some KiB."""
PUBLIC_CONNECTIONS = 64
"""A browser opens six to a server, an office or a mobile network shares an address."""


def is_public(values: Values) -> bool:
    """Whether the stricter defaults hold."""
    return values[auth.PROFILE] == "public"


def is_protected(values: Values) -> bool:
    """Whether any method of authentication is configured."""
    return bool(values[auth.SECRET_TOKEN] or values[auth.SECRET_TOKENS] or values[auth.API_KEY_ENABLED])


def lets_anonymous_in(values: Values) -> bool:
    """Whether somebody without credentials may send although others need some (http-surface.md 3.4)."""
    enabled = values[auth.ANONYMOUS_ENABLED]
    return is_protected(values) and bool(values[rum.ENABLED] if enabled is None else enabled)


def auth_part(values: Values) -> AuthPart:
    """For each acceptor."""
    tokens = [
        TokenPart(one.token, one.name, list(one.allow_agent), list(one.allow_service))
        for one in values[auth.SECRET_TOKENS]
    ]
    if values[auth.SECRET_TOKEN]:
        tokens.insert(0, TokenPart(values[auth.SECRET_TOKEN], "", [], []))
    return AuthPart(tokens, values[auth.API_KEY_ENABLED], values[auth.API_KEY_LIMIT], _anonymous_part(values))


def _anonymous_part(values: Values) -> AnonymousPart | None:
    if not lets_anonymous_in(values):
        return None
    rum_only = values[auth.RUM_ONLY]
    return AnonymousPart(
        allow_agents=list(values[auth.ALLOW_AGENT] or auth.ALLOW_AGENT.default),
        allow_services=list(values[auth.ALLOW_SERVICE]),
        event_limit=values[auth.EVENT_LIMIT],
        rum_only=is_public(values) if rum_only is None else rum_only,
    )


def forwarding_part(values: Values) -> ForwardingPart:
    """For each acceptor."""
    public = is_public(values)
    trusted, direction = values[auth.TRUSTED_PROXIES], values[auth.FORWARDED]
    return ForwardingPart(
        trusted=(() if public else ("private",)) if trusted is None else trusted,
        from_right=(public if direction is None else direction == "right"),
    )


def matches_hosts(values: Values) -> bool:
    """Whether origins of pages are compared part by part, and not as texts."""
    how = values[rum.MATCH_ORIGINS]
    return is_public(values) if how is None else how == "host"


def max_header_size(values: Values) -> int:
    """Bytes."""
    return (
        PUBLIC_HEADER_SIZE
        if is_public(values) and server.MAX_HEADER_SIZE not in values
        else values[server.MAX_HEADER_SIZE]
    )


def max_connections_per_address(values: Values) -> int:
    """0: any number."""
    given = values[auth.MAX_CONNECTIONS_PER_ADDRESS]
    return (PUBLIC_CONNECTIONS if is_public(values) else 0) if given is None else given


def check_auth(draft: Draft) -> None:
    """What the profile `public` requires, and names that would be ambiguous."""
    values = draft.values
    if is_public(values):
        if not is_protected(values):
            draft.problem(
                auth.PROFILE,
                "`public` needs authentication: set `apm-server.auth.secret_token` or `apm-server.auth.api_key.enabled: true`",
            )
        if lets_anonymous_in(values) and not values[auth.ALLOW_SERVICE]:
            draft.problem(
                auth.ALLOW_SERVICE,
                "the profile `public` lets anonymous senders in only for services that are named here",
            )
