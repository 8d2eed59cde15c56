"""Message of an error: intake-to-documents.md 5.1, row 7."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tidegate.workers.mapping.stream import Stream


def set_message(document: dict[str, Any], _: Stream) -> None:
    """An error without a message takes that of its log record, else of its first exception."""
    error = document.get("error")
    if error is None or "message" in document:
        return
    message = error.get("log", {}).get("message")
    if not message and (exceptions := error.get("exception")):
        message = exceptions[0].get("message")
    if message:
        document["message"] = message
