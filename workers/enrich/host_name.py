"""Host name: intake-to-documents.md 5.1, row 4 and the table "Host name rule"."""

from __future__ import annotations

from typing import Any

from tidegate.daemon.wire.frames import RequestBase


def name_host(document: dict[str, Any], _: RequestBase) -> None:
    """In Kubernetes the host is the node, or not known; a host that is known is named."""
    kubernetes = document.get("kubernetes", {})
    node = kubernetes.get("node", {}).get("name")
    if node:
        document.setdefault("host", {})["hostname"] = node
    elif kubernetes and (kubernetes.get("pod") or kubernetes.get("namespace")):
        document.get("host", {}).pop("hostname", None)
    host = document.get("host", {})
    if host.get("hostname") and not host.get("name"):
        host["name"] = host["hostname"]
