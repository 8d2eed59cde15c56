"""From a batch to the documents of its events, ready for a block. Pure: no clock, no I/O, nothing kept but memos."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from tidegate.daemon.outcomes import EventOutcome
from tidegate.daemon.wire.frames import LISTED_ERRORS, Batch, LineError, StreamError, id_stem, unpack_base
from tidegate.daemon.wire.terms import unpack_terms
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
from tidegate.workers.source_maps.frames import SourceMapping
from tidegate.workers.store.source_maps import MapKey
from tidegate.workers.terms import Admit, refused

_STREAMS_BUDGET = 4 * 1024 * 1024
"""Bytes of metadata lines whose streams are kept: 2,700 of the usual size. A built stream takes some tens of times as much
when it is busy."""

_BROWSER_STREAMS_BUDGET = 1024 * 1024
"""Those of browsers are kept apart: every connection has its own port, so they come and go, and must not push out the others."""

NO_TYPES = (0, 0, 0, 0, 0)

Observer = Callable[[Sequence[Event]], None]
"""Sees each decoded batch, unsampled transactions included, before its documents are handed on."""


_NO_MAPS: frozenset[MapKey] = frozenset()


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
    events: int = 0
    """Those found in it, whatever became of them."""
    wanted: frozenset[MapKey] = _NO_MAPS
    """Source maps with which more of its frames would be mapped. Nothing else is set then if the batch may wait for them."""
    types: tuple[int, ...] = NO_TYPES
    """Of the events that are taken: transactions, spans, errors, metricsets, logs (`metrics.EVENT_TYPES`)."""
    sender: tuple[str, str] = ("", "")
    """Service and agent, as the metadata names them."""
    stamp: int | None = None
    """The time of the first event, µs since the epoch; None where it has none."""


Mapper = Callable[[Any, Stream, int], dict[str, Any] | None]

ROWS: dict[type[Event], tuple[Mapper, order.Steps]] = {
    Transaction: (map_transaction, order.TRACE),
    Span: (map_span, order.TRACE),
    Error: (map_error, order.ERROR),
    Metricset: (map_metricset, order.METRIC),
    Log: (map_log, order.LOG),
    RumTransaction: (map_rum_transaction, order.TRACE),
    RumSpan: (map_rum_span, order.TRACE),
    RumError: (map_rum_error, order.ERROR),
    RumMetricset: (map_rum_metricset, order.METRIC),
}
"""What makes the document of each type of event, and what is done with it."""

_TYPES = (
    (Transaction, RumTransaction),
    (Span, RumSpan),
    (Error, RumError),
    (Metricset, RumMetricset),
    (Log,),
)
WITH_FRAMES = (Span, Error, RumSpan, RumError)
"""Types of events that can carry stack frames."""


class Pipeline:
    """`complete`: documents also get what the cluster's pipelines would add (intake-to-documents.md, section 12).
    `frames`: what is done first with events of browsers that can carry stack frames (`order.frame_enrichments`), and before
    that `source_mapping`."""

    def __init__(
        self,
        complete: bool,
        observers: Sequence[Observer] = (),
        admit: Admit = lambda service: True,
        frames: tuple[order.Enrichment, ...] = (),
        source_mapping: SourceMapping | None = None,
    ) -> None:
        self.complete = complete
        self._admit = admit
        self._source_mapping = source_mapping
        if source_mapping is not None:  # first: what it finds is looked at by all others
            frames = (source_mapping, *frames)
        self._observers = tuple(observers)
        self._browser_rows = {
            kind: (to_document, steps._replace(enrich=frames + steps.enrich) if kind in WITH_FRAMES else steps)
            for kind, (to_document, steps) in ROWS.items()
        }
        self._streams = _streams(_STREAMS_BUDGET)
        self._browser_streams = _streams(_BROWSER_STREAMS_BUDGET)

    def process(self, batch: Batch, *, may_wait: bool = False) -> Processed:
        """Decodes, maps and enriches all lines of a batch. `may_wait`: it comes again when there are source maps that it
        wants. Raises WireError when the request base is none."""
        try:
            streams = self._browser_streams if unpack_base(batch.base).rum else self._streams
            stream = streams[batch.base, batch.metadata]
        except Refused as refusal:
            ended = StreamError(400, refusal.message, batch.metadata if refusal.show else b"")
            return Processed([], 0, 0, 0, [], ended, Counter())
        decoded = _decode(batch)
        if batch.terms and (kept_out := self._kept_out(batch, stream, decoded)) is not None:
            return kept_out
        lines = self._documents(batch, stream, decoded)
        wanted = self._source_mapping.take_wanted() if self._source_mapping is not None else _NO_MAPS
        if wanted and may_wait:
            return Processed([], 0, 0, 0, [], None, Counter(), wanted=wanted)
        for observe in self._observers:
            observe(decoded.events)
        events, types, counts = len(decoded.events), decoded.types(), +decoded.counts
        accepted = events - counts[EventOutcome.EMPTY_BREAKDOWN]
        failed = counts[EventOutcome.INVALID]
        sender, stamp = _sender(stream), _stamp(decoded.events)
        return Processed(
            lines, len(lines), accepted, failed, decoded.errors, None, counts, events, wanted, types, sender, stamp
        )

    def _kept_out(self, batch: Batch, stream: Stream, decoded: _Decoded) -> Processed | None:
        """What becomes of a batch that needs more tokens than it brings, or holds what its sender may not send; None where
        it is taken. A suspect has paid before."""
        events, failed = len(decoded.events), decoded.counts[EventOutcome.INVALID]
        if events > batch.tokens and not batch.suspect:
            return Processed([], 0, 0, failed, decoded.errors, None, Counter(), events)
        ended = refused(unpack_terms(batch.terms), decoded.events, stream, self._admit)
        if ended is None:
            return None
        return Processed([], 0, 0, failed, decoded.errors, ended, +decoded.counts, events, sender=_sender(stream))

    def _documents(self, batch: Batch, stream: Stream, decoded: _Decoded) -> list[bytes]:
        """The documents in the order of their events. Those that make none are counted.

        The work is done type by type: what one event has used is then still in the processor's caches for the next
        (measured: 7 % of the whole pipeline).
        """
        events, places, counts = decoded.events, decoded.places, decoded.counts
        lines = [b""] * len(events)
        join = stream.join
        stem = id_stem(batch.batch_id)
        received_ns = batch.received_ns
        rows = self._browser_rows if stream.base.rum else ROWS
        for kind, numbers in decoded.by_type.items():
            to_document, (enrichments, to_data_stream, complete) = rows[kind]
            may_be_unsampled = issubclass(kind, Transaction)
            for number in numbers:
                event = events[number]
                if may_be_unsampled and _is_dropped(event, stream):
                    counts[EventOutcome.UNSAMPLED] += 1
                    continue
                document = to_document(event, stream, received_ns)
                if document is None:
                    counts[EventOutcome.EMPTY_BREAKDOWN] += 1
                    continue
                for enrich in enrichments:
                    enrich(document, stream)
                data_stream = to_data_stream(document, stream)
                if self.complete:
                    complete(document, stream)
                lines[number] = join(f'{data_stream.action}{stem}{places[number]}"}}}}\n'.encode(), document)
        return [line for line in lines if line]


def _streams(budget: int) -> Memo[tuple[bytes, bytes], Stream]:
    """Streams by their packed request base and their metadata line."""
    return Memo(
        lambda key: Stream(unpack_base(key[0]), read_metadata(key[1])),
        budget,
        weigh=lambda key: len(key[0]) + len(key[1]),
    )


class _Decoded:
    """The events of a batch, and what is wrong with its other lines."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.by_type: dict[type[Event], list[int]] = {kind: [] for kind in ROWS}
        """Indexes of events."""
        self.places: list[int | str] = []
        """What tells an event from the others of its batch: the number of its line; with it the place within the line,
        where a line can hold several."""
        self.errors: list[LineError] = []
        self.counts: Counter[EventOutcome] = Counter()

    def add(self, event: Event, place: int | str) -> None:
        self.by_type[type(event)].append(len(self.events))
        self.events.append(event)
        self.places.append(place)

    def types(self) -> tuple[int, ...]:
        """See `Processed.types`."""
        numbers = {kind: len(places) for kind, places in self.by_type.items()}
        return tuple(sum(numbers[kind] for kind in kinds) for kinds in _TYPES)

    def refuse(self, number: int, line: bytes, refusal: Refused) -> None:
        self.counts[EventOutcome.INVALID] += 1
        if len(self.errors) < LISTED_ERRORS:
            self.errors.append(LineError(number, refusal.message, line if refusal.show else b""))


def _decode(batch: Batch) -> _Decoded:
    decoded = _Decoded()
    add = decoded.add
    for number, line in enumerate(batch.lines.split(b"\n"), batch.first_line):
        if not line:
            continue
        try:
            event = read_event(line)
        except Refused as refusal:
            decoded.refuse(number, line, refusal)
            continue
        if isinstance(event, list):
            for place, one in enumerate(event):
                add(one, f"{number}.{place}")
        else:
            add(event, number)
    return decoded


def _stamp(events: Sequence[Event]) -> int | None:
    """The time of the first event, where it is given in numbers."""
    given = getattr(events[0], "timestamp", None) if events else None
    return given if isinstance(given, int) else None


def _sender(stream: Stream) -> tuple[str, str]:
    return stream.service.get("name", ""), stream.agent.get("name", "")


def _is_dropped(event: Any, stream: Stream) -> bool:
    """Whether an unsampled transaction is dropped (5.1, row 12): those of browsers and mobile devices are not. The event's
    own agent name counts."""
    if event.sampled is not False:
        return False
    service = event.context.service if event.context else None
    if service and service.agent and service.agent.name is not None:
        return service.agent.name not in RUM_AGENTS
    return not stream.rum_agent
