"""Metricsets: intake-to-documents.md 4.6."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tidegate.workers.decode.model import Metricset, Sample
from tidegate.workers.mapping.faas import add_faas
from tidegate.workers.mapping.integers import whole
from tidegate.workers.mapping.labels import add_labels
from tidegate.workers.mapping.moment import moment
from tidegate.workers.mapping.service import complete_service, put

if TYPE_CHECKING:
    from tidegate.workers.mapping.stream import Stream

_TYPES = frozenset(("gauge", "counter"))


def map_metricset(event: Metricset, stream: Stream, received_ns: int) -> dict[str, Any] | None:
    """The event's own part of the document; None for a breakdown without self time, which makes no document."""
    metricset: dict[str, Any] = {}
    document: dict[str, Any] = {"@timestamp": moment(event.timestamp, received_ns)[0], "metricset": metricset}
    transaction, span = event.transaction, event.span
    if span and (span.type is not None or span.subtype is not None):
        fields = {"type": span.type, "subtype": span.subtype}
        document["span"] = {name: value for name, value in fields.items() if value}
    if transaction and (transaction.name is not None or transaction.type is not None):
        self_time = _self_time(event.samples)
        if self_time is None or "span" not in document:
            return None
        document["span"].update(self_time)
        fields = {"name": transaction.name, "type": transaction.type}
        document["transaction"] = {name: value for name, value in fields.items() if value}
        metricset["name"] = "span_breakdown"
    else:
        metricset["name"] = "app"
        metricset["samples"] = [_sample(name, sample) for name, sample in event.samples.items()]
    if event.tags:
        add_labels(document, event.tags, stream)
    if (service := event.service) and service.name is not None:
        own = document["service"] = dict(stream.service)
        put(own, "name", service.name)
        put(own, "version", service.version or "")
        complete_service(document, stream)
    if event.faas:
        add_faas(document, event.faas)
    return document


def _self_time(samples: dict[str, Sample]) -> dict[str, Any] | None:
    """What the samples give for `span`; None when none of them is a self time."""
    count, total = samples.get("span.self_time.count"), samples.get("span.self_time.sum.us")
    if count is None and total is None:
        return None
    return map_self_time(count.value if count else None, total.value if total else None)


def map_self_time(count: float | None, microseconds: float | None) -> dict[str, Any]:
    """`self_time` of a breakdown's `span`; left out while the count is 0."""
    number = whole(count or 0)
    if not number:
        return {}
    return {"self_time": {"count": number, "sum.us": whole(microseconds or 0)}}


def _sample(name: str, sample: Sample) -> dict[str, Any]:
    kind, unit = sample.type, sample.unit
    mapped: dict[str, Any] = {"name": name}
    if unit:
        mapped["unit"] = unit
    if kind == "histogram":
        mapped.update(type=kind, values=sample.values or [], counts=sample.counts or [])
    elif kind == "summary":
        mapped.update(type=kind, value_count=0, sum=0)
    else:
        if kind in _TYPES:
            mapped["type"] = kind
        mapped["value"] = sample.value or 0
    return mapped
