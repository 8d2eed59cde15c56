"""Default environment: intake-to-documents.md 5.1, row 8."""

from __future__ import annotations

from typing import Any

from tidegate.daemon.wire.frames import RequestBase


def default_environment(document: dict[str, Any], base: RequestBase) -> None:
    """Writes the configured environment where the service names none."""
    service = document["service"]
    if base.default_environment and not service.get("environment"):
        service["environment"] = base.default_environment
