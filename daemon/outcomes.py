"""Every fate of a request and of an event: one table, from which status codes, counters and logs are taken.

Source: http-surface.md 2.5 and 10.1 for requests, DESIGN "Outcomes of a bulk request" for events.
"""

from __future__ import annotations

from enum import Enum, StrEnum
from typing import NamedTuple


class Fate(NamedTuple):
    """How a request ended: the HTTP status that says so and the words of the request log."""

    status: int
    message: str


class RequestOutcome(Fate, Enum):
    """Every answer to a request; the names are counter names."""

    OK = Fate(200, "request ok")
    ACCEPTED = Fate(202, "request accepted")
    REDIRECTED = Fate(307, "handled request")
    NOT_MODIFIED = Fate(304, "not modified")
    INVALID = Fate(400, "data validation error")
    TOO_LARGE = Fate(400, "request body too large")
    UNDECODABLE = Fate(400, "data decoding error")
    MALFORMED = Fate(400, "malformed request")
    METHOD_REFUSED = Fate(400, "method not supported")
    METHOD_NOT_ALLOWED = Fate(405, "method not supported")
    INVALID_QUERY = Fate(400, "invalid query")
    UNAUTHORIZED = Fate(401, "unauthorized")
    FORBIDDEN = Fate(403, "forbidden request")
    NOT_FOUND = Fate(404, "404 page not found")
    RATE_LIMITED = Fate(429, "too many requests")
    TOO_MANY_FAILURES = Fate(429, "too many failed credentials")
    UPLOAD_TOO_LARGE = Fate(413, "request body too large")
    HEADERS_TOO_LARGE = Fate(431, "request header fields too large")
    EXPECTATION_FAILED = Fate(417, "expectation failed")
    INTERNAL = Fate(500, "internal error")
    NOT_IMPLEMENTED = Fate(501, "unsupported transfer encoding")
    QUEUE_FULL = Fate(503, "queue is full")
    SHUTTING_DOWN = Fate(503, "server is shutting down")
    TIMED_OUT = Fate(503, "request timed out")
    UNAVAILABLE = Fate(503, "service unavailable")


class RouteGroup(StrEnum):
    """What a request asks for, as far as requests are counted apart (http-surface.md 10.2)."""

    INTAKE = "intake"
    CONFIG = "config"
    INFO = "info"
    OTHER = "other"
    """Other routes, and no route at all."""


class EventOutcome(StrEnum):
    """Every end of an event that was received; each is one counter."""

    INDEXED = "indexed"
    """Elasticsearch or the local store has it."""
    DUPLICATE = "duplicate"
    """It was stored before, by a first try whose answer was lost (409)."""
    FAILURE_STORE = "failure_store"
    """Elasticsearch put it into the failure store of its data stream."""
    DEAD_LETTER = "dead_letter"
    """Refused for what is in it (4xx), or too big by itself; kept on disk with the reason."""
    UNSAMPLED = "unsampled"
    """A transaction that the agent did not sample: counted, not stored, as the original does."""
    EMPTY_BREAKDOWN = "empty_breakdown"
    """A breakdown metricset without self time: it makes no document."""
    INVALID = "invalid"
    """A line that is not an event; its sender was told."""
    TOO_LARGE = "too_large"
    """A line longer than `max_event_size`; its sender was told."""
    SUSPECT = "suspect"
    """A line that killed a worker twice; set aside, its sender was told."""
    FORBIDDEN = "forbidden"
    """Its sender may not send it: no privilege, or not this agent or service; its sender was told."""
    RATE_LIMITED = "rate_limited"
    """Beyond what its sender may send at a time; its sender was told."""
    QUEUE_FULL = "queue_full"
    """Decoded, but the spool took nothing: it is full, or the disk failed; its sender was told."""
    LOST = "lost"
    """Acknowledged, and gone from the disk since: damaged, or deleted by somebody."""


DROPPED = (EventOutcome.UNSAMPLED, EventOutcome.EMPTY_BREAKDOWN)
"""Taken and not stored, on purpose."""
REJECTED = (
    EventOutcome.INVALID,
    EventOutcome.TOO_LARGE,
    EventOutcome.SUSPECT,
    EventOutcome.FORBIDDEN,
    EventOutcome.RATE_LIMITED,
    EventOutcome.QUEUE_FULL,
)
"""Not taken; the sender was told."""
AT_INTAKE = (*DROPPED, *REJECTED)
"""Where the way ends at intake: counted by the acceptor, once a batch has its verdict."""
AT_STORE = (
    EventOutcome.INDEXED,
    EventOutcome.DUPLICATE,
    EventOutcome.FAILURE_STORE,
    EventOutcome.DEAD_LETTER,
    EventOutcome.LOST,
)
"""Where the way of a document ends that was on disk: counted by the worker."""
