"""Logs, and errors sent as logs: intake-to-documents.md 4.7."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tidegate.workers.decode.model import Log
from tidegate.workers.mapping.faas import add_faas
from tidegate.workers.mapping.integers import U32
from tidegate.workers.mapping.labels import add_labels
from tidegate.workers.mapping.moment import moment
from tidegate.workers.mapping.service import complete_service, put

if TYPE_CHECKING:
    from tidegate.workers.mapping.stream import Stream


def map_log(event: Log, stream: Stream, received_ns: int) -> dict[str, Any]:
    """The event's own part of the document. A log with any `error.*` is an error."""
    timestamp, at = moment(event.timestamp, received_ns)
    document: dict[str, Any] = {"@timestamp": timestamp}
    happened: dict[str, Any] = {}
    error = _error(event)
    if error is None:
        happened["kind"] = "event"
    else:
        document["error"] = error
        if at:
            document["timestamp"] = {"us": at}
    if event.event_dataset:
        happened["dataset"] = event.event_dataset
    if happened or event.event_dataset is not None:
        document["event"] = happened
    if event.message:
        document["message"] = event.message
    if (log := _log(event)) is not None:
        document["log"] = log
    if event.trace_id:
        document["trace"] = {"id": event.trace_id}
    if event.transaction_id:
        document["transaction"] = {"id": event.transaction_id}
    if span_id := event.transaction_id if event.span_id is None else event.span_id:
        document["span"] = {"id": span_id}
    if event.process_thread_name:
        process = stream.constants.get("process", {})
        document["process"] = {**process, "thread": {"name": event.process_thread_name}}
    if event.labels:
        add_labels(document, event.labels, stream)
    _add_service(document, event, stream)
    if event.faas:
        add_faas(document, event.faas)
    return document


def _error(event: Log) -> dict[str, Any] | None:
    fields = {"type": event.error_type, "message": event.error_message, "stack_trace": event.error_stack_trace}
    if all(value is None for value in fields.values()):
        return None
    return {name: value for name, value in fields.items() if value}


def _log(event: Log) -> dict[str, Any] | None:
    mapped: dict[str, Any] = {}
    if event.level:
        mapped["level"] = event.level
    if event.logger:
        mapped["logger"] = event.logger
    name, line, function = event.origin_file_name, event.origin_file_line, event.origin_function
    if name is not None or line is not None or function is not None:
        file: dict[str, Any] = {}
        if name:
            file["name"] = name
        if number := (line or 0) & U32:
            file["line"] = number
        mapped["origin"] = {"file": file, "function": function or ""}
    if not mapped and event.level is None and event.logger is None:
        return None
    return mapped


def _add_service(document: dict[str, Any], event: Log, stream: Stream) -> None:
    sent = {"name": event.service_name, "version": event.service_version, "environment": event.service_environment}
    node = event.service_node_name
    if node is None and all(value is None for value in sent.values()):
        return
    service = document["service"] = dict(stream.service)
    for name, value in sent.items():
        put(service, name, value)
    if node is not None:
        service["node"] = {"name": node}
    complete_service(document, stream)
