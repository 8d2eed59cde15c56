"""Which verdict counts as what: every event once, and together all that were received."""

from __future__ import annotations

import pytest
from http_fakes import new_tally
from tidegate.daemon.api.account import Account
from tidegate.daemon.outcomes import AT_INTAKE, RequestOutcome, RouteGroup
from tidegate.daemon.telemetry.metrics import EVENTS, REQUEST_BYTES, REQUESTS, place
from tidegate.daemon.wire.frames import StreamError, Verdict

REFUSED, FORBIDDEN, LIMITED, DEFECT = (StreamError(status, "") for status in (503, 403, 429, 500))


def verdict(**values: object) -> Verdict:
    return Verdict(b"", b"", 0, **values)  # type: ignore[arg-type] # any of its fields


@pytest.mark.parametrize(
    ("said", "counted"),
    [
        (verdict(accepted=5, events=5, documents=5), {"spooled": 5}),
        (verdict(accepted=5, events=6, documents=3, empty=1), {"spooled": 3, "unsampled": 2, "empty_breakdown": 1}),
        (verdict(accepted=1, events=1, documents=1, failed=3), {"spooled": 1, "invalid": 3}),
        (verdict(failed=3, set_aside=1), {"invalid": 2, "suspect": 1}),
        (verdict(events=4, failed=1, ended=REFUSED), {"queue_full": 4, "invalid": 1}),
        (verdict(events=4, ended=FORBIDDEN), {"forbidden": 4}),
        (verdict(events=4, ended=LIMITED), {"rate_limited": 4}),
        (verdict(ended=DEFECT), {}),
        # A suspect that was done in halves, of which one was refused.
        (verdict(accepted=2, events=5, documents=2, ended=REFUSED), {"spooled": 2, "queue_full": 3}),
    ],
)
def test_verdicts(said: Verdict, counted: dict[str, int]) -> None:
    account = Account(new_tally())
    account.settled(said)
    cells = {name: account.tally.get(place(EVENTS, name)) for name in ("spooled", *AT_INTAKE)}
    assert {str(name): number for name, number in cells.items() if number} == counted
    assert sum(counted.values()) == said.events + said.failed


def test_requests() -> None:
    account = Account(new_tally())
    account.answered(RouteGroup.INTAKE, RequestOutcome.ACCEPTED, 100)
    account.answered(RouteGroup.OTHER, RequestOutcome.NOT_FOUND, 0)
    assert account.tally.get(place(REQUESTS, "intake", "accepted")) == 1
    assert account.tally.get(place(REQUESTS, "other", "not_found")) == 1
    assert account.tally.get(place(REQUEST_BYTES)) == 100
