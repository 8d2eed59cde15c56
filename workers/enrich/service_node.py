"""Service node name: intake-to-documents.md 5.1, row 5."""

from __future__ import annotations

from typing import Any

from tidegate.daemon.wire.frames import RequestBase


def name_service_node(document: dict[str, Any], _: RequestBase) -> None:
    """A service node without a name is named after its container, else its host."""
    service = document["service"]
    if service.get("node", {}).get("name"):
        return
    name = document.get("container", {}).get("id") or document.get("host", {}).get("name")
    if name:
        service["node"] = {"name": name}
