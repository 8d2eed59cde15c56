"""Errors: intake-to-documents.md 4.5."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tidegate.workers.decode.free import normalise_free
from tidegate.workers.decode.model import Error, ErrorLog, ErrorTransaction, ExceptionInfo
from tidegate.workers.mapping.context import add_context
from tidegate.workers.mapping.moment import moment
from tidegate.workers.mapping.stacktrace import map_stacktrace

if TYPE_CHECKING:
    from tidegate.workers.mapping.stream import Stream


def map_error(event: Error, stream: Stream, received_ns: int) -> dict[str, Any]:
    """The event's own part of the document, without grouping key and message, which enrichment adds."""
    timestamp, at = moment(event.timestamp, received_ns)
    error: dict[str, Any] = {}
    document: dict[str, Any] = {"@timestamp": timestamp, "error": error}
    if at:
        document["timestamp"] = {"us": at}
    if event.id:
        error["id"] = event.id
    if event.culprit:
        error["culprit"] = event.culprit
    if event.trace_id:
        document["trace"] = {"id": event.trace_id}
    if event.parent_id:
        document["parent"] = {"id": event.parent_id}
    if transaction := _transaction(event.transaction_id, event.transaction):
        document["transaction"] = transaction
    if event.transaction_id:
        document["span"] = {"id": event.transaction_id}
    if log := event.log:
        error["log"] = _log(log)
    if exception := event.exception:
        error["exception"] = flattened(exception)
    if context := event.context:
        add_context(document, error, context, stream)
    return document


def _transaction(identity: str | None, sent: ErrorTransaction | None) -> dict[str, Any]:
    mapped: dict[str, Any] = {}
    if identity:
        mapped["id"] = identity
    if sent:
        if sent.name:
            mapped["name"] = sent.name
        if sent.type:
            mapped["type"] = sent.type
        if sent.sampled:
            mapped["sampled"] = True
    return mapped


def _log(log: ErrorLog) -> dict[str, Any]:
    mapped: dict[str, Any] = {}
    if level := "error" if log.level is None else log.level:
        mapped["level"] = level
    if log.message:
        mapped["message"] = log.message
    if log.logger_name:
        mapped["logger_name"] = log.logger_name
    if log.param_message:
        mapped["param_message"] = log.param_message
    if log.stacktrace:
        mapped["stacktrace"] = map_stacktrace(log.stacktrace)
    return mapped


def flattened(exception: ExceptionInfo) -> list[dict[str, Any]]:
    """The exception and its causes, depth first. `parent` is the index of the enclosing exception, unless that is the one before.

    An explicit stack, because causes may be nested more deeply than Python calls.
    """
    mapped: list[dict[str, Any]] = []
    waiting: list[tuple[ExceptionInfo, int]] = [(exception, -1)]
    while waiting:
        one, parent = waiting.pop()
        number = len(mapped)
        written = _exception(one)
        if parent != number - 1:
            written["parent"] = parent
        mapped.append(written)
        if one.cause:
            waiting += [(cause, number) for cause in reversed(one.cause)]
    return mapped


def _exception(exception: ExceptionInfo) -> dict[str, Any]:
    mapped: dict[str, Any] = {}
    if exception.message:
        mapped["message"] = exception.message
    if exception.type:
        mapped["type"] = exception.type
    if exception.module:
        mapped["module"] = exception.module
    code = exception.code
    if code is not None and code != "":
        mapped["code"] = str(code)
    if exception.handled is not None:
        mapped["handled"] = exception.handled
    if (attributes := exception.attributes) and (attributes := normalise_free(attributes)):
        mapped["attributes"] = attributes
    if exception.stacktrace:
        mapped["stacktrace"] = map_stacktrace(exception.stacktrace)
    return mapped
