"""HTTP and message headers: intake-to-documents.md section 3, "headers" and "header key form"."""

from __future__ import annotations

import re
from typing import Any

from tidegate.workers.mapping.memo import text_memo

_NAME = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")


def _canonical(name: str) -> str:
    if not _NAME.fullmatch(name):
        return name
    return "-".join(part[:1].upper() + part[1:].lower() for part in name.split("-"))


canonical = text_memo(_canonical)
"""Header name → as Go writes it."""


def map_headers(headers: dict[str, Any]) -> dict[str, list[str]]:
    """Canonical name → list of values; several spellings of a name are joined in the order of the input."""
    mapped: dict[str, list[str]] = {}
    for name, value in headers.items():
        key = canonical[name]
        values = [value] if type(value) is str else value
        mapped[key] = mapped[key] + values if key in mapped else values
    return mapped
