"""The OpenTelemetry bridge of agents, `otel` in transactions and spans: intake-to-documents.md 4.9."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tidegate.workers.decode.model import Otel
from tidegate.workers.mapping.bridge_span import add_span_attributes
from tidegate.workers.mapping.bridge_transaction import add_transaction_attributes

if TYPE_CHECKING:
    from tidegate.workers.mapping.stream import Stream

_SPAN_KINDS = ("INTERNAL", "SERVER", "CLIENT", "PRODUCER", "CONSUMER")
_KIND_OF_TRANSACTION = {"messaging": "CONSUMER", "request": "SERVER"}
_CLIENT_TYPES = ("db", "external", "storage")


def bridge_transaction(document: dict[str, Any], otel: Otel, stream: Stream) -> None:
    """Applies `otel` to a mapped transaction, whose type is still as it was sent."""
    if not otel.attributes and otel.span_kind is None:
        return
    add_transaction_attributes(document, otel.attributes or {}, stream)
    kind = otel.span_kind or _KIND_OF_TRANSACTION.get(document["transaction"]["type"], "INTERNAL")
    document["span"]["kind"] = kind


def bridge_span(document: dict[str, Any], otel: Otel, stream: Stream) -> None:
    """Applies `otel` to a mapped span, whose type is still as it was sent."""
    if not otel.attributes and otel.span_kind is None:
        return
    kind = otel.span_kind or ""
    add_span_attributes(document, otel.attributes or {}, kind, stream)
    if kind not in _SPAN_KINDS:
        kind = "CLIENT" if document["span"].get("type") in _CLIENT_TYPES else "INTERNAL"
    document["span"]["kind"] = kind
