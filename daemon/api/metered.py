"""Streams that can be refused for what is in them: ten lines at a time, one batch in flight (http-surface.md 2.4 and 4)."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, partial

from msgspec.structs import replace
from tidegate.daemon.auth.identity import EVENT_WRITE, Identity, Method
from tidegate.daemon.h1.alarm import Clock
from tidegate.daemon.limits.buckets import Purse
from tidegate.daemon.wire.courier import Answered, Courier, Parcel, Replied, Waiting
from tidegate.daemon.wire.frames import StreamError, Verdict
from tidegate.daemon.wire.questions import AnyAsk
from tidegate.daemon.wire.terms import UNLIMITED, Terms, pack_terms

PATIENCE_SECONDS = 1.0
"""Longest wait for tokens, as in the original."""
LIMITED = StreamError(429, "cannot handle stream: cannot process batch: rate limit exceeded")


@lru_cache(maxsize=256)
def terms_of(identity: Identity) -> bytes:
    """The packed terms of a sender; b"" for one whose events are all taken. The tokens that are configured and the few
    sets of privileges that keys have are fewer than what is kept."""
    refused = identity.refused(EVENT_WRITE)
    anonymous = identity.method is Method.ANONYMOUS
    if not (refused or anonymous or identity.allow_agents or identity.allow_services):
        return b""
    return pack_terms(Terms(identity.subject, refused, identity.allow_agents, identity.allow_services, anonymous))


class _Place:
    """A place in the line; see `courier.Waiting`."""

    def __init__(self, call: Callable[[], None]) -> None:
        self.call: Callable[[], None] | None = call

    def cancel(self) -> None:
        self.call = None


class MeteredCourier:
    """The `Courier` of one stream: no credit while a batch is in flight; tokens are taken for what the worker finds."""

    def __init__(self, courier: Courier, clock: Clock, terms: bytes, purse: Purse | None) -> None:
        """`purse`: None where events are not counted."""
        self._courier = courier
        self._clock = clock
        self._terms = terms
        self._purse = purse
        self._busy = False
        self._place: _Place | None = None

    def try_send(self, parcel: Parcel, answered: Answered) -> bool:
        """See `courier.Courier`."""
        if self._busy:
            return False
        tokens = UNLIMITED
        if self._purse is not None:
            lines = sum(map(bool, parcel.lines.split(b"\n")))
            tokens = self._purse.reserve(lines, self._clock.time()) if lines else 0
        self._busy = True
        if self._send(parcel, tokens, answered):
            return True
        self._busy = False
        self._give_back(tokens)
        return False

    def when_credit(self, sender: bytes, program: bytes, call: Callable[[], None]) -> Waiting:
        """See `courier.Courier`."""
        if not self._busy:
            return self._courier.when_credit(sender, program, call)
        self._place = _Place(call)
        return self._place

    def ask(self, ask: AnyAsk, replied: Replied) -> None:
        """See `courier.Courier`."""
        self._courier.ask(ask, replied)

    def trouble(self) -> str:
        """See `courier.Courier`."""
        return self._courier.trouble()

    def _send(self, parcel: Parcel, tokens: int, answered: Answered) -> bool:
        return self._courier.try_send(
            parcel._replace(terms=self._terms, tokens=tokens), partial(self._verdict, parcel, tokens, answered)
        )

    def _verdict(self, parcel: Parcel, tokens: int, answered: Answered, verdict: Verdict) -> None:
        purse = self._purse
        if purse is None:
            self._done(answered, verdict)
            return
        lacking = verdict.events - tokens
        if lacking <= 0 or verdict.accepted or verdict.ended is not None:
            self._give_back(-lacking)
            self._done(answered, verdict)
            return
        # Nothing of it is stored: the batch needs more than there was at once.
        now = self._clock.time()
        wait = purse.take(lacking, now, PATIENCE_SECONDS) if purse.can_hold(verdict.events) else None
        if wait is None:
            self._give_back(tokens)
            self._done(answered, replace(verdict, ended=LIMITED))
        else:
            self._clock.call_at(now + wait, partial(self._again, parcel, verdict.events, answered))

    def _again(self, parcel: Parcel, tokens: int, answered: Answered) -> None:
        if not self._send(parcel, tokens, answered):
            again = partial(self._again, parcel, tokens, answered)
            self._courier.when_credit(parcel.sender, parcel.metadata, again)

    def _give_back(self, tokens: int) -> None:
        if self._purse is not None:
            self._purse.give_back(tokens, self._clock.time())

    def _done(self, answered: Answered, verdict: Verdict) -> None:
        self._busy = False
        place, self._place = self._place, None
        answered(verdict)
        if place is not None and place.call is not None:
            place.call()
