"""How many different wrong credentials an address may try (experiments.md, check 19). Pure.

A good credential is never held up: a token is compared at once whatever came before, and a key that was good before is asked
about again. One wrong credential that is sent again and again (an agent that nobody has told) counts once.
"""

from __future__ import annotations

from collections import OrderedDict

from tidegate.daemon.limits.buckets import Buckets, MemoryTable, Purse

RATE = 0.5
"""Wrong credentials a second and address, for which the sender is told why."""
AT_ONCE = 30
"""As many at once: a whole rack of agents with old keys behind one address, and still no way to guess."""
ADDRESSES = 10_000
"""Kept apart; 200 bytes each."""
REMEMBERED = 10_000
"""Wrong credentials, by digest."""


class Failures:
    """Of one acceptor."""

    def __init__(self) -> None:
        self._buckets = Buckets(MemoryTable(ADDRESSES), RATE, AT_ONCE)
        self._wrong: OrderedDict[bytes, None] = OrderedDict()

    def too_many(self, ip: str, digest: bytes, now: float) -> bool:
        """Notes a wrong credential; whether the address has tried too many."""
        if digest in self._wrong:
            self._wrong.move_to_end(digest)
            return False
        if self._purse(ip).take(1, now, 0.0) is None:
            return True
        self._remember(digest)
        return False

    def may_try(self, ip: str, now: float) -> bool:
        """Whether a credential may be asked about that may turn out wrong; it counts as wrong until `was_good` is called."""
        return self._purse(ip).take(1, now, 0.0) is not None

    def was_good(self, ip: str, now: float) -> None:
        """The credential was not wrong, or nobody could say."""
        self._purse(ip).give_back(1, now)

    def _purse(self, ip: str) -> Purse:
        return Purse(self._buckets, ip)

    def _remember(self, digest: bytes) -> None:
        if len(self._wrong) >= REMEMBERED:
            self._wrong.popitem(last=False)
        self._wrong[digest] = None
