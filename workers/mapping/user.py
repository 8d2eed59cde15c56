"""Users: intake-to-documents.md 4.1.2."""

from __future__ import annotations

from typing import Any

from tidegate.workers.decode.model import User


def map_user(user: User) -> dict[str, Any] | None:
    """The user as written, possibly empty; None when no field is set, and then the metadata's user stays."""
    identity = user.id
    mapped: dict[str, Any] = {}
    if user.domain:
        mapped["domain"] = user.domain
    if identity is not None and identity != "":
        mapped["id"] = identity if type(identity) is str else str(identity)
    if user.email:
        mapped["email"] = user.email
    if user.username:
        mapped["name"] = user.username
    if not mapped and identity is None and user.domain is None and user.email is None and user.username is None:
        return None
    return mapped
