"""What is remembered of services and refusals is bounded, and found again."""

from __future__ import annotations

import pytest
from tidegate.daemon.telemetry.notes import (
    LONGEST_TEXT,
    REFUSALS,
    SERVICES,
    RefusalNotes,
    ServiceNote,
    ServiceNotes,
    joined,
    names,
)


@pytest.mark.parametrize(
    ("user_agent", "is_named"),
    [
        ("apm-agent-python/6.22.0 (shop 1.0)", True),
        ("apm-agent-nodejs/4.5.0 (shop)", True),
        ("apm-agent-java/1.50.0 (shop 1.0) okhttp", True),
        ("apm-agent-python/6.22.0 (shopping 1.0)", False),
        ("Mozilla/5.0 (X11; shop)", False),
        ("shop", False),
        ("", False),
    ],
)
def test_which_service_an_agent_says_it_is_in(user_agent: str, is_named: bool) -> None:
    assert names(user_agent, "shop") is is_named


def test_services_that_were_heard_of_last_are_kept() -> None:
    notes = ServiceNotes()
    for number in range(SERVICES + 10):
        notes.of("shop").accepted += 1
        notes.of(f"s{number}")
    (shop,) = notes.find("shop")
    assert shop.accepted == SERVICES + 10
    assert notes.find("s0") == []
    assert notes.find(f"s{SERVICES + 9}") != []


def test_refusals_are_counted_by_reason_and_agent_and_bounded() -> None:
    notes = RefusalNotes()
    agent = "apm-agent-python/6.22.0 (shop 1.0)"
    for number in range(3):
        notes.refused("unauthorized", agent, float(number))
    (found,) = notes.find("shop")
    assert (found.outcome, found.number, found.last) == ("unauthorized", 3, 2.0)
    for number in range(2 * REFUSALS):
        notes.refused("unauthorized", f"{number}" * 1000, 5.0)
    assert notes.find("shop") == []
    assert len(notes._notes) == REFUSALS
    assert max(len(agent) for _, agent in notes._notes) == LONGEST_TEXT


def test_notes_of_several_workers_are_one() -> None:
    one = ServiceNote("shop", "python", 10.0, 5, 1, 2, 0, "old", 1.0)
    two = ServiceNote("shop", "nodejs", 20.0, 6, 0, 0, 3, "", 2.0)
    assert joined([two, one]) == ServiceNote("shop", "nodejs", 20.0, 11, 1, 2, 3, "old", 2.0)
    assert joined([]) is None
