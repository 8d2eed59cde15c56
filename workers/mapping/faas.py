"""Functions as a service: intake-to-documents.md 4.1.9."""

from __future__ import annotations

from typing import Any

from tidegate.workers.decode.model import Faas


def add_faas(document: dict[str, Any], faas: Faas) -> None:
    """Writes `faas`."""
    mapped: dict[str, Any] = {}
    if faas.id:
        mapped["id"] = faas.id
    if faas.execution:
        mapped["execution"] = faas.execution
    if faas.name:
        mapped["name"] = faas.name
    if faas.version:
        mapped["version"] = faas.version
    if faas.coldstart is not None:
        mapped["coldstart"] = faas.coldstart
    if trigger := faas.trigger:
        fields = {"type": trigger.type, "request_id": trigger.request_id}
        if written := {name: value for name, value in fields.items() if value}:
            mapped["trigger"] = written
    if mapped:
        document["faas"] = mapped
