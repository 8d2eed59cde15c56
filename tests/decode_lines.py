"""What tests of decoding share: the lines that real agents sent, and events without what counts as absent."""

from __future__ import annotations

import json
import zlib
from base64 import b64decode
from pathlib import Path
from typing import Any

import msgspec
from tidegate.workers.decode.refusal import Refused


def body_of(request: dict[str, str]) -> bytes:
    """The uncompressed body of a recorded request; its first bytes tell gzip and zlib."""
    body = b64decode(request["body_base64"])
    if body[:2] == b"\x1f\x8b":
        return zlib.decompress(body, 31)
    return zlib.decompress(body) if body[:1] == b"\x78" else body


def corpus_lines(shared: Path) -> dict[str, list[bytes]]:
    """Lines of the intake requests of `../shared/corpus` by agent, metadata lines first in each request, without empty ones."""
    lines: dict[str, list[bytes]] = {}
    for path in sorted((shared / "corpus" / "requests").glob("*/*.json")):
        request = json.loads(path.read_text())
        if request["method"] == "POST" and "/intake/" in request["target"]:
            found = lines.setdefault(path.parent.name, [])
            found += filter(None, body_of(request).split(b"\n"))
    return lines


SKIPPED = {"is_authenticated", "faas", "otel_spankind", "cloud", "ecs_version"}
"""Fields that the accept path declares only to skip them; `faas` and `cloud` are also fields of other objects."""


def plain(value: Any) -> Any:
    """The event without what counts as absent: None, empty maps and lists, objects of which nothing is set."""
    if isinstance(value, msgspec.Struct):
        found = {}
        for name in value.__struct_fields__:
            item = getattr(value, name)
            if item is msgspec.UNSET or (name in SKIPPED and not isinstance(item, msgspec.Struct)):
                continue
            item = plain(item)
            if item is not None and (item not in ({}, []) or name == "body"):
                found[name] = item
        return {"": type(value).__name__, **found} if found else None
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    return value


def agree(line: bytes, accept: Any, exact: Any) -> bool:
    """Whether the accept path took the line; the exact path then did the same."""
    accepted = accept(line)
    try:
        exactly = exact(line)
    except Refused as refusal:
        assert accepted is None, (line, refusal.message)
        return False
    if accepted is not None:
        assert plain(accepted) == plain(exactly), line
    return accepted is not None
