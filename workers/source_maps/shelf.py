"""The maps in memory: those used last, bounded in number and bytes. Pure."""

from __future__ import annotations

from collections import OrderedDict
from typing import Generic, TypeVar

Key = TypeVar("Key")
Value = TypeVar("Value")

MOST_MAPS = 128
"""As many as the original keeps (http-surface.md 5.5)."""


class Shelf(Generic[Key, Value]):
    """Values with their weights. The one that was put there last stays whatever it weighs: it is in use, and without it each
    batch would fetch it again."""

    def __init__(self, most_bytes: int, most: int = MOST_MAPS) -> None:
        self._most_bytes = most_bytes
        self._most = most
        self._kept: OrderedDict[Key, tuple[Value, int]] = OrderedDict()
        self._bytes = 0

    def get(self, key: Key) -> Value | None:
        """What is kept under the key, which now counts as used last."""
        kept = self._kept.get(key)
        if kept is None:
            return None
        self._kept.move_to_end(key)
        return kept[0]

    def put(self, key: Key, value: Value, weight: int) -> None:
        """Keeps a value; `weight` in bytes. Those that were not used for the longest time make room."""
        self.drop(key)
        self._kept[key] = value, weight
        self._bytes += weight
        while len(self._kept) > self._most or (self._bytes > self._most_bytes and len(self._kept) > 1):
            _, (_, freed) = self._kept.popitem(last=False)
            self._bytes -= freed

    def drop(self, key: Key) -> None:
        """Keeps nothing under the key any more."""
        kept = self._kept.pop(key, None)
        if kept is not None:
            self._bytes -= kept[1]

    def __len__(self) -> int:
        return len(self._kept)
