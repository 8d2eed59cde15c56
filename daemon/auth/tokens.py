"""Secret tokens: several at once, so that one can be exchanged for another without a pause."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Sequence
from hashlib import blake2b

from tidegate.daemon.auth.identity import PRIVILEGES, Identity, Method
from tidegate.daemon.settings.parts import TokenPart

Digest = Callable[[bytes], bytes]


def keyed_digest(key: bytes) -> Digest:
    """A function to digests of 16 bytes that nobody can foresee without the key (up to 64 random bytes)."""

    def digest(value: bytes) -> bytes:
        return blake2b(value, digest_size=16, key=key).digest()

    return digest


class Tokens:
    """The tokens of one settings object. Digests are compared, not tokens: neither time nor length tells anything."""

    def __init__(self, parts: Sequence[TokenPart], digest: Digest) -> None:
        self._digest = digest
        self._known = [
            (
                digest(part.token.encode()),
                Identity(
                    Method.TOKEN,
                    frozenset(PRIVILEGES),
                    tuple(part.allow_agents),
                    tuple(part.allow_services),
                    part.name,
                ),
            )
            for part in parts
        ]

    def __bool__(self) -> bool:
        return bool(self._known)

    def identify(self, token: bytes) -> Identity | None:
        """Whose token it is; None for a wrong one. All are compared, whichever fits."""
        given = self._digest(token)
        found = None
        for known, identity in self._known:
            if hmac.compare_digest(given, known):
                found = identity
        return found
