"""The events that prove sends: each can be told from its number alone, so that a stored one is checked without a copy. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import shake_128
from typing import Any, NamedTuple

import orjson

METADATA = orjson.dumps(
    {
        "metadata": {
            "service": {"name": "tidegate-prove", "agent": {"name": "python", "version": "6.22.0"}},
            "process": {"pid": 1},
        }
    }
)
PADDING_BYTES = 250
"""As twice as many hexadecimal digits: an event is then about as large as a common one, and does not compress away."""
_PREFIX_DIGITS = 8
_NUMBER_DIGITS = 8
_DIGITS = _PREFIX_DIGITS + _NUMBER_DIGITS
_EPOCH_US = 1_767_225_600_000_000
"""2026-01-01: where the events' own time begins; each is a millisecond after the one before."""


class Seen(NamedTuple):
    """A stored document that came from one of our events."""

    number: int
    unchanged: bool


class Events:
    """All events of one run; `seed` has 8 hexadecimal digits and stands before each id."""

    def __init__(self, seed: str) -> None:
        self.seed = seed

    def identity(self, number: int) -> str:
        """The id of the transaction."""
        return f"{self.seed}{number:0{_NUMBER_DIGITS}x}"

    def body(self, numbers: Iterable[int]) -> bytes:
        """A request: the metadata line, and a line for each event."""
        return b"\n".join([METADATA, *(orjson.dumps({"transaction": self._event(number)}) for number in numbers), b""])

    def number_of(self, identity: object) -> int | None:
        """The number of the event with this id; None where it is none of ours."""
        if not isinstance(identity, str) or len(identity) != _DIGITS or not identity.startswith(self.seed):
            return None
        try:
            return int(identity[_PREFIX_DIGITS:], 16)
        except ValueError:
            return None

    def seen(self, document: Any) -> Seen | None:
        """What a stored document says; None where it is none of ours."""
        transaction = document.get("transaction") if isinstance(document, dict) else None
        if not isinstance(transaction, dict):
            return None
        number = self.number_of(transaction.get("id"))
        return None if number is None else Seen(number, self._kept(document, transaction, number))

    def _event(self, number: int) -> dict[str, Any]:
        identity = self.identity(number)
        return {
            "id": identity,
            "trace_id": identity * 2,
            "type": "request",
            "name": f"event {number}",
            "timestamp": _EPOCH_US + number * 1000,
            "duration": 1.5,
            "result": f"result {number % 7}",
            "span_count": {"started": number % 5},
            "context": {"custom": {"padding": self._padding(number)}},
        }

    def _kept(self, document: dict[str, Any], transaction: dict[str, Any], number: int) -> bool:
        """Whether all that was sent stands in the document, each in its place."""
        identity = self.identity(number)
        custom, trace, service = transaction.get("custom"), document.get("trace"), document.get("service")
        spans = transaction.get("span_count")
        return (
            transaction.get("name") == f"event {number}"
            and transaction.get("type") == "request"
            and transaction.get("result") == f"result {number % 7}"
            and custom == {"padding": self._padding(number)}
            and trace == {"id": identity * 2}
            and isinstance(spans, dict)
            and spans.get("started") == number % 5
            and isinstance(service, dict)
            and service.get("name") == "tidegate-prove"
        )

    def _padding(self, number: int) -> str:
        return shake_128(f"{self.seed}:{number}".encode()).hexdigest(PADDING_BYTES)
