"""What is known of API keys: those that were good or bad within the last minute (http-surface.md 3.3).

Entries belong to a whole credential, never to a key's id: a wrong secret says nothing about the right one. Good and bad
ones are bounded apart, so that no flood of bad ones locks a good one out.
"""

from __future__ import annotations

from collections import OrderedDict
from enum import Enum

KEEP_SECONDS = 60.0
"""As in the original: a key that was taken back passes for so long."""
BAD_KEPT = 10_000
"""Credentials, of 200 bytes each with their place: 2 MiB. The oldest makes room."""
ONCE_GOOD_KEPT = 10_000
"""Likewise."""


class Unknown(Enum):
    """Why the cache has no answer."""

    ASK = "not asked within the last minute"
    FULL = "as above, and there is no place for one more good key"


class KeyCache:
    """By digest of the credential. `limit`: good keys at a time (`apm-server.auth.api_key.limit`)."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._good: OrderedDict[bytes, tuple[float, frozenset[str]]] = OrderedDict()
        self._bad: OrderedDict[bytes, float] = OrderedDict()
        self._once_good: OrderedDict[bytes, None] = OrderedDict()

    def find(self, digest: bytes, now: float) -> frozenset[str] | Unknown:
        """The privileges of a key, none for a bad one."""
        good = self._good.get(digest)
        if good is not None and good[0] > now:
            return good[1]
        until = self._bad.get(digest)
        if until is not None and until > now:
            return frozenset()
        return Unknown.ASK if self._has_room(digest, now) else Unknown.FULL

    def keep(self, digest: bytes, privileges: frozenset[str], now: float) -> None:
        """Remembers what the store said; no privileges: a bad key. A good key for which there is no room is not kept."""
        self._good.pop(digest, None)
        self._bad.pop(digest, None)
        if not privileges:
            if len(self._bad) >= BAD_KEPT:
                self._bad.popitem(last=False)
            self._bad[digest] = now + KEEP_SECONDS
            self._once_good.pop(digest, None)
        elif self._has_room(digest, now):
            self._good[digest] = (now + KEEP_SECONDS, privileges)
            if len(self._once_good) >= ONCE_GOOD_KEPT:
                self._once_good.popitem(last=False)
            self._once_good[digest] = None

    def was_good(self, digest: bytes) -> bool:
        """Whether the key has been a good one, however long ago: its bearer does not guess."""
        return digest in self._once_good

    def _has_room(self, digest: bytes, now: float) -> bool:
        # Entries stand in the order of their ends: all are kept for the same time.
        while self._good and next(iter(self._good.values()))[0] <= now:
            self._good.popitem(last=False)
        return digest in self._good or len(self._good) < self.limit
