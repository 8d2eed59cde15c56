"""From a batch to the documents of its events, ready for a block. Pure: no clock, no I/O, nothing kept but memos."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from tidegate.daemon.outcomes import EventOutcome
from tidegate.daemon.wire.frames import LISTED_ERRORS, Batch, LineError, StreamError, id_stem, unpack_base
from tidegate.workers.decode.lines import Refused, read_event, read_metadata
from tidegate.workers.decode.model import (
    Error,
    Event,
    Log,
    Metricset,
    RumError,
    RumMetricset,
    RumSpan,
    RumTransaction,
    Span,
    Transaction,
)
from tidegate.workers.enrich import order
from tidegate.workers.enrich.data_stream import RUM_AGENTS
from tidegate.workers.mapping.error import map_error
from tidegate.workers.mapping.log import map_log
from tidegate.workers.mapping.memo import Memo
from tidegate.workers.mapping.metricset import map_metricset
from tidegate.workers.mapping.rum import map_rum_error, map_rum_metricset, map_rum_span, map_rum_transaction
from tidegate.workers.mapping.span import map_span
from tidegate.workers.mapping.stream import Stream
from tidegate.workers.mapping.transaction import map_transaction

_STREAMS_BUDGET = 4 * 1024 * 1024
"""Bytes of metadata lines whose streams are kept: 2,700 of the usual size. A built stream takes some tens of times as much
when it is busy."""

Observer = Callable[[Sequence[Event]], None]
"""Sees each decoded batch, unsampled transactions included, before its documents are handed on."""


class Processed(NamedTuple):
    """What became of a batch. When `ended` is set, nothing of it is to be stored and the stream is over."""

    lines: list[bytes]
    """One for each document: its bulk action and the document, each with its newline."""
    documents: int
    accepted: int
    """Events, unsampled ones included."""
    failed: int
    """Lines refused."""
    errors: list[LineError]
    """The first of them."""
    ended: StreamError | None
    counts: Counter[EventOutcome]
    """Fates that are sealed here: events that make no document, lines that are no event."""


class Row(NamedTuple):
    """What is done with one type of event, in this order."""

    map: Callable[[Any, Stream, int], dict[str, Any] | None]
    enrich: tuple[order.Enrichment, ...]
    place: order.Placement
    complete: order.Enrichment


ROWS: dict[type[Event], Row] = {
    Transaction: Row(map_transaction, order.TRACE, order.PLACE_TRACE, order.COMPLETE_TRACE),
    Span: Row(map_span, order.TRACE, order.PLACE_TRACE, order.COMPLETE_TRACE),
    Error: Row(map_error, order.ERROR, order.PLACE_ERROR, order.COMPLETE_ERROR),
    Metricset: Row(map_metricset, order.METRIC, order.PLACE_METRIC, order.COMPLETE_METRIC),
    Log: Row(map_log, order.LOG, order.PLACE_LOG, order.COMPLETE_LOG),
    RumTransaction: Row(map_rum_transaction, order.TRACE, order.PLACE_TRACE, order.COMPLETE_TRACE),
    RumSpan: Row(map_rum_span, order.TRACE, order.PLACE_TRACE, order.COMPLETE_TRACE),
    RumError: Row(map_rum_error, order.ERROR, order.PLACE_ERROR, order.COMPLETE_ERROR),
    RumMetricset: Row(map_rum_metricset, order.METRIC, order.PLACE_METRIC, order.COMPLETE_METRIC),
}


class Pipeline:
    """`complete`: documents also get what the cluster's pipelines would add (intake-to-documents.md, section 12)."""

    def __init__(self, complete: bool, observers: Sequence[Observer] = ()) -> None:
        self._complete = complete
        self._observers = tuple(observers)
        self._streams: Memo[tuple[bytes, bytes], Stream] = Memo(
            lambda key: Stream(unpack_base(key[0]), read_metadata(key[1])),
            _STREAMS_BUDGET,
            weigh=lambda key: len(key[0]) + len(key[1]),
        )

    def process(self, batch: Batch) -> Processed:
        """Decodes, maps and enriches all lines of a batch. Raises WireError when the request base is none."""
        try:
            stream = self._streams[batch.base, batch.metadata]
        except Refused as refusal:
            ended = StreamError(400, refusal.message, batch.metadata if refusal.show else b"")
            return Processed([], 0, 0, 0, [], ended, Counter())
        decoding = _decode(batch)
        for observe in self._observers:
            observe(decoding.events)
        lines = []
        counts: Counter[EventOutcome] = Counter()
        empty = 0
        stem = id_stem(batch.batch_id)
        received_ns = batch.received_ns
        join = stream.join
        for event, place in zip(decoding.events, decoding.places, strict=True):
            if isinstance(event, Transaction) and event.sampled is False and not _is_rum(event, stream):
                counts[EventOutcome.UNSAMPLED] += 1
                continue
            to_document, enrichments, to_data_stream, completion = ROWS[type(event)]
            document = to_document(event, stream, received_ns)
            if document is None:
                empty += 1
                continue
            for enrich in enrichments:
                enrich(document, stream)
            data_stream = to_data_stream(document, stream)
            if self._complete:
                completion(document, stream)
            lines.append(join(f'{data_stream.action}{stem}{place}"}}}}\n'.encode(), document))
        if empty:
            counts[EventOutcome.EMPTY_BREAKDOWN] = empty
        if decoding.failed:
            counts[EventOutcome.INVALID] = decoding.failed
        accepted = len(decoding.events) - empty
        return Processed(lines, len(lines), accepted, decoding.failed, decoding.errors, None, counts)


class _Decoding(NamedTuple):
    events: list[Event]
    places: list[int | str]
    """What tells an event from the others of its batch: the number of its line; with it the place within the line, where
    a line can hold several."""
    failed: int
    errors: list[LineError]


def _decode(batch: Batch) -> _Decoding:
    events: list[Event] = []
    places: list[int | str] = []
    errors: list[LineError] = []
    failed = 0
    for number, line in enumerate(batch.lines.split(b"\n"), batch.first_line):
        if not line:
            continue
        try:
            event = read_event(line)
        except Refused as refusal:
            failed += 1
            if len(errors) < LISTED_ERRORS:
                errors.append(LineError(number, refusal.message, line if refusal.show else b""))
            continue
        if isinstance(event, list):
            events += event
            places += [f"{number}.{place}" for place in range(len(event))]
        else:
            events.append(event)
            places.append(number)
    return _Decoding(events, places, failed, errors)


def _is_rum(event: Transaction, stream: Stream) -> bool:
    service = event.context.service if event.context else None
    if service and service.agent and service.agent.name is not None:
        return service.agent.name in RUM_AGENTS
    return stream.rum_agent
