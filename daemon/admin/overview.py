"""What status tells: the form of its JSON, and what it makes of the figures. Pure."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from tidegate.daemon.telemetry.balance import Balance, Totals, figure
from tidegate.daemon.telemetry.metrics import (
    BULK_IN_FLIGHT,
    CONNECTIONS,
    CREDIT,
    HELD,
    SINK_READY,
    SPOOL_BYTES,
    SPOOL_LIMIT,
    SPOOL_OLDEST,
    SPOOL_REFUSING,
    SPOOLED,
    UNANSWERED,
    WAITING,
)


class ProcessView(msgspec.Struct, frozen=True):
    """One process; times in seconds, memory in bytes."""

    role: str
    number: int
    pid: int
    state: str
    """starting or serving"""
    uptime: float
    restarts: int
    """Since this start."""
    cpu: float
    resident: int
    version: str


class IntakeView(msgspec.Struct, frozen=True):
    """What waits between clients and workers."""

    connections: int
    unanswered_batches: int
    credit_bytes: int
    waiting_requests: int


class SpoolView(msgspec.Struct, frozen=True):
    """What is on disk and not stored."""

    documents: int
    bytes: int
    limit_bytes: int
    free_bytes: int
    """Of the limit, and of the disk."""
    oldest: float
    """Seconds."""
    rate: float
    """Bytes a second that came in during the last minutes."""
    covers: float | None
    """Seconds of an outage that the free space covers at this rate; None without traffic."""
    refusing: bool


class StoreView(msgspec.Struct, frozen=True):
    """Elasticsearch, or the local store."""

    ready: bool
    trouble: list[str]
    """Why documents are not stored, in words; empty when they are."""
    requests_in_flight: int
    held: int


class Complaint(msgspec.Struct, frozen=True):
    """A line of the log, from level warning on."""

    moment: float
    """Seconds since the epoch."""
    process: str
    level: str
    text: str


class Overview(msgspec.Struct, frozen=True):
    """The whole."""

    version: str
    pid: int
    state: str
    """starting, serving or stopping"""
    verdict: str
    """well, degraded or refusing"""
    reasons: list[str]
    """Why it is not well, in words."""
    uptime: float
    first_start: float
    """Seconds since the epoch."""
    processes: list[ProcessView]
    intake: IntakeView
    spool: SpoolView
    store: StoreView
    since_start: Balance
    since_first_start: Balance
    complaints: list[Complaint]


def intake_view(totals: Totals) -> IntakeView:
    """From the gauges of the acceptors."""
    return IntakeView(
        figure(totals, CONNECTIONS), figure(totals, UNANSWERED), figure(totals, CREDIT), figure(totals, WAITING)
    )


def spool_view(totals: Totals, disk_free: int, rate: float) -> SpoolView:
    """From the gauges of the workers; `disk_free`: bytes that the spool may still take there; `rate`: bytes a second."""
    used, limit = figure(totals, SPOOL_BYTES), figure(totals, SPOOL_LIMIT)
    free = max(0, min(limit - used, disk_free))
    return SpoolView(
        documents=figure(totals, SPOOLED),
        bytes=used,
        limit_bytes=limit,
        free_bytes=free,
        oldest=figure(totals, SPOOL_OLDEST) / SPOOL_OLDEST.scale,
        rate=rate,
        covers=free / rate if rate > 0 else None,
        refusing=bool(figure(totals, SPOOL_REFUSING)),
    )


def store_view(totals: Totals, trouble: Sequence[str]) -> StoreView:
    """From the gauges of the workers, and their words."""
    return StoreView(
        bool(figure(totals, SINK_READY)), list(trouble), figure(totals, BULK_IN_FLIGHT), figure(totals, HELD)
    )


def judged(spool: SpoolView, store: StoreView, state: str, missing: Sequence[str]) -> tuple[str, list[str]]:
    """The verdict and its reasons; `missing`: processes that do not serve."""
    reasons = []
    if spool.refusing:
        reasons.append("requests are answered 503: the spool is full or cannot be written (tidegate.spool.max_bytes)")
    if state == "serving":
        reasons += [f"{name} does not serve" for name in missing]
    reasons += [f"documents are not stored: {cause}" for cause in store.trouble]
    if not store.ready and not store.trouble:
        reasons.append("the store has not passed its check yet")
    verdict = "refusing" if spool.refusing else "degraded" if reasons else "well"
    return verdict, reasons
