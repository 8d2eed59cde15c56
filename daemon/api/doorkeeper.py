"""Lets requests in: finds out as whom they are served, or refuses them (http-surface.md 1.4, steps 4 and 5)."""

from __future__ import annotations

from collections.abc import Callable

from tidegate.daemon.api.awaited import Awaited
from tidegate.daemon.api.key_desk import KeyDesk
from tidegate.daemon.auth.credentials import FAILED, MISSING, Malformed, Scheme, read_credentials
from tidegate.daemon.auth.failures import Failures
from tidegate.daemon.auth.identity import OPEN, STRANGER, Identity, Method, anonymous
from tidegate.daemon.auth.key_cache import Unknown
from tidegate.daemon.auth.tokens import Digest, Tokens
from tidegate.daemon.h1.exchange import BodySink, Exchange
from tidegate.daemon.h1.responses import Answer
from tidegate.daemon.limits.buckets import Buckets, Purse
from tidegate.daemon.outcomes import RequestOutcome
from tidegate.daemon.settings.parts import AnonymousPart, AuthPart

GoOn = Callable[[], BodySink | None]
"""What comes after the door: the route's guards and handler."""


UNAVAILABLE = Answer(RequestOutcome.UNAVAILABLE, RequestOutcome.UNAVAILABLE.value.message)
_TOO_MANY = "too many requests: rate limit exceeded"
TOO_MANY = Answer(RequestOutcome.RATE_LIMITED, _TOO_MANY, detail=_TOO_MANY)
_FAILURES = "too many requests: too many failed credentials from this address"
TOO_MANY_FAILURES = Answer(RequestOutcome.TOO_MANY_FAILURES, _FAILURES, detail=_FAILURES, ends_connection=True)


class Doorkeeper:
    """Of one settings object; what `keys` and `digest` hold stays while the acceptor lives."""

    def __init__(
        self, part: AuthPart, digest: Digest, keys: KeyDesk, failures: Failures, buckets: Buckets | None
    ) -> None:
        """`buckets`: of anonymous senders; without any, none is let in."""
        self._digest = digest
        self._failures = failures
        self._tokens = Tokens(part.tokens, digest)
        self._keys = keys if part.api_keys else None
        self._anonymous = part.anonymous if buckets is not None else None
        self._buckets = buckets
        self._open = not self._tokens and not part.api_keys

    def admit(self, exchange: Exchange, tolerant: bool, browsers: bool, go_on: GoOn) -> BodySink | None:
        """Goes on with `exchange.identity` set, or answers. `tolerant`: the route serves strangers, too. `browsers`: it is
        made for them, who have no credentials."""
        if self._open:
            return _let_in(exchange, OPEN, go_on)
        given = read_credentials(exchange.head.headers.get(b"authorization"))
        if given is None:
            if self._anonymous is not None and not tolerant and (browsers or not self._anonymous.rum_only):
                return self._admit_anonymous(exchange, go_on, self._anonymous)
            return _refuse(exchange, tolerant, go_on, MISSING)
        if isinstance(given, Malformed):
            return _refuse(exchange, tolerant, go_on, given.text)
        if given.scheme is Scheme.API_KEY and self._keys is not None:
            return self._admit_key(exchange, tolerant, go_on, given.value, self._keys)
        identity = self._tokens.identify(given.value) if given.scheme is Scheme.TOKEN else None
        if identity is not None:
            return _let_in(exchange, identity, go_on)
        if self._failures.too_many(exchange.client.ip, self._digest(given.value), exchange.clock.time()):
            return _turn_away(exchange, tolerant, go_on)
        return _refuse(exchange, tolerant, go_on, FAILED)

    def _admit_anonymous(self, exchange: Exchange, go_on: GoOn, part: AnonymousPart) -> BodySink | None:
        if self._buckets is not None:
            exchange.purse = Purse(self._buckets, exchange.client.ip)
            if exchange.purse.take(1, exchange.clock.time(), 0.0) is None:
                exchange.answer(TOO_MANY)
                return None
        return _let_in(exchange, anonymous(tuple(part.allow_agents), tuple(part.allow_services)), go_on)

    def _admit_key(
        self, exchange: Exchange, tolerant: bool, go_on: GoOn, credential: bytes, keys: KeyDesk
    ) -> BodySink | None:
        known = keys.known(credential)
        if known is Unknown.FULL:
            keys.full()
            exchange.answer(UNAVAILABLE)
            return None
        if known is not Unknown.ASK:
            return _by_privileges(exchange, tolerant, go_on, known)
        ip, failures, clock = exchange.client.ip, self._failures, exchange.clock
        counts = not keys.was_good(credential)
        if counts and not failures.may_try(ip, clock.time()):
            return _turn_away(exchange, tolerant, go_on)
        awaited = Awaited(exchange)

        def checked(privileges: frozenset[str] | None) -> None:
            if counts and (privileges is None or privileges):
                failures.was_good(ip, clock.time())
            awaited.go_on(lambda: _by_privileges(exchange, tolerant, go_on, privileges))

        keys.check(credential, checked)
        return awaited


def _by_privileges(
    exchange: Exchange, tolerant: bool, go_on: GoOn, privileges: frozenset[str] | None
) -> BodySink | None:
    if privileges is None:
        exchange.answer(UNAVAILABLE)
        return None
    if not privileges:
        return _refuse(exchange, tolerant, go_on, FAILED)
    return _let_in(exchange, Identity(Method.API_KEY, privileges), go_on)


def _let_in(exchange: Exchange, identity: Identity, go_on: GoOn) -> BodySink | None:
    exchange.identity = identity
    return go_on()


def _turn_away(exchange: Exchange, tolerant: bool, go_on: GoOn) -> BodySink | None:
    """For who has tried too many wrong credentials: the next try costs a new connection, and the store is not asked."""
    if tolerant:
        return _let_in(exchange, STRANGER, go_on)
    exchange.answer(TOO_MANY_FAILURES)
    return None


def _refuse(exchange: Exchange, tolerant: bool, go_on: GoOn, text: str) -> BodySink | None:
    if tolerant:
        return _let_in(exchange, STRANGER, go_on)
    exchange.answer(Answer(RequestOutcome.UNAUTHORIZED, text, detail=text))
    return None
