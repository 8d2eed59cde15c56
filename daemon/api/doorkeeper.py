"""Lets requests in: finds out as whom they are served, or refuses them (http-surface.md 1.4, steps 4 and 5)."""

from __future__ import annotations

from collections.abc import Callable

from tidegate.daemon.auth.credentials import FAILED, MISSING, Malformed, Scheme, read_credentials
from tidegate.daemon.auth.identity import OPEN, STRANGER
from tidegate.daemon.auth.tokens import Digest, Tokens
from tidegate.daemon.h1.exchange import BodySink, Exchange
from tidegate.daemon.h1.responses import Answer
from tidegate.daemon.outcomes import RequestOutcome
from tidegate.daemon.settings.parts import AuthPart

GoOn = Callable[[], BodySink | None]
"""What comes after the door: the route's guards and handler."""


class Doorkeeper:
    """Of one settings object; `digest` stays the same while the acceptor lives."""

    def __init__(self, part: AuthPart, digest: Digest) -> None:
        self._tokens = Tokens(part.tokens, digest)
        self._open = not self._tokens

    def admit(self, exchange: Exchange, tolerant: bool, go_on: GoOn) -> BodySink | None:
        """Goes on with `exchange.identity` set, or answers. `tolerant`: the route serves strangers, too."""
        if self._open:
            exchange.identity = OPEN
            return go_on()
        given = read_credentials(exchange.head.headers.get(b"authorization"))
        text = FAILED
        if given is None:
            text = MISSING
        elif isinstance(given, Malformed):
            text = given.text
        elif given.scheme is Scheme.TOKEN:
            identity = self._tokens.identify(given.value)
            if identity is not None:
                exchange.identity = identity
                return go_on()
        if tolerant:
            exchange.identity = STRANGER
            return go_on()
        exchange.answer(Answer(RequestOutcome.UNAUTHORIZED, text, detail=text))
        return None
