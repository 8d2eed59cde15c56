"""What an acceptor counts: requests by their answers, and events by what became of them at intake.

An event counts when the batch that it came in has its last verdict, so once, whichever worker died with it in between.
"""

from __future__ import annotations

from tidegate.daemon.outcomes import EventOutcome, RequestOutcome, RouteGroup
from tidegate.daemon.telemetry.metrics import EVENTS, REQUEST_BYTES, REQUESTS, place
from tidegate.daemon.telemetry.slots import Tally
from tidegate.daemon.wire.frames import Verdict

_REQUESTS = {
    (group, outcome): place(REQUESTS, group, outcome.name.lower()) for group in RouteGroup for outcome in RequestOutcome
}
_BYTES = place(REQUEST_BYTES)
_SPOOLED = place(EVENTS, "spooled")
_BY_STATUS = {
    403: EventOutcome.FORBIDDEN,
    429: EventOutcome.RATE_LIMITED,
    503: EventOutcome.QUEUE_FULL,
}
"""Why a worker stored nothing of a batch that it had decoded; anything else is a defect."""


class Account:
    """Counts in the slot of this process. From the event loop's thread."""

    def __init__(self, tally: Tally) -> None:
        self.tally = tally

    def answered(self, group: RouteGroup, outcome: RequestOutcome, body_bytes: int) -> None:
        """A request has its answer."""
        self.tally.add(_REQUESTS[group, outcome])
        if body_bytes:
            self.tally.add(_BYTES, body_bytes)

    def settled(self, verdict: Verdict) -> None:
        """A batch has its last verdict."""
        add = self.tally.add
        if verdict.documents:
            add(_SPOOLED, verdict.documents)
        if unsampled := verdict.accepted - verdict.documents:
            self.ended(EventOutcome.UNSAMPLED, unsampled)
        if verdict.empty:
            self.ended(EventOutcome.EMPTY_BREAKDOWN, verdict.empty)
        if verdict.set_aside:
            self.ended(EventOutcome.SUSPECT, verdict.set_aside)
        if invalid := verdict.failed - verdict.set_aside:
            self.ended(EventOutcome.INVALID, invalid)
        if verdict.ended is not None and (refused := verdict.events - verdict.accepted - verdict.empty):
            self.ended(_BY_STATUS.get(verdict.ended.status, EventOutcome.SUSPECT), refused)

    def ended(self, outcome: EventOutcome, number: int = 1) -> None:
        """Events whose way ended at intake."""
        self.tally.add(place(EVENTS, outcome), number)
