"""What the cluster's own pipelines add, for a cluster without them: intake-to-documents.md section 12."""

from __future__ import annotations

from collections.abc import Container
from typing import TYPE_CHECKING, Any

from tidegate.workers.enrich.data_stream import log_dataset

if TYPE_CHECKING:
    from tidegate.workers.mapping.stream import Stream


def complete_trace(document: dict[str, Any], _: Stream) -> None:
    """Of transactions and spans: kind, duration in µs in place of that in ns, and the count of successes."""
    transaction, event = document.get("transaction", {}), document["event"]
    kind = "transaction" if "type" in transaction else "span"
    section = document.setdefault(kind, {})
    document["processor"] = {"event": kind}
    section["duration"] = {"us": event.pop("duration", 0) // 1000}
    outcome = event.get("outcome")
    if outcome == "success":
        event["success_count"] = section.get("representative_count", 1)
    elif outcome == "failure":
        event["success_count"] = 0


def complete_error(document: dict[str, Any], _: Stream) -> None:
    """Of errors, those sent as logs included: kind and dataset."""
    document["processor"] = {"event": "error"}
    document.setdefault("event", {}).setdefault("dataset", "apm.error")


def complete_log(document: dict[str, Any], stream: Stream) -> None:
    """Of logs: the dataset. Those that carry an error are errors."""
    if "error" in document:
        complete_error(document, stream)
    else:
        document["event"].setdefault("dataset", log_dataset(document, stream))


def complete_metric(document: dict[str, Any], stream: Stream) -> None:
    """Of metrics: kind, and each sample as a field of its own. A sample named like a field of the document stays out."""
    complete_samples(document, stream.constants)


def complete_samples(document: dict[str, Any], taken: Container[str]) -> None:
    """The same for a document of our own; `taken`: fields that the document will have besides."""
    document["processor"] = {"event": "metric"}
    for sample in document["metricset"].pop("samples", ()):
        name, kind = sample["name"], sample.get("type")
        if name in document or name in taken:
            continue
        if kind == "histogram":
            document[name] = {"values": sample["values"], "counts": sample["counts"]}
        elif kind == "summary":
            document[name] = {"sum": sample["sum"], "value_count": sample["value_count"]}
        else:
            document[name] = sample["value"]
