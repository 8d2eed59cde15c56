"""API keys at the door: known ones at once, others by a question to a worker, several at a time for the same key."""

from __future__ import annotations

import logging
from collections.abc import Callable

from tidegate.daemon.auth.key_cache import KeyCache, Unknown
from tidegate.daemon.auth.tokens import Digest
from tidegate.daemon.h1.alarm import Clock, Handle
from tidegate.daemon.wire.courier import Courier
from tidegate.daemon.wire.questions import QUESTIONS_PER_SESSION, AnyReply, CheckApiKey, KeyPrivileges, Unavailable

ANSWER_SECONDS = 10.0
"""Longest wait for a worker: twice what it gives Elasticsearch, for one that has a line of questions."""
STRANGERS = QUESTIONS_PER_SESSION // 2
"""Questions under way beyond which only keys are asked about that were good before: a flood of others leaves them room."""

_log = logging.getLogger("tidegate.auth")

Checked = Callable[[frozenset[str] | None], None]
"""Called once with the key's privileges: none for a bad key, None where nobody can say now."""


class _Question:
    """One credential that is asked about, and who waits for the answer."""

    def __init__(self, checked: Checked) -> None:
        self.waiting = [checked]
        self.alarm: Handle | None = None


class KeyDesk:
    """What an acceptor knows of API keys, over all reloads."""

    def __init__(self, courier: Courier, digest: Digest, clock: Clock, limit: int) -> None:
        self.cache = KeyCache(limit)
        self._courier = courier
        self._digest = digest
        self._clock = clock
        self._questions: dict[bytes, _Question] = {}

    def known(self, credential: bytes) -> frozenset[str] | Unknown:
        """What was found out within the last minute."""
        return self.cache.find(self._digest(credential), self._clock.time())

    def was_good(self, credential: bytes) -> bool:
        """Whether the key has been a good one before."""
        return self.cache.was_good(self._digest(credential))

    def check(self, credential: bytes, checked: Checked) -> None:
        """Finds out, in bounded time."""
        digest = self._digest(credential)
        open_question = self._questions.get(digest)
        if open_question is not None:
            open_question.waiting.append(checked)
            return
        if len(self._questions) >= STRANGERS and not self.cache.was_good(digest):
            _log.warning("an API key was answered 503: %d are being checked already", len(self._questions))
            checked(None)
            return
        question = _Question(checked)
        self._questions[digest] = question
        question.alarm = self._clock.call_at(
            self._clock.time() + ANSWER_SECONDS,
            lambda: self._close(digest, question, Unavailable("no answer from the worker in time")),
        )
        self._courier.ask(CheckApiKey(credential.decode("ascii")), lambda reply: self._close(digest, question, reply))

    def full(self) -> None:
        """Says that a key was turned away for want of a place."""
        _log.warning(
            "an API key was answered 503: %d are in use within a minute already; raise apm-server.auth.api_key.limit",
            self.cache.limit,
        )

    def _close(self, digest: bytes, question: _Question, reply: AnyReply) -> None:
        if self._questions.get(digest) is not question:
            return
        del self._questions[digest]
        if question.alarm is not None:
            question.alarm.cancel()
        privileges: frozenset[str] | None = None
        if isinstance(reply, KeyPrivileges):
            privileges = frozenset(reply.privileges)
            self.cache.keep(digest, privileges, self._clock.time())
        else:
            reason = reply.reason if isinstance(reply, Unavailable) else "the worker answered something else"
            _log.warning("API keys cannot be checked, their requests are answered 503: %s", reason)
        for checked in question.waiting:
            checked(privileges)
