"""The page of `tidegate status`."""

from __future__ import annotations

import pytest
from tidegate.cli.status_page import lines
from tidegate.cli.terminal import UNICODE, Terminal
from tidegate.daemon.admin.overview import Complaint, IntakeView, Overview, SpoolView, StoreView
from tidegate.daemon.telemetry.balance import Balance

NOW = 1_000_000.0
NOTHING = Balance(0, 0, 0, 0, {"indexed": 0}, 0, 0, {}, {}, 0, 0)


def overview(*, verdict: str = "well", reasons: tuple[str, ...] = (), complaints: tuple[str, ...] = ()) -> Overview:
    return Overview(
        version="1.2.3",
        pid=1,
        state="serving",
        verdict=verdict,
        reasons=list(reasons),
        uptime=60,
        first_start=NOW - 60,
        processes=[],
        intake=IntakeView(0, 0, 0, 0),
        spool=SpoolView(0, 0, 0, 0, 0.0, 0.0, None, refusing=False),
        store=StoreView(True, [], 0, 0),
        since_start=NOTHING,
        since_first_start=NOTHING,
        complaints=[Complaint(NOW - 9, "worker 1", "warning", text) for text in complaints],
    )


def test_the_first_lines_say_whether_all_is_well_and_why_not() -> None:
    view = overview(verdict="degraded", reasons=("documents are not stored: nobody listens",))
    first, second = lines(view, Terminal(80, False, UNICODE), NOW)[:2]
    assert first == "Tidegate 1.2.3 is degraded, serving for 60 s"
    assert second == "  documents are not stored: nobody listens"


@pytest.mark.parametrize("width", [40, 80, 200])
def test_a_complaint_is_shown_whole_within_the_terminal(width: int) -> None:
    text = "/etc/tidegate/tidegate.yml:5: apm-server.max_header_size: " + "must be at least 1; " * 20 + "do this"
    page = lines(overview(complaints=(text,)), Terminal(width, False, UNICODE), NOW)
    shown = page[page.index("Last complaints (the log has all)") + 1 :]
    assert " ".join(" ".join(shown).split()) == f"9 s ago, worker 1: {text}"
    assert all(len(line) <= width for line in shown)


def test_of_many_complaints_the_last_five_are_shown_and_can_paint_nothing() -> None:
    view = overview(complaints=tuple(f"number {number} \x1b[31m" for number in range(8)))
    page = lines(view, Terminal(80, False, UNICODE), NOW)
    assert page[-5:] == [f"  9 s ago, worker 1: number {number} \\x1b[31m" for number in range(3, 8)]
