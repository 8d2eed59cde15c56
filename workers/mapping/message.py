"""Messages of queues: intake-to-documents.md 4.1.4."""

from __future__ import annotations

from typing import Any

from tidegate.workers.decode.model import Message
from tidegate.workers.mapping.headers import map_headers
from tidegate.workers.mapping.integers import U64


def map_message(message: Message) -> dict[str, Any] | None:
    """The message as written, possibly empty; None when no field is set."""
    mapped: dict[str, Any] = {}
    queue = message.queue.name if message.queue else None
    age = message.age.ms if message.age else None
    if message.body:
        mapped["body"] = message.body
    if message.headers:
        mapped["headers"] = map_headers(message.headers)
    if queue:
        mapped["queue"] = {"name": queue}
    if message.routing_key:
        mapped["routing_key"] = message.routing_key
    if age is not None:
        mapped["age"] = {"ms": age & U64}
    if not mapped and message.body is None and queue is None and message.routing_key is None:
        return None
    return mapped
