"""Labels: intake-to-documents.md 4.1.7."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tidegate.workers.mapping.memo import text_memo

if TYPE_CHECKING:
    from tidegate.workers.mapping.stream import Stream

_EXACT = 2**53
_FORBIDDEN = str.maketrans({".": "_", "*": "_", '"': "_"})

sanitised = text_memo(lambda key: key.translate(_FORBIDDEN))
"""Label key → label key as written."""


def split_labels(tags: dict[str, Any], texts: dict[str, Any], numbers: dict[str, Any]) -> None:
    """Adds texts and booleans to `texts`, numbers to `numbers`; null is no label."""
    for key, value in tags.items():
        kind = type(value)
        if kind is str:
            texts[sanitised[key]] = value
        elif kind is float:
            numbers[sanitised[key]] = value
        elif kind is bool:
            texts[sanitised[key]] = "true" if value else "false"
        elif kind is int:
            # The original knows float64 only.
            numbers[sanitised[key]] = value if -_EXACT <= value <= _EXACT else float(value)


def add_labels(document: dict[str, Any], tags: dict[str, Any], stream: Stream) -> None:
    """Writes an event's labels over those of its stream."""
    texts = stream.labels.copy()
    numbers = stream.numeric_labels.copy()
    split_labels(tags, texts, numbers)
    if texts:
        document["labels"] = texts
    if numbers:
        document["numeric_labels"] = numbers


def sanitised_keys(mapped: dict[str, Any]) -> dict[str, Any]:
    """The map with its top-level keys written as label keys."""
    return {sanitised[key]: value for key, value in mapped.items()}
