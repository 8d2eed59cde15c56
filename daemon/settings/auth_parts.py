"""From the keys about who may send to what the acceptors are told."""

from __future__ import annotations

from tidegate.daemon.settings import auth
from tidegate.daemon.settings.parts import AuthPart, TokenPart
from tidegate.daemon.settings.values import Values


def is_protected(values: Values) -> bool:
    """Whether any method of authentication is configured."""
    return bool(values[auth.SECRET_TOKEN] or values[auth.SECRET_TOKENS] or values[auth.API_KEY_ENABLED])


def auth_part(values: Values) -> AuthPart:
    """For each acceptor."""
    tokens = [
        TokenPart(one.token, one.name, list(one.allow_agent), list(one.allow_service))
        for one in values[auth.SECRET_TOKENS]
    ]
    if values[auth.SECRET_TOKEN]:
        tokens.insert(0, TokenPart(values[auth.SECRET_TOKEN], "", [], []))
    return AuthPart(tokens, values[auth.API_KEY_ENABLED], values[auth.API_KEY_LIMIT])
