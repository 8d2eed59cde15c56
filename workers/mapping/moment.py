"""Times of events: intake-to-documents.md 4.8 and section 3, "time"."""

from __future__ import annotations

from datetime import UTC, datetime

from tidegate.workers.decode.times import parse_time
from tidegate.workers.mapping.integers import U64, whole
from tidegate.workers.mapping.memo import Memo

_LAST = U64 // 1000
"""µs; the original keeps times as unsigned 64-bit ns, so later and negative ones come round again."""

_MILLISECONDS = tuple(f"{number:03}Z" for number in range(1000))
_seconds: Memo[int, str] = Memo(
    lambda second: datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%S."),
    budget=4096,  # seconds: an hour of events, as agents that were cut off send them
    weigh=lambda _: 1,
)


def moment(sent: int | str | None, received_ns: int) -> tuple[str, int]:
    """When an event was: what was sent (µs since the epoch, or RFC 3339), else the time of receipt.

    As `@timestamp` (ISO 8601 in UTC with three fraction digits, truncated) and in µs since the epoch.
    """
    if sent is None:
        at = received_ns // 1000
    else:
        at = sent if type(sent) is int else parse_time(str(sent))
        if not 0 <= at <= _LAST:
            at = (at * 1000 & U64) // 1000
    return _seconds[at // 1_000_000] + _MILLISECONDS[at % 1_000_000 // 1000], at


def moment_after(start: float, received_ns: int) -> tuple[str, int]:
    """The same for a time that lies `start` ms after the receipt."""
    return moment((received_ns + whole(start * 1e6) & U64) // 1000, received_ns)
