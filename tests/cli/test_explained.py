"""Each reason why a service is not seen has its line, and no reason no warning."""

from __future__ import annotations

import re
from typing import Any

import pytest
from tidegate.cli.explained import Case, remarks
from tidegate.daemon.admin.explaining import Explanation
from tidegate.daemon.admin.overview import IntakeView, Overview, SpoolView, StoreView
from tidegate.daemon.telemetry.balance import balance_of, totals_of
from tidegate.daemon.telemetry.metrics import CELLS, Role
from tidegate.daemon.telemetry.notes import RefusalNote, ServiceNote

NOW = 10_000.0
NOTHING = balance_of(totals_of({(role, 1): [0] * len(CELLS[role]) for role in Role}))


def overview(trouble: str = "") -> Overview:
    return Overview(
        version="1",
        pid=1,
        state="serving",
        verdict="well",
        reasons=[],
        uptime=500.0,
        first_start=0.0,
        processes=[],
        intake=IntakeView(0, 0, 0, 0),
        spool=SpoolView(7, 1, 2, 1, 0.0, 0.0, None, refusing=False),
        store=StoreView(True, [trouble] if trouble else [], 0, 0),
        since_start=NOTHING,
        since_first_start=NOTHING,
        complaints=[],
    )


def note(**changes: Any) -> ServiceNote:
    return ServiceNote(**{"service": "shop", "agent": "python", "heard": NOW - 5, "accepted": 9, **changes})


def case_of(service: ServiceNote | None, **changes: Any) -> Case:
    explanation = Explanation(service, changes.pop("refusals", []), 0)
    values: dict[str, Any] = {"letters": [], "stored": NOW - 3, "store_findings": [], **changes}
    return Case("shop", explanation, values.pop("overview", overview()), **values)


def test_a_service_that_is_seen() -> None:
    found = list(remarks(case_of(note()), NOW))
    assert all(one.fine for one in found)
    assert [one.text.partition(":")[0] for one in found] == ["Received", "Stored"]


@pytest.mark.parametrize(
    ("case", "words"),
    [
        (case_of(None), "nothing of a service shop in the last 8 min"),
        (case_of(note(heard=NOW - 7200)), "the last 2.0 h ago"),
        (
            case_of(None, refusals=[RefusalNote("unauthorized", "apm-agent-python/6 (shop)", 3, NOW - 1)]),
            "3 requests .* unauthorized: its credentials are missing",
        ),
        (case_of(note(invalid=2, reason="no id")), "2 lines that are no events; the last reason: no id"),
        (case_of(note(refused=2, reason="not permitted")), "2 events it may not send.*: not permitted"),
        (case_of(note(accepted=0, unsampled=4)), "4 transactions that the agent did not sample"),
        (case_of(note(skew=-7200.0)), "2.0 h behind this machine's"),
        (case_of(note(skew=86400.0)), "24.0 h ahead of this machine's"),
        (
            case_of(note(), overview=overview("Elasticsearch answers 503")),
            "7 events .* wait on disk: Elasticsearch answers 503",
        ),
        (case_of(note(), letters=["mapper"] * 2 + ["other"]), "2 mapper, 1 other"),
        (case_of(note(), stored=0.0), "the local store has nothing of it"),
        (case_of(note(), stored=None, store_findings=["no template"]), "Elasticsearch: no template"),
    ],
)
def test_each_reason_has_its_line(case: Case, words: str) -> None:
    found = [one.text for one in remarks(case, NOW) if not one.fine]
    assert any(re.search(words, text) for text in found), found
