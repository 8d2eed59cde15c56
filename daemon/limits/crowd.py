"""How many connections each client address has open (experiments.md, check 10). Pure."""

from __future__ import annotations

from collections import Counter

from tidegate.daemon.limits.buckets import bucket_key


class Crowd:
    """`most`: connections of an address; 0: any number. It holds no more entries than there are connections."""

    def __init__(self, most: int) -> None:
        self.most = most
        self._open: Counter[bytes] = Counter()

    def enter(self, ip: str) -> bool:
        """Counts a connection; whether it is within the limit. `leave` is to follow in either case."""
        key = bucket_key(ip)
        self._open[key] += 1
        return not self.most or self._open[key] <= self.most

    def leave(self, ip: str) -> None:
        """The connection is gone."""
        key = bucket_key(ip)
        self._open[key] -= 1
        if not self._open[key]:
            del self._open[key]
