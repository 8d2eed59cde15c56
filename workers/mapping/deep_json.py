"""JSON of values nested more deeply than orjson writes (254 levels): the intake takes up to 10000."""

from __future__ import annotations

from typing import Any

import orjson


def write_deep(value: Any) -> bytes:
    """Compact JSON, written with an explicit stack. Keys of dicts are strings."""
    pieces: list[bytes] = []
    stack: list[Any] = [value]
    while stack:
        one = stack.pop()
        if isinstance(one, bytes):
            pieces.append(one)
        elif isinstance(one, dict):
            items: list[Any] = []
            for key, inner in one.items():
                items += (b"," if items else b"{", orjson.dumps(key) + b":", inner)
            stack += reversed([*(items or [b"{"]), b"}"])
        elif isinstance(one, list):
            items = []
            for inner in one:
                items += (b"," if items else b"[", inner)
            stack += reversed([*(items or [b"["]), b"]"])
        else:
            pieces.append(str(one).encode() if type(one) is int else orjson.dumps(one))
    return b"".join(pieces)
