"""Token buckets by client address (http-surface.md 4). Pure: time is passed in, and where buckets are kept is another's."""

from __future__ import annotations

import ipaddress
from collections import OrderedDict
from contextlib import AbstractContextManager, nullcontext
from typing import Protocol

KEY_BYTES = 16
BURST_SECONDS = 3
"""A bucket holds what so many seconds bring."""
_V4 = b"\0" * 10 + b"\xff\xff"
_V6_END, _NO_ADDRESS = b"\0" * 7 + b"\1", b"\0" * 15 + b"\2"


def bucket_key(ip: str) -> bytes:
    """Which bucket an address has, never all zero: IPv6 by its first 64 bits, which is what one customer gets."""
    try:
        address = ipaddress.ip_address(ip)
    except ValueError:
        return _NO_ADDRESS
    if isinstance(address, ipaddress.IPv4Address):
        return _V4 + address.packed
    return address.packed if address.ipv4_mapped is not None else address.packed[:8] + _V6_END


class Table(Protocol):
    """Keeps a bounded number of buckets. `get` and `put` are called in pairs for the same key, within `locked`."""

    def locked(self) -> AbstractContextManager[object]:
        """Keeps other processes out."""

    def get(self, key: bytes) -> tuple[float, float] | None:
        """Tokens, and when that was, in seconds; None for a new one. Where the table is full, a new address gets the bucket
        of the one that was not seen for longest, as it is: many addresses make no fresh tokens."""

    def put(self, key: bytes, tokens: float, when: float) -> None:
        """Keeps the bucket that `get` has just been asked for."""


class MemoryTable:
    """Of one process."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._buckets: OrderedDict[bytes, tuple[float, float]] = OrderedDict()

    def locked(self) -> AbstractContextManager[object]:
        return nullcontext()

    def get(self, key: bytes) -> tuple[float, float] | None:
        found = self._buckets.get(key)
        if found is None and len(self._buckets) >= self._most:
            found = self._buckets.popitem(last=False)[1]
        return found

    def put(self, key: bytes, tokens: float, when: float) -> None:
        self._buckets[key] = (tokens, when)
        self._buckets.move_to_end(key)


class Buckets:
    """`rate`: tokens a second and address; 0: none at all. `burst`: tokens that a bucket holds; what three seconds bring,
    if it is not given."""

    def __init__(self, table: Table, rate: float, burst: float | None = None) -> None:
        self._table = table
        self._rate = rate
        self._burst = rate * BURST_SECONDS if burst is None else burst

    def can_hold(self, count: int) -> bool:
        """Whether a bucket ever has so many tokens."""
        return count <= self._burst

    def take(self, key: bytes, count: int, now: float, patience: float) -> float | None:
        """Takes tokens, perhaps of the future: returns the seconds to wait for them. None, and nothing is taken, when that
        would be more than `patience`, or more than a bucket ever holds."""
        if not self.can_hold(count):
            return None
        with self._table.locked():
            tokens = self._tokens(key, now)
            wait = max(0.0, (count - tokens) / self._rate)
            if wait > patience:
                self._table.put(key, tokens, now)
                return None
            self._table.put(key, tokens - count, now)
        return wait

    def reserve(self, key: bytes, most: int, now: float) -> int:
        """Takes as many tokens as there are, `most` at most; returns how many."""
        with self._table.locked():
            tokens = self._tokens(key, now)
            count = max(0, min(most, int(tokens)))
            self._table.put(key, tokens - count, now)
        return count

    def give_back(self, key: bytes, count: int, now: float) -> None:
        """Returns tokens that were not used; fewer than none: takes what was used beyond."""
        with self._table.locked():
            self._table.put(key, min(self._burst, self._tokens(key, now) + count), now)

    def _tokens(self, key: bytes, now: float) -> float:
        found = self._table.get(key)
        if found is None:
            return self._burst
        tokens, when = found
        return min(self._burst, tokens + max(0.0, now - when) * self._rate)


class Purse:
    """The bucket of one address."""

    __slots__ = ("_buckets", "_key")

    def __init__(self, buckets: Buckets, ip: str) -> None:
        self._buckets = buckets
        self._key = bucket_key(ip)

    def can_hold(self, count: int) -> bool:
        """See `Buckets.can_hold`."""
        return self._buckets.can_hold(count)

    def take(self, count: int, now: float, patience: float) -> float | None:
        """See `Buckets.take`."""
        return self._buckets.take(self._key, count, now, patience)

    def reserve(self, most: int, now: float) -> int:
        """See `Buckets.reserve`."""
        return self._buckets.reserve(self._key, most, now)

    def give_back(self, count: int, now: float) -> None:
        """See `Buckets.give_back`."""
        if count:
            self._buckets.give_back(self._key, count, now)
