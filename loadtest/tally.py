"""What became of the requests of one group of clients. Pure."""

from __future__ import annotations

import re
from collections import Counter

import msgspec
from tidegate.loadtest.histogram import Histogram

MOST_REASONS = 20
"""Kinds of refusals that are told apart; further ones are `other`. A server that has more has put something of its own in."""
_REASON_LENGTH = 80
_DIGITS = re.compile(r"\d+")


class _Error(msgspec.Struct):
    message: str = ""


class _AnswerBody(msgspec.Struct):
    accepted: int = 0
    errors: list[_Error] = []
    error: str = ""


_decode = msgspec.json.Decoder(_AnswerBody).decode


class Second:
    """One second of a run."""

    def __init__(self) -> None:
        self.accepted = 0
        self.answers = 0
        self.latency = Histogram()


class Tally:
    """Of one group; times are µs."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.requests = 0
        self.events = 0
        """Sent, answered or not."""
        self.accepted = 0
        """Events that the server says it has taken."""
        self.unsent = 0
        """Requests that were due before the end and that nobody was free to send."""
        self.bytes = 0
        self.statuses: Counter[str] = Counter()
        self.reasons: Counter[str] = Counter()
        """Of refusals: the server's words without numbers, or why there was no answer."""
        self.latency = Histogram()
        """Of answered requests, from the time when they were due."""
        self.seconds: dict[int, Second] = {}

    def answered(self, events: int, status: int, body: bytes, waited: int, at: float) -> None:
        """An answer has come, `at` seconds after the start, `waited` µs after the request was due."""
        self.requests += 1
        self.events += events
        self.statuses[str(status)] += 1
        accepted = self._accepted(events, status, body)
        self.accepted += accepted
        self.latency.add(waited)
        second = self.seconds.setdefault(int(at), Second())
        second.answers += 1
        second.accepted += accepted
        second.latency.add(waited)

    def lost(self, events: int, reason: str) -> None:
        """No answer came."""
        self.requests += 1
        self.events += events
        self.statuses["none"] += 1
        self.refuse(reason)

    def refuse(self, reason: str) -> None:
        """Counts a reason."""
        if reason not in self.reasons and len(self.reasons) >= MOST_REASONS:
            reason = "other"
        self.reasons[reason] += 1

    def _accepted(self, events: int, status: int, body: bytes) -> int:
        if status in (200, 202):
            return events
        try:
            said = _decode(body)
        except msgspec.MsgspecError:
            self.refuse(f"{status}")
            return 0
        words = said.errors[0].message if said.errors else said.error
        self.refuse(f"{status} {_DIGITS.sub('N', words)[:_REASON_LENGTH]}".strip())
        return min(said.accepted, events)
