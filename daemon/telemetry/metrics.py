"""The metric table: every figure that Tidegate keeps of itself. docs/metrics.md is made from it. Pure.

Labels have few values, all known here: outcomes, routes, types. Never a service, an address or a text of a client: their
number is the client's choice. Figures are whole numbers in cells (`slots`); a `scale` of 1000 keeps thousandths.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import product

from tidegate.daemon.outcomes import AT_INTAKE, AT_STORE, RequestOutcome, RouteGroup

PREFIX = "tidegate_"


class Kind(StrEnum):
    """In Prometheus' words."""

    COUNTER = "counter"
    """Only grows, over restarts too, until `path.data/counters` is deleted."""
    GAUGE = "gauge"
    """What is now; starts at 0 with its process."""


class Join(StrEnum):
    """How the figures of several processes become one."""

    SUM = "sum"
    MOST = "most"
    LEAST = "least"


class Role(StrEnum):
    """Which processes count it; the supervisor works some out when it is asked."""

    ACCEPTOR = "acceptor"
    WORKER = "worker"
    SUPERVISOR = "supervisor"


@dataclass(frozen=True)
class Metric:
    """One name; with labels, one cell for each combination of their values."""

    name: str
    """Without the prefix."""
    role: Role
    kind: Kind
    help: str
    labels: tuple[tuple[str, tuple[str, ...]], ...] = ()
    scale: int = 1
    join: Join = Join.SUM

    @property
    def full_name(self) -> str:
        """As it is exposed."""
        return PREFIX + self.name


@dataclass(frozen=True)
class Cell:
    """One number that a process keeps."""

    metric: Metric
    values: tuple[str, ...] = ()
    """Of the labels, in their order."""

    @property
    def name(self) -> str:
        """`requests_total{route=intake,outcome=accepted}`: how slots of another version are read."""
        if not self.values:
            return self.metric.name
        pairs = zip(self.metric.labels, self.values, strict=True)
        return f"{self.metric.name}{{{','.join(f'{label}={value}' for (label, _), value in pairs)}}}"


def _names(outcomes: Sequence[str]) -> tuple[str, ...]:
    return tuple(str(outcome) for outcome in outcomes)


EVENT_TYPES = ("transaction", "span", "error", "metric", "log")
BULK_RESULTS = ("answered", "failed", "too_large")
CHILD_ROLES = ("acceptor", "worker")
_OUTCOMES = tuple(outcome.name.lower() for outcome in RequestOutcome)

REQUESTS = Metric(
    "requests_total",
    Role.ACCEPTOR,
    Kind.COUNTER,
    "Requests answered, by what they asked for and how they ended.",
    (("route", tuple(RouteGroup)), ("outcome", _OUTCOMES)),
)
REQUEST_BYTES = Metric(
    "request_body_bytes_total", Role.ACCEPTOR, Kind.COUNTER, "Bytes of bodies, as sent (compressed)."
)
EVENTS = Metric(
    "events_total",
    Role.ACCEPTOR,
    Kind.COUNTER,
    "Events and lines received, by what became of them at intake; `spooled`: documents that came to disk.",
    (("outcome", ("spooled", *_names(AT_INTAKE))),),
)
CONNECTIONS = Metric("connections", Role.ACCEPTOR, Kind.GAUGE, "Connections of clients that are open.")
CONNECTIONS_HELD = Metric(
    "connections_held_bytes",
    Role.ACCEPTOR,
    Kind.GAUGE,
    "Bytes of begun requests and unread answers; `tidegate.connection_memory` bounds them.",
)
GIVEN_UP = Metric(
    "connections_given_up_total",
    Role.ACCEPTOR,
    Kind.COUNTER,
    "Connections that were cut or answered 503 because all together held more than `tidegate.connection_memory`.",
)
TURNED_AWAY = Metric(
    "connections_turned_away_total",
    Role.ACCEPTOR,
    Kind.COUNTER,
    "Connections that were closed because their address had `tidegate.max_connections_per_address` already.",
)
UNANSWERED = Metric(
    "batches_unanswered", Role.ACCEPTOR, Kind.GAUGE, "Batches handed to workers that have no verdict yet."
)
CREDIT = Metric("credit_bytes", Role.ACCEPTOR, Kind.GAUGE, "Bytes that may be handed to workers now.")
WAITING = Metric("streams_waiting", Role.ACCEPTOR, Kind.GAUGE, "Requests that wait because no worker has credit.")

