"""The account is even whatever was counted, and both pages that are made from the metric table."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from tidegate.daemon.outcomes import EventOutcome
from tidegate.daemon.telemetry import metric_page
from tidegate.daemon.telemetry.balance import balance_of, is_even, totals_of
from tidegate.daemon.telemetry.exposition import exposed
from tidegate.daemon.telemetry.metrics import (
    CELLS,
    COMPUTED,
    CPU,
    DOCUMENTS,
    EVENTS,
    OWN,
    RECOVERED,
    SINK_READY,
    SPOOL_OLDEST,
    SPOOLED,
    TABLE,
    WRITTEN,
    Kind,
    Role,
    place,
)

Slots = dict[tuple[Role, int], list[int]]


def slots_of(**figures: int) -> Slots:
    """Slots of one acceptor and one worker."""
    slots = {(role, 1): [0] * len(CELLS[role]) for role in Role}
    where = {
        "spooled_in": (EVENTS, "spooled"),
        "invalid": (EVENTS, EventOutcome.INVALID),
        "unsampled": (EVENTS, EventOutcome.UNSAMPLED),
        "written": (WRITTEN,),
        "own": (OWN,),
        "recovered": (RECOVERED,),
        "indexed": (DOCUMENTS, "indexed"),
        "duplicate": (DOCUMENTS, "duplicate"),
        "spooled": (SPOOLED,),
    }
    for name, number in figures.items():
        metric, *labels = where[name]
        slots[metric.role, 1][place(metric, *labels)] = number
    return slots


NUMBERS = st.integers(0, 1000)


@given(
    st.lists(
        st.tuples(*[st.lists(NUMBERS, min_size=len(CELLS[role]), max_size=len(CELLS[role])) for role in Role]),
        min_size=2,
        max_size=2,
    )
)
def test_both_sides_are_equal_whatever_was_counted(rows: list[tuple[list[int], ...]]) -> None:
    begin, more = ({(role, 1): values for role, values in zip(Role, row, strict=True)} for row in rows)
    now = {slot: [one + other for one, other in zip(begin[slot], more[slot], strict=True)] for slot in begin}
    assert is_even(balance_of(totals_of(now)))
    assert is_even(balance_of(totals_of(now), totals_of(begin)))


def test_a_quiet_moment_after_a_death() -> None:
    """A worker died after the disk and before the verdict on 3 events; 5 settled ones were found again."""
    slots = slots_of(
        spooled_in=10, invalid=2, unsampled=1, written=14, own=1, recovered=5, indexed=11, duplicate=8, spooled=0
    )
    balance = balance_of(totals_of(slots))
    assert (balance.received, balance.own, balance.recovered, balance.unresolved) == (13, 1, 5, 3)
    assert balance.stored == {"indexed": 11, "duplicate": 8, "failure_store": 0}
    assert balance.under_way == 0
    assert is_even(balance)


def test_a_period_begins_with_what_its_start_found() -> None:
    begin = totals_of(slots_of(spooled_in=10, written=10, indexed=4, spooled=6))
    now = totals_of(slots_of(spooled_in=12, written=12, indexed=12))
    balance = balance_of(now, begin)
    assert (balance.received, balance.recovered, balance.unresolved, balance.stored["indexed"]) == (2, 6, 0, 8)
    assert is_even(balance)


def test_figures_of_several_processes_become_one() -> None:
    one, two = slots_of(written=3), slots_of(written=4)
    one[Role.WORKER, 1][place(SPOOL_OLDEST)], two[Role.WORKER, 1][place(SPOOL_OLDEST)] = 1500, 900
    one[Role.WORKER, 1][place(SINK_READY)] = 1
    totals = totals_of({**one, (Role.WORKER, 2): two[Role.WORKER, 1]})
    text = exposed(totals, {CPU: [(("worker-1",), 0.25)]}).decode()
    assert "\ntidegate_spool_documents_written_total 7\n" in text
    assert "\ntidegate_spool_oldest_seconds 1.5\n" in text
    assert "\ntidegate_sink_ready 0\n" in text
    assert '\ntidegate_events_total{outcome="spooled"} 0\n' in text
    assert '\ntidegate_process_cpu_seconds_total{process="worker-1"} 0.25\n' in text
    assert "# TYPE tidegate_spool_documents gauge\n" in text


def test_names_and_labels_keep_to_the_rules() -> None:
    for metric in (*TABLE, *COMPUTED):
        assert metric.full_name.startswith("tidegate_")
        assert (metric.kind is Kind.COUNTER) == metric.name.endswith("_total"), metric.name
        assert metric.help.endswith((".", "why.")), metric.name
        assert not {name for name, _ in metric.labels} & {"service", "address", "agent"}
    assert len({metric.name for metric in (*TABLE, *COMPUTED)}) == len(TABLE) + len(COMPUTED)


def test_the_page_is_current(checkout: Path) -> None:
    assert (checkout / "docs" / "metrics.md").read_text() == metric_page.page(), metric_page._COMMAND
