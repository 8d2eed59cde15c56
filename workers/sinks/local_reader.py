"""Reads the local store while the daemon writes to it: each question is one short read transaction.

Times are µs since the epoch, durations µs. `since_us` means events that began at that time or later.
Statements repeat `kind IN (1, 3)`: SQLite uses a partial index only where its condition stands in the statement.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

from isal import isal_zlib
from tidegate.workers.sinks.local_causes import cause_of
from tidegate.workers.sinks.local_schema import SCHEMA_VERSION, Kind, StoreRefused, check_identity

BUSY_SECONDS = 2.0
"""WAL readers wait for nobody but a recovery; a person waits at the terminal."""
MATCHES = 10
"""Traces named when a prefix is not unique."""
_EVER = -(2**63)
_LAST_CHARACTER = "\U0010ffff"


class StoreUnreadable(Exception):
    """There is no store, or it cannot be read; the message says which and what to do."""


class ServiceSummary(NamedTuple):
    """`mean_us` and `slowest_us` of its transactions; None when there are none."""

    name: str
    environment: str | None
    agent: str | None
    agent_version: str | None
    language: str | None
    last_us: int
    transactions: int
    failed: int
    mean_us: int | None
    slowest_us: int | None
    errors: int


class TraceSummary(NamedTuple):
    """A trace by its first transaction, and what else it has."""

    trace_id: str
    timestamp_us: int
    service: str | None
    name: str | None
    result: str | None
    outcome: str | None
    duration_us: int | None
    services: int
    transactions: int
    spans: int
    errors: int


class Entry(NamedTuple):
    """A transaction, span or error of one trace."""

    kind: Kind
    timestamp_us: int
    service: str | None
    transaction_id: str | None
    span_id: str | None
    parent_id: str | None
    name: str | None
    type: str | None
    subtype: str | None
    duration_us: int | None
    outcome: str | None
    result: str | None
    composite: int | None
    message: str | None
    culprit: str | None


class Trace(NamedTuple):
    """`entries` in the order of their times; `left_out` of them were over the limit of the call."""

    trace_id: str
    entries: list[Entry]
    logs: int
    left_out: int


class ErrorGroup(NamedTuple):
    """Errors with one grouping key; text and ids are those of the last one."""

    grouping_key: str | None
    number: int
    last_us: int
    service: str | None
    type: str | None
    message: str | None
    culprit: str | None
    trace_id: str | None


class LocalReader:
    """Answers the questions of the `tidegate` command; every method may raise StoreUnreadable."""

    def __init__(self, file: Path) -> None:
        """Opens `file` read-only. Raises StoreUnreadable."""
        self.file = file
        if not file.exists():
            raise StoreUnreadable(f"no local store at {file}: start `tidegate run`, then `tidegate demo`")
        with self._readable():
            self._connection = sqlite3.connect(
                f"file:{quote(str(file.absolute()))}?mode=ro", uri=True, timeout=BUSY_SECONDS, isolation_level=None
            )
            try:
                version = check_identity(self._connection, file)
            except BaseException:
                self._connection.close()
                raise
        if version != SCHEMA_VERSION:
            self._connection.close()
            raise StoreUnreadable(
                f"the local store at {file} is still empty: start `tidegate run`, then `tidegate demo`"
            )

    def close(self) -> None:
        self._connection.close()

    def services(self, since_us: int | None = None) -> list[ServiceSummary]:
        """Every service heard of since then, by name."""
        begin = _EVER if since_us is None else since_us
        return [
            ServiceSummary(*row)
            for row in self._rows(
                """
                SELECT s.name, s.environment, s.agent, s.agent_version, s.language, s.last_us,
                    coalesce(t.number, 0), coalesce(t.failed, 0), t.mean, t.slowest, coalesce(e.number, 0)
                FROM services s
                LEFT JOIN (
                    SELECT service, count(*) AS number, sum(outcome IS 'failure') AS failed,
                        CAST(avg(duration_us) AS INTEGER) AS mean, max(duration_us) AS slowest
                    FROM events WHERE kind IN (1, 3) AND kind = 1 AND timestamp_us >= ?1 GROUP BY service
                ) t ON t.service = s.name
                LEFT JOIN (
                    SELECT service, count(*) AS number
                    FROM events WHERE kind IN (1, 3) AND kind = 3 AND timestamp_us >= ?1 GROUP BY service
                ) e ON e.service = s.name
                WHERE s.last_us >= ?1 OR t.number > 0 OR e.number > 0
                ORDER BY s.name
                """,
                (begin,),
            )
        ]

    def traces(
        self, limit: int, *, service: str | None = None, since_us: int | None = None, errors: bool = False
    ) -> list[TraceSummary]:
        """The last traces that have a transaction (with `service`: one of that service), newest first.

        With `errors` only those with a failed transaction or an error.
        """
        begin = _EVER if since_us is None else since_us
        newest = """
            SELECT trace_id, timestamp_us FROM events
            WHERE kind IN (1, 3) AND kind = 1 AND timestamp_us >= ?1 AND (?2 IS NULL OR service = ?2) AND trace_id IS NOT NULL
            """
        if errors:
            newest += """ AND outcome = 'failure'
            UNION ALL SELECT trace_id, timestamp_us FROM events
            WHERE kind IN (1, 3) AND kind = 3 AND timestamp_us >= ?1 AND (?2 IS NULL OR service = ?2) AND trace_id IS NOT NULL
            """
        found: dict[str, None] = {}
        for trace_id, _ in self._rows(f"{newest} ORDER BY timestamp_us DESC", (begin, service)):
            found[trace_id] = None
            if len(found) >= limit:
                break
        summaries = (self._summary(trace_id) for trace_id in found)
        return [summary for summary in summaries if summary is not None]

    def find_trace(self, prefix: str) -> list[str]:
        """Ids of traces that begin so, MATCHES + 1 at most; the one that is equal stands alone."""
        for text in dict.fromkeys((prefix, prefix.lower())):
            if next(self._rows("SELECT 1 FROM events WHERE trace_id = ? LIMIT 1", (text,)), None):
                return [text]
            found = [
                row[0]
                for row in self._rows(
                    "SELECT DISTINCT trace_id FROM events WHERE trace_id >= ? AND trace_id < ? ORDER BY trace_id LIMIT ?",
                    (text, text + _LAST_CHARACTER, MATCHES + 1),
                )
            ]
            if found:
                return found
        return []

    def trace(self, trace_id: str, limit: int) -> Trace:
        """Transactions, spans and errors of a trace; of more than `limit` the earliest to arrive."""
        counts = dict(self._rows("SELECT kind, count(*) FROM events WHERE trace_id = ? GROUP BY kind", (trace_id,)))
        entries = [
            Entry(Kind(row[0]), *row[1:])
            for row in self._rows(
                f"""
                SELECT {", ".join(Entry._fields)} FROM events
                WHERE trace_id = ? AND kind IN (1, 2, 3) ORDER BY sequence LIMIT ?
                """,  # noqa: S608 - names of our own class
                (trace_id, limit),
            )
        ]
        entries.sort(key=lambda entry: (entry.timestamp_us, entry.kind, entry.span_id or ""))
        shown = sum(counts.get(kind, 0) for kind in (Kind.TRANSACTION, Kind.SPAN, Kind.ERROR))
        return Trace(trace_id, entries, counts.get(Kind.LOG, 0), max(0, shown - len(entries)))

    def documents(self, trace_id: str) -> Iterator[bytes]:
        """Everything of a trace as JSON, logs included, in the order of their times."""
        for (document,) in self._rows(
            "SELECT document FROM events WHERE trace_id = ? ORDER BY timestamp_us, sequence", (trace_id,)
        ):
            yield isal_zlib.decompress(document)

    def errors(self, limit: int, *, service: str | None = None, since_us: int | None = None) -> list[ErrorGroup]:
        """Groups of errors, the one seen last first."""
        begin = _EVER if since_us is None else since_us
        # Beside max(), SQLite takes bare columns from the row that has the maximum.
        return [
            ErrorGroup(*row)
            for row in self._rows(
                """
                SELECT grouping_key, count(*), max(timestamp_us), service, type, message, culprit, trace_id FROM events
                WHERE kind IN (1, 3) AND kind = 3 AND timestamp_us >= ?1 AND (?2 IS NULL OR service = ?2)
                GROUP BY service, coalesce(grouping_key, id) ORDER BY 3 DESC LIMIT ?3
                """,
                (begin, service, limit),
            )
        ]

    def _summary(self, trace_id: str) -> TraceSummary | None:
        """None when upkeep deleted the trace meanwhile."""
        (transactions, spans, errors, services) = next(
            self._rows(
                """
                SELECT sum(kind = 1), sum(kind = 2), sum(kind = 3), count(DISTINCT service) FROM events WHERE trace_id = ?
                """,
                (trace_id,),
            )
        )
        first = next(
            self._rows(
                """
                SELECT timestamp_us, service, name, result, outcome, duration_us FROM events
                WHERE trace_id = ? AND kind IN (1, 3) ORDER BY kind, parent_id IS NOT NULL, timestamp_us LIMIT 1
                """,
                (trace_id,),
            ),
            None,
        )
        return None if first is None else TraceSummary(*(trace_id, *first, services, transactions, spans, errors))

    def _rows(self, statement: str, values: tuple[object, ...]) -> Iterator[tuple[Any, ...]]:
        with self._readable():
            yield from self._connection.execute(statement, values)

    @contextmanager
    def _readable(self) -> Iterator[None]:
        try:
            yield
        except StoreRefused as problem:
            raise StoreUnreadable(str(problem)) from problem
        except (sqlite3.Error, OSError) as problem:
            raise StoreUnreadable(cause_of(problem, self.file).words.replace("be written", "be read")) from problem
