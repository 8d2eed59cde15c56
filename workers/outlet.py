"""Which sink a worker writes to, and how: chosen from its settings, once, at start."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from tidegate.daemon import __version__
from tidegate.daemon.control.child import StartError, UnfitError
from tidegate.daemon.settings.parts import ElasticsearchPart, LocalPart, TlsPart, WorkerPart
from tidegate.workers.documents_form import Form
from tidegate.workers.sinks.contract import Sink
from tidegate.workers.sinks.schedule import Limits

LOCAL_LIMITS = Limits(
    flush_bytes=1024 * 1024,
    flush_documents=2000,
    flush_interval=0.2,  # seconds: whoever sends a first event wants to see it at once
    max_requests=1,  # SQLite has one writer at a time
    backoff_init=0.5,
    backoff_max=10.0,
)
LOCAL_COMPRESSION = 1
LOCAL_READY_S = 1.0


class Outlet(NamedTuple):
    """A sink and what goes with it."""

    sink: Sink
    limits: Limits
    compression_level: int
    wait_ready_interval: float
    """Seconds."""
    ask_form: Callable[[], Form | None]
    """Which form of documents the receiver needs, with I/O; None when it does not tell. Raises TryAgain."""
    tend: Callable[[], None]
    """Upkeep that needs no event, with I/O."""
    change: Callable[[WorkerPart], None]
    """Takes other settings, as far as the sink stays the same one."""


def open_outlet(part: WorkerPart) -> Outlet:
    """The sink that the settings name. Raises StartError."""
    if part.elasticsearch is not None:
        return _cluster(part.elasticsearch)
    if part.local is not None:
        return _local(part.local)
    raise StartError("this worker was given no output")


def needs_another(before: WorkerPart, part: WorkerPart) -> bool:
    """Whether changed settings want a sink of their own. One whose TLS names files does each time: they may have changed."""
    client = part.elasticsearch
    return client is not None and (client != before.elasticsearch or names_files(client.tls))


def names_files(tls: TlsPart) -> bool:
    """Whether certificates or keys come from files."""
    return any(text and "-----BEGIN " not in text for text in (*tls.certificate_authorities, tls.certificate, tls.key))


def _cluster(part: ElasticsearchPart) -> Outlet:
    # Only where it is used: the client takes 30 MiB, which a small machine with the local store does not have to spend.
    from tidegate.workers.sinks.cluster import ClusterSink  # noqa: PLC0415 - see above

    try:
        sink = ClusterSink(part, __version__)
    except (OSError, ValueError) as problem:
        raise StartError(f"output.elasticsearch: {problem}") from problem
    return Outlet(
        sink, Limits.of(part), part.compression_level, part.wait_ready_interval, sink.form, lambda: None, lambda _: None
    )


def _local(part: LocalPart) -> Outlet:
    from tidegate.workers.sinks.local import LocalSink, StoreRefused  # noqa: PLC0415 - SQLite, likewise

    try:
        sink = LocalSink(part)
    except StoreRefused as problem:
        raise UnfitError(str(problem)) from problem

    def change(part: WorkerPart) -> None:
        if part.local is not None:
            sink.change(part.local)

    return Outlet(sink, LOCAL_LIMITS, LOCAL_COMPRESSION, LOCAL_READY_S, lambda: "complete", sink.tend, change)
