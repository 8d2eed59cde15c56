"""From a bulk line pair to a row of the local store. Pure.

Reads documents in both forms: raw (`event.duration` in ns) and complete (`transaction.duration.us`), see
intake-to-documents.md section 12.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

import orjson
from isal import isal_zlib
from tidegate.workers.sinks.local_schema import Kind

_LEVEL = 0
"""isal's fastest: on the corpus's documents (2.3 KB on average) a factor of 2.3 for 7 µs; its level 1: 3.0 for 22 µs.
Twice the history in `max_bytes` and half the bytes to sync are worth 7 µs, a third more is not worth another 15."""
_TEXT_LIMIT = 1024
"""Characters of a name or message kept in a column; the whole text is in the document."""
_INT64 = 2**63


class Row(NamedTuple):
    """The columns of `events` in their order, without `sequence`."""

    id: str
    stored_us: int
    kind: Kind
    timestamp_us: int
    data_stream: str
    service: str | None
    trace_id: str | None
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
    grouping_key: str | None
    document: bytes


class ServiceRow(NamedTuple):
    """The columns of `services` in their order."""

    name: str
    environment: str | None
    agent: str | None
    agent_version: str | None
    language: str | None
    last_us: int


def read_row(action: bytes, document: bytes, now_us: int) -> tuple[Row, ServiceRow | None]:
    """The row of one document, and what it tells about its service. Raises ValueError when the pair is none of ours."""
    target = orjson.loads(action).get("create")
    source = orjson.loads(document)
    if not isinstance(target, dict) or not isinstance(source, dict):
        raise ValueError("not a create action with a document")  # noqa: TRY004 - bad content, not a bad call
    identity, index = target.get("_id"), target.get("_index")
    if not isinstance(identity, str) or not isinstance(index, str):
        raise ValueError("the action lacks _id or _index")  # noqa: TRY004 - as above
    kind = _kind(index, source)
    transaction, span, error = _object(source, "transaction"), _object(source, "span"), _object(source, "error")
    own = transaction if kind is Kind.TRANSACTION else span
    service = _text(_object(source, "service").get("name"))
    transaction_id = _text(transaction.get("id"))
    exception = _first_exception(error)
    row = Row(
        id=identity,
        stored_us=now_us,
        kind=kind,
        timestamp_us=_timestamp(source, now_us),
        data_stream=index,
        service=service,
        trace_id=_text(_object(source, "trace").get("id")),
        transaction_id=transaction_id,
        span_id=transaction_id if kind is Kind.TRANSACTION else _text(span.get("id")),
        parent_id=_text(_object(source, "parent").get("id")),
        name=_name(kind, source),
        type=_text(exception.get("type") if kind is Kind.ERROR else own.get("type")),
        subtype=_text(own.get("subtype")),
        duration_us=_duration(kind, own, source),
        outcome=_text(_object(source, "event").get("outcome")),
        result=_text(transaction.get("result")) if kind is Kind.TRANSACTION else None,
        composite=_whole(_object(span, "composite").get("count")),
        message=_message(kind, source, error, exception),
        culprit=_text(error.get("culprit")),
        grouping_key=_text(error.get("grouping_key")),
        document=isal_zlib.compress(document, _LEVEL),
    )
    return row, _service(service, source, now_us)


def _kind(index: str, source: Mapping[str, Any]) -> Kind:
    """By the data stream, and within traces as the cluster's pipeline does it (section 12)."""
    if index.startswith("metrics-"):
        return Kind.METRIC
    if index.startswith("logs-"):
        return Kind.ERROR if index.startswith("logs-apm.error-") else Kind.LOG
    return Kind.TRANSACTION if "type" in _object(source, "transaction") else Kind.SPAN


def _timestamp(source: Mapping[str, Any], now_us: int) -> int:
    exact = _whole(_object(source, "timestamp").get("us"))
    if exact is not None:
        return exact
    text = source.get("@timestamp")
    try:
        moment = datetime.fromisoformat(text) if isinstance(text, str) else None
        return now_us if moment is None else round(moment.timestamp() * 1000) * 1000
    except (ValueError, OverflowError):
        return now_us


def _duration(kind: Kind, own: Mapping[str, Any], source: Mapping[str, Any]) -> int | None:
    """µs. Where an agent sent 0 the raw form has no duration at all."""
    if kind not in (Kind.TRANSACTION, Kind.SPAN):
        return None
    complete = _whole(_object(own, "duration").get("us"))
    if complete is not None:
        return complete
    return (_whole(_object(source, "event").get("duration")) or 0) // 1000


def _name(kind: Kind, source: Mapping[str, Any]) -> str | None:
    section = {Kind.SPAN: "span", Kind.METRIC: "metricset", Kind.LOG: "log"}.get(kind, "transaction")
    return _text(_object(source, section).get("logger" if kind is Kind.LOG else "name"))


def _message(
    kind: Kind, source: Mapping[str, Any], error: Mapping[str, Any], exception: Mapping[str, Any]
) -> str | None:
    """Of an error as `error.grouping_name` (section 12): the log's message, else the first exception's."""
    if kind is Kind.ERROR:
        return _text(_object(error, "log").get("message")) or _text(exception.get("message"))
    return _text(source.get("message")) if kind is Kind.LOG else None


def _first_exception(error: Mapping[str, Any]) -> Mapping[str, Any]:
    chain = error.get("exception")
    return chain[0] if isinstance(chain, list) and chain and isinstance(chain[0], dict) else {}


def _service(name: str | None, source: Mapping[str, Any], now_us: int) -> ServiceRow | None:
    if name is None:
        return None
    service, agent = _object(source, "service"), _object(source, "agent")
    return ServiceRow(
        name,
        _text(service.get("environment")),
        _text(agent.get("name")),
        _text(agent.get("version")),
        _text(_object(service, "language").get("name")),
        now_us,
    )


def _object(parent: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = parent.get(key)
    return value if isinstance(value, dict) else {}


def _text(value: object) -> str | None:
    return value[:_TEXT_LIMIT] if isinstance(value, str) and value else None


def _whole(value: object) -> int | None:
    """An integer that SQLite can hold."""
    return value if type(value) is int and -_INT64 <= value < _INT64 else None
