"""Buckets that several acceptors share: a small file mapped into the memory of each, and a record lock.

The lock belongs to the process: the kernel takes it from one that dies. Each bucket is valid at any moment, whatever write a
death interrupts; a file of zeros is an empty table. Time is the machine's monotonic clock, the same for all processes.
"""

from __future__ import annotations

import fcntl
import mmap
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tidegate.daemon.limits.buckets import KEY_BYTES

_NUMBER_BYTES = 8


class SharedTable:
    """Implements `buckets.Table`: all keys, then the tokens of each, then the times (0: free)."""

    def __init__(self, file: Path, most: int) -> None:
        """Raises OSError."""
        self._descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        size = most * (KEY_BYTES + 2 * _NUMBER_BYTES)
        os.ftruncate(self._descriptor, size)
        self._map = mmap.mmap(self._descriptor, size)
        self._keys_end = most * KEY_BYTES
        numbers = memoryview(self._map)[self._keys_end :].cast("d")
        self._tokens, self._times = numbers[:most], numbers[most:]
        self._slot = 0

    @contextmanager
    def locked(self) -> Iterator[None]:
        fcntl.lockf(self._descriptor, fcntl.LOCK_EX)
        try:
            yield
        finally:
            fcntl.lockf(self._descriptor, fcntl.LOCK_UN)

    def get(self, key: bytes) -> tuple[float, float] | None:
        slot = self._find(key)
        if slot < 0:
            times = self._times.tolist()
            slot = times.index(min(times))
            self._map[slot * KEY_BYTES : (slot + 1) * KEY_BYTES] = key
        self._slot = slot
        when = self._times[slot]
        return (self._tokens[slot], when) if when else None

    def put(self, key: bytes, tokens: float, when: float) -> None:
        self._tokens[self._slot] = tokens
        self._times[self._slot] = when

    def _find(self, key: bytes) -> int:
        at = self._map.find(key, 0, self._keys_end)
        while at >= 0 and at % KEY_BYTES:
            at = self._map.find(key, at + 1, self._keys_end)
        return at // KEY_BYTES
