"""What is told of a service, in the order of an event's way. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

from tidegate.cli.status_page import long_time
from tidegate.daemon.admin.explaining import Explanation
from tidegate.daemon.admin.overview import Overview
from tidegate.daemon.telemetry.notes import ServiceNote

CLOCK_OFF_S = 600.0
"""Kibana shows the last fifteen minutes first: what is ten minutes off is soon not among them."""
LONG_AGO_S = 900.0

_REFUSALS = {
    "unauthorized": "its credentials are missing or wrong (ELASTIC_APM_SECRET_TOKEN, ELASTIC_APM_API_KEY)",
    "forbidden": "it may not do that: browsers' paths are off or the origin is not allowed, or the key lacks a privilege",
    "rate_limited": "it sends more than an anonymous sender may (apm-server.auth.anonymous.rate_limit)",
    "too_many_failures": "too many wrong credentials came from its address; right ones are served at once",
    "queue_full": "there was no room: `tidegate status` says why",
    "invalid": "lines of it are no events; the agent's log has the answer with the lines",
    "too_large": "an event is longer than apm-server.max_event_size",
    "timed_out": "its body stayed incomplete, or the answer took too long",
    "undecodable": "its body is not compressed as its head says",
}


class Remark(NamedTuple):
    """One line."""

    fine: bool
    text: str


class Case(NamedTuple):
    """All that is known."""

    service: str
    explanation: Explanation
    overview: Overview
    letters: list[str]
    """Reasons of its dead letters."""
    stored: float | None
    """When the local store last heard of it (seconds since the epoch); 0: never; None: events go to Elasticsearch."""
    store_findings: list[str]
    """What Elasticsearch lacks."""


def remarks(case: Case, now: float) -> Iterator[Remark]:
    """`now`: seconds since the epoch."""
    yield from _refused(case, now)
    yield from _received(case, now)
    yield from _on_the_way(case)
    yield from _at_the_store(case, now)


def _refused(case: Case, now: float) -> Iterator[Remark]:
    for one in case.explanation.refusals:
        meaning = _REFUSALS.get(one.outcome, "the request log has the reason")
        ago = long_time(now - one.last)
        yield Remark(
            False,
            f"Refused: {one.number} requests of an agent that says it is in this service, the last {ago} ago: "
            f"{one.outcome.replace('_', ' ')}: {meaning}. User-Agent: {one.user_agent}",
        )
    if case.explanation.silent:
        yield Remark(False, f"{case.explanation.silent} processes did not answer: what they remember is missing here")


def _received(case: Case, now: float) -> Iterator[Remark]:
    note = case.explanation.service
    if note is None:
        up = long_time(case.overview.uptime)
        yield Remark(
            False,
            f"Received: nothing of a service {case.service} in the last {up}, or since its worker was started. Is "
            "ELASTIC_APM_SERVER_URL of the agent this server, and service.name spelled so?",
        )
        return
    ago = long_time(now - note.heard)
    yield Remark(
        now - note.heard < LONG_AGO_S,
        f"Received: {note.accepted} events of agent {note.agent or 'unknown'} since the workers started, the last {ago} ago",
    )
    yield from _losses(note)


def _losses(note: ServiceNote) -> Iterator[Remark]:
    reason = f"; the last reason: {note.reason}" if note.reason else ""
    if note.refused:
        yield Remark(False, f"Refused: {note.refused} events it may not send, or for which there was no room{reason}")
    if note.invalid:
        yield Remark(False, f"Rejected: {note.invalid} lines that are no events{reason}")
    if note.unsampled:
        yield Remark(
            note.accepted > 0,
            f"Dropped: {note.unsampled} transactions that the agent did not sample (its sample rate decides; as in the original)",
        )
    if abs(note.skew) > CLOCK_OFF_S:
        where = "ahead of" if note.skew > 0 else "behind"
        yield Remark(
            False,
            f"Clock: the time of its last event is {long_time(abs(note.skew))} {where} this machine's: Kibana looks for events by "
            "their own time",
        )


def _on_the_way(case: Case) -> Iterator[Remark]:
    spool = case.overview.spool
    for cause in case.overview.store.trouble:
        yield Remark(False, f"Spool: {spool.documents} events of all services wait on disk: {cause}")
    if case.letters:
        kinds = ", ".join(f"{number} {kind}" for kind, number in Counter(case.letters).most_common(3))
        yield Remark(False, f"Dead letters: {kinds}; `tidegate dead-letters show` has the reasons")


def _at_the_store(case: Case, now: float) -> Iterator[Remark]:
    yield from (Remark(False, f"Elasticsearch: {text}") for text in case.store_findings)
    if case.stored:
        yield Remark(True, f"Stored: the local store last heard of it {long_time(now - case.stored)} ago")
    elif case.stored is not None:
        yield Remark(False, "Stored: the local store has nothing of it")
    elif not case.store_findings:
        yield Remark(
            True,
            "Stored: Elasticsearch has what it needs for documents of agents. Whether they are there, its own search tells: "
            "Tidegate's credentials may write, and usually not read",
        )
