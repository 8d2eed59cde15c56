"""What processes remember of services and refused requests, for `tidegate explain`: bounded, nothing of what events hold. Pure."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

SERVICES = 500
"""Remembered by each worker, those that were heard of last: as many as a large site has; some 100 KiB."""
REFUSALS = 200
"""Kinds of refusals remembered by each acceptor, likewise."""
LONGEST_TEXT = 300
"""Letters of a reason or a user agent."""


class ServiceNote(msgspec.Struct):
    """One service, as the metadata of its requests names it. Times in seconds since the epoch."""

    service: str
    agent: str = ""
    heard: float = 0.0
    """When the last request of which a batch was decoded came in."""
    accepted: int = 0
    unsampled: int = 0
    invalid: int = 0
    refused: int = 0
    """Events that it may not send, or for which there was no room."""
    reason: str = ""
    """The last of an invalid line or a refusal, in the words of the answer."""
    skew: float = 0.0
    """How far the time of the last event that had one was ahead of its receipt, seconds; negative: behind."""


class RefusalNote(msgspec.Struct):
    """Requests refused as a whole for one reason, of one user agent."""

    outcome: str
    user_agent: str
    number: int = 0
    last: float = 0.0
    """Seconds since the epoch."""


class ServiceNotes:
    """The services of one worker."""

    def __init__(self) -> None:
        self._notes: dict[str, ServiceNote] = {}

    def of(self, service: str) -> ServiceNote:
        """The note of a service, as the last one that was heard of."""
        note = self._notes.pop(service, None) or ServiceNote(service)
        self._notes[service] = note
        if len(self._notes) > SERVICES:
            del self._notes[next(iter(self._notes))]
        return note

    def find(self, service: str) -> list[ServiceNote]:
        """What is known of it; [] for nothing."""
        return [self._notes[service]] if service in self._notes else []


class RefusalNotes:
    """The refusals of one acceptor."""

    def __init__(self) -> None:
        self._notes: dict[tuple[str, str], RefusalNote] = {}

    def refused(self, outcome: str, user_agent: str, now: float) -> None:
        """A request was refused; `now`: seconds since the epoch."""
        key = outcome, user_agent[:LONGEST_TEXT]
        note = self._notes.pop(key, None) or RefusalNote(*key)
        self._notes[key] = note
        note.number += 1
        note.last = now
        if len(self._notes) > REFUSALS:
            del self._notes[next(iter(self._notes))]

    def find(self, service: str) -> list[RefusalNote]:
        """Those whose user agent names the service, as agents do: `apm-agent-python/6.22.0 (shop 1.0)`."""
        return [note for note in self._notes.values() if names(note.user_agent, service)]


def names(user_agent: str, service: str) -> bool:
    """Whether the user agent is that of an agent in this service. It is a claim: anybody may send it."""
    _, bracket, rest = user_agent.partition("(")
    return bool(bracket) and (rest == f"{service})" or rest.startswith((f"{service} ", f"{service})")))


def joined(notes: Iterable[ServiceNote]) -> ServiceNote | None:
    """One note of those of several workers; None without any."""
    found = sorted(notes, key=lambda note: note.heard)
    if not found:
        return None
    last = found[-1]
    reason = next((note.reason for note in reversed(found) if note.reason), "")
    return ServiceNote(
        last.service,
        last.agent,
        last.heard,
        sum(note.accepted for note in found),
        sum(note.unsampled for note in found),
        sum(note.invalid for note in found),
        sum(note.refused for note in found),
        reason,
        last.skew,
    )