DECODED = Metric(
    "events_decoded_total",
    Role.WORKER,
    Kind.COUNTER,
    "Events decoded by workers, by type; a batch that is done again counts again.",
    (("type", EVENT_TYPES),),
)
WRITTEN = Metric(
    "spool_documents_written_total",
    Role.WORKER,
    Kind.COUNTER,
    "Documents that came to disk; of a batch that is done again, again.",
)
SPOOL_WRITTEN = Metric("spool_written_bytes_total", Role.WORKER, Kind.COUNTER, "Bytes that came to disk, compressed.")
OWN = Metric(
    "spool_documents_own_total", Role.WORKER, Kind.COUNTER, "Those of them that Tidegate made by itself, from no event."
)
RECOVERED = Metric(
    "spool_documents_recovered_total",
    Role.WORKER,
    Kind.COUNTER,
    "Documents found in the spool at the start of a worker that were not expected there: their outcome was counted "
    "before and they are sent again, or their writing was not counted any more.",
)
DOCUMENTS = Metric(
    "documents_total",
    Role.WORKER,
    Kind.COUNTER,
    "Documents that left the spool, by outcome.",
    (("outcome", _names(AT_STORE)),),
)
POSTPONED = Metric(
    "documents_postponed_total", Role.WORKER, Kind.COUNTER, "Documents that Elasticsearch did not take yet, each time."
)
BULK_REQUESTS = Metric(
    "bulk_requests_total",
    Role.WORKER,
    Kind.COUNTER,
    "Requests to the store, by result.",
    (("result", BULK_RESULTS),),
)
BULK_BYTES = Metric("bulk_bytes_total", Role.WORKER, Kind.COUNTER, "Bytes of their bodies, as sent.")
SPOOLED = Metric("spool_documents", Role.WORKER, Kind.GAUGE, "Documents on disk that are not stored yet.")
SPOOL_BYTES = Metric("spool_bytes", Role.WORKER, Kind.GAUGE, "Bytes of the spool on disk.")
SPOOL_LIMIT = Metric("spool_limit_bytes", Role.WORKER, Kind.GAUGE, "Bytes that the spool may take.")
SPOOL_OLDEST = Metric(
    "spool_oldest_seconds",
    Role.WORKER,
    Kind.GAUGE,
    "Age of the oldest document in the spool.",
    scale=1000,
    join=Join.MOST,
)
SPOOL_REFUSING = Metric(
    "spool_refusing",
    Role.WORKER,
    Kind.GAUGE,
    "1 while the spool takes nothing: it is full, or cannot be written.",
    join=Join.MOST,
)
SINK_READY = Metric("sink_ready", Role.WORKER, Kind.GAUGE, "1 once the store has passed its check.", join=Join.LEAST)
SINK_TROUBLED = Metric(
    "sink_troubled",
    Role.WORKER,
    Kind.GAUGE,
    "1 while something keeps documents from being stored; status says what.",
    join=Join.MOST,
)
BULK_IN_FLIGHT = Metric("bulk_requests_in_flight", Role.WORKER, Kind.GAUGE, "Requests to the store under way.")
HELD = Metric("documents_held", Role.WORKER, Kind.GAUGE, "Documents in memory that wait for another try.")

RESTARTS = Metric(
    "restarts_total",
    Role.SUPERVISOR,
    Kind.COUNTER,
    "Children that died and got a successor.",
    (("role", CHILD_ROLES),),
)
STARTS = Metric("starts_total", Role.SUPERVISOR, Kind.COUNTER, "Starts of the whole.")

TABLE = (
    REQUESTS,
    REQUEST_BYTES,
    EVENTS,
    CONNECTIONS,
    CONNECTIONS_HELD,
    GIVEN_UP,
    TURNED_AWAY,
    UNANSWERED,
    CREDIT,
    WAITING,
    DECODED,
    WRITTEN,
    SPOOL_WRITTEN,
    OWN,
    RECOVERED,
    DOCUMENTS,
    POSTPONED,
    BULK_REQUESTS,
    BULK_BYTES,
    SPOOLED,
    SPOOL_BYTES,
    SPOOL_LIMIT,
    SPOOL_OLDEST,
    SPOOL_REFUSING,
    SINK_READY,
    SINK_TROUBLED,
    BULK_IN_FLIGHT,
    HELD,
    RESTARTS,
    STARTS,
)
"""What is kept in slots."""

RECEIVED = Metric(
    "events_received_total", Role.SUPERVISOR, Kind.COUNTER, "All events and lines received: the sum of `events_total`."
)
UNRESOLVED = Metric(
    "events_unresolved",
    Role.SUPERVISOR,
    Kind.GAUGE,
    "Documents that came to disk beyond those of batches with a verdict: under way, of a batch that was done again after a "
    "worker's death, or of a request whose acceptor died before it could answer.",
)
CHILDREN = Metric(
    "children", Role.SUPERVISOR, Kind.GAUGE, "Acceptors and workers that serve.", (("role", CHILD_ROLES),)
)
COVERS = Metric(
    "spool_covers_seconds",
    Role.SUPERVISOR,
    Kind.GAUGE,
    "How long an outage of the store the free spool covers at the rate of the last minutes; +Inf without traffic.",
)
DRAINING = Metric("draining", Role.SUPERVISOR, Kind.GAUGE, "1 while Tidegate stops.")
START_TIME = Metric("start_time_seconds", Role.SUPERVISOR, Kind.GAUGE, "When this start began, since the epoch.")
CPU = Metric(
    "process_cpu_seconds_total",
    Role.SUPERVISOR,
    Kind.COUNTER,
    "Processor time of each process since it started; `process` is `supervisor`, `acceptor-1`, `worker-1` ….",
    (("process", ()),),
)
RESIDENT = Metric(
    "process_resident_memory_bytes", Role.SUPERVISOR, Kind.GAUGE, "Resident memory of each process.", (("process", ()),)
)
BUILD = Metric("build_info", Role.SUPERVISOR, Kind.GAUGE, "Always 1; the label tells the version.", (("version", ()),))

COMPUTED = (RECEIVED, UNRESOLVED, CHILDREN, COVERS, DRAINING, START_TIME, CPU, RESIDENT, BUILD)
"""What is worked out when somebody asks."""


def _cells(role: Role) -> tuple[Cell, ...]:
    return tuple(
        Cell(metric, values)
        for metric in TABLE
        if metric.role is role
        for values in product(*(allowed for _, allowed in metric.labels))
    )


CELLS = {role: _cells(role) for role in Role}
"""What each process keeps, in the order of its slot."""

_PLACES = {(cell.metric.name, cell.values): place for cells in CELLS.values() for place, cell in enumerate(cells)}


def place(metric: Metric, *values: str) -> int:
    """Where the cell stands among those of its role. Raises KeyError for a value that the label does not have."""
    return _PLACES[metric.name, values]
