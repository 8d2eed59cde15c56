"""Which data stream a document goes to: intake-to-documents.md section 6."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import orjson
from tidegate.workers.enrich.internal_metrics import INTERNAL_METRICS
from tidegate.workers.mapping.memo import Memo, text_memo

if TYPE_CHECKING:
    from tidegate.workers.mapping.stream import Stream

RUM_AGENTS = frozenset(("rum-js", "js-base", "iOS/swift"))


class DataStream(NamedTuple):
    """A data stream, ready to be written."""

    field: orjson.Fragment
    """The value of `data_stream`."""
    action: str
    """The bulk action up to the value of `_id`."""


def _ready(key: tuple[str, str, str]) -> DataStream:
    kind, dataset, namespace = key
    index = orjson.dumps(f"{kind}-{dataset}-{namespace}").decode()
    return DataStream(
        orjson.Fragment(orjson.dumps({"type": kind, "dataset": dataset, "namespace": namespace})),
        f'{{"create":{{"_index":{index},"_id":"',
    )


_data_streams: Memo[tuple[str, str, str], DataStream] = Memo(
    _ready,
    budget=1024 * 1024,  # characters: the data streams of two thousand services
    weigh=lambda key: 3 * len(key[1]) + 256,
)

_FORBIDDEN: dict[int, str] = {ord(character): "_" for character in '\\/*?"<>| ,#:-'}

_FORBIDDEN_NAMESPACE = {code: text for code, text in _FORBIDDEN.items() if code != ord("-")}
_NAME_BYTES = 100
"""Of a dataset or namespace that an event chooses: section 10.1."""

_app_dataset = text_memo(lambda service: f"apm.app.{service.lower().translate(_FORBIDDEN) or 'unknown'}")
"""Service name → dataset of its logs and its own metrics."""


def trace_stream(rum: bool, namespace: str) -> DataStream:
    """Of transactions and spans."""
    return _data_streams["traces", "apm.rum" if rum else "apm", namespace]


def _placed(document: dict[str, Any], kind: str, dataset: str, stream: Stream) -> DataStream:
    found = _data_streams[kind, dataset, stream.base.namespace]
    document["data_stream"] = found.field
    return found


def internal_metrics_of(namespace: str) -> DataStream:
    """Where metrics of no service go."""
    return _data_streams["metrics", "apm.internal", namespace]


def _service_name(document: dict[str, Any], stream: Stream) -> str:
    service = document.get("service", stream.service)
    name: str = service.get("name", "")
    return name


def place_trace(document: dict[str, Any], stream: Stream) -> DataStream:
    """Transactions and spans. The event's own agent name counts where it has one."""
    found = stream.traces
    if "agent" in document or "data_stream" in document:
        rum = document["agent"].get("name") in RUM_AGENTS if "agent" in document else stream.rum_agent
        if "data_stream" in document and not rum:
            return _chosen(document, stream)
        found = trace_stream(rum, stream.base.namespace)
    document["data_stream"] = found.field
    return found


def _chosen(document: dict[str, Any], stream: Stream) -> DataStream:
    """By the attributes `data_stream.*` of OpenTelemetry, which the bridge has left in the document."""
    chosen = document["data_stream"]
    dataset = _clean(chosen.get("dataset", ""), _FORBIDDEN) or "apm"
    namespace = _clean(chosen.get("namespace", ""), _FORBIDDEN_NAMESPACE) or stream.base.namespace
    found = _data_streams["traces", dataset, namespace]
    document["data_stream"] = found.field
    return found


def _clean(name: str, forbidden: dict[int, str]) -> str:
    return name.lower().translate(forbidden).encode()[:_NAME_BYTES].decode("utf-8", "ignore")


def place_error(document: dict[str, Any], stream: Stream) -> DataStream:
    """Errors."""
    return _placed(document, "logs", "apm.error", stream)


def log_dataset(document: dict[str, Any], stream: Stream) -> str:
    """The dataset of a log that carries no error."""
    return _app_dataset[_service_name(document, stream)]


def place_log(document: dict[str, Any], stream: Stream) -> DataStream:
    """Logs; those that carry an error are errors."""
    if "error" in document:
        return place_error(document, stream)
    return _placed(document, "logs", log_dataset(document, stream), stream)


def place_metric(document: dict[str, Any], stream: Stream) -> DataStream:
    """Metrics. In a metricset of internal names alone, samples lose type and unit, and a histogram thereby its values."""
    service = _service_name(document, stream)
    if "transaction" in document or "span" in document or not service:
        return _placed(document, "metrics", "apm.internal", stream)
    samples = document["metricset"].get("samples", ())
    remapped = (document.get("labels") or stream.labels).get("otel_remapped") == "true"
    if remapped or any(sample["name"] not in INTERNAL_METRICS for sample in samples):
        return _placed(document, "metrics", _app_dataset[service], stream)
    if samples:
        document["metricset"]["samples"] = [{"name": one["name"], "value": one.get("value", 0)} for one in samples]
    return _placed(document, "metrics", "apm.internal", stream)
