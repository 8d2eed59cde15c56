"""Small sections that transactions and spans have in common: intake-to-documents.md 4.3 and 4.4."""

from __future__ import annotations

from typing import Any

from tidegate.workers.decode.model import Link
from tidegate.workers.mapping.integers import whole

_LONGEST = 9e12
"""ms that are surely within 64 bits of ns: 285 years."""


def map_links(links: list[Link]) -> list[dict[str, Any]]:
    """`span.links`."""
    mapped = []
    for link in links:
        one: dict[str, Any] = {}
        if link.trace_id:
            one["trace"] = {"id": link.trace_id}
        if link.span_id:
            one["span"] = {"id": link.span_id}
        mapped.append(one)
    return mapped


def nanoseconds(duration: float) -> int:
    """A duration in ms as ns, truncated."""
    return int(duration * 1e6) if duration < _LONGEST else whole(duration * 1e6)


def representative_count(rate: float | None) -> float:
    """How many events one sampled with `rate` stands for; 0, which is not written, when that cannot be said."""
    if rate is None or rate == 1:
        return 1
    if rate <= 0:
        return 0
    count = 1 / rate
    return count if count < float("inf") else 0
