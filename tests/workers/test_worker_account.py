"""What a worker expects in its spool, whenever it was killed."""

from __future__ import annotations

import pytest
from tidegate.daemon.outcomes import EventOutcome
from tidegate.daemon.telemetry.metrics import CELLS, DOCUMENTS, RECOVERED, Role, place
from tidegate.daemon.telemetry.slots import Tally
from tidegate.workers.account import Account

INDEXED, LOST = EventOutcome.INDEXED, EventOutcome.LOST


@pytest.mark.parametrize(
    ("written", "settled", "found", "recovered", "lost"),
    [
        (10, 4, 6, 0, 0),
        (10, 4, 10, 4, 0),  # their outcome was counted, and the checkpoint had not passed them
        (10, 0, 15, 5, 0),  # killed between the disk and the counter
        (10, 4, 0, 0, 6),  # somebody deleted the spool
        (0, 0, 7, 7, 0),  # the counters were deleted
    ],
)
def test_a_start_balances_the_account(written: int, settled: int, found: int, recovered: int, lost: int) -> None:
    tally = Tally(len(CELLS[Role.WORKER]))
    account = Account(tally)
    account.written(written, 100)
    account.settled({INDEXED: settled})
    for _ in range(2):  # a second start finds nothing to balance
        account.found(found)
        assert tally.get(place(RECOVERED)) == recovered
        assert tally.get(place(DOCUMENTS, LOST)) == lost
        assert account.expected() == found
