"""The least roles: for running, and for setting up. Pure.

Source: http-surface.md 8.5 (privileges).
"""

from __future__ import annotations

from typing import Any

from tidegate.workers.setup.streams import EVENT_PATTERNS
from tidegate.workers.setup.templates import MANAGED_BY, Request

RUN_ROLE_NAME, SETUP_ROLE_NAME = "tidegate", "tidegate_setup"
STORE_INDICES = (".apm-agent-configuration", ".apm-source-map")
"""Elasticsearch's own (restricted) indices from which agents and browsers are served."""

RUN_ROLE: dict[str, Any] = {
    "cluster": ["monitor"],
    "indices": [
        {"names": list(EVENT_PATTERNS), "privileges": ["auto_configure", "create_doc"]},
        {"names": list(STORE_INDICES), "privileges": ["read"], "allow_restricted_indices": True},
    ],
}
"""It adds events and reads none; it can neither change nor delete."""

SETUP_ROLE: dict[str, Any] = {
    "cluster": ["monitor", "manage_index_templates", "manage_own_api_key"],
    "indices": [
        # An API key can do no more than who created it, so all that the key is to have is here as well.
        *RUN_ROLE["indices"],
        {"names": list(EVENT_PATTERNS), "privileges": ["view_index_metadata", "manage_data_stream_lifecycle"]},
    ],
}
"""For the person who runs `tidegate setup`, not for the daemon. It reads no event either."""


def create_api_key(name: str) -> Request:
    """Creates an API key that has the role for running."""
    body = {"name": name, "role_descriptors": {RUN_ROLE_NAME: RUN_ROLE}, "metadata": {"managed_by": MANAGED_BY}}
    return Request("POST", "/_security/api_key", body)


def has_privileges() -> Request:
    """Asks whether whoever sends it has what the role for running gives."""
    index = [
        {**entry, "allow_restricted_indices": entry.get("allow_restricted_indices", False)}
        for entry in RUN_ROLE["indices"]
    ]
    return Request("POST", "/_security/user/_has_privileges", {"cluster": RUN_ROLE["cluster"], "index": index})


def lacking(answer: Any) -> list[str]:
    """What the answer to `has_privileges` denies, in words; empty when all is granted."""
    if not isinstance(answer, dict) or answer.get("has_all_requested"):
        return []
    words = [f"{name} (cluster)" for name, granted in (answer.get("cluster") or {}).items() if not granted]
    for index, privileges in (answer.get("index") or {}).items():
        words += [f"{name} on {index}" for name, granted in privileges.items() if not granted]
    return words
