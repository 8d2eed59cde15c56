"""The account of a period: what came in, and where it is. Pure (docs/guarantees.md, "The account").

received + own + recovered + unresolved = stored + dead letters + lost + rejected + dropped + spooled
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import msgspec
from tidegate.daemon.outcomes import AT_STORE, DROPPED, REJECTED, EventOutcome
from tidegate.daemon.telemetry.metrics import (
    CELLS,
    DOCUMENTS,
    EVENTS,
    OWN,
    RECOVERED,
    SPOOLED,
    WRITTEN,
    Join,
    Metric,
    Role,
    place,
)

_JOINS: dict[Join, Callable[[Sequence[int]], int]] = {Join.SUM: sum, Join.MOST: max, Join.LEAST: min}

Totals = dict[Role, list[int]]
"""One figure for each cell of a role, over all its processes."""


def totals_of(slots: Mapping[tuple[Role, int], Sequence[int]]) -> Totals:
    """Joins the cells of all processes."""
    return {
        role: [
            _JOINS[cell.metric.join](values) if values else 0
            for cell, values in zip(cells, _columns(slots, role, len(cells)), strict=True)
        ]
        for role, cells in CELLS.items()
    }


def _columns(slots: Mapping[tuple[Role, int], Sequence[int]], role: Role, cells: int) -> list[tuple[int, ...]]:
    rows = [values for (known, _), values in slots.items() if known is role]
    return list(zip(*rows, strict=True)) if rows else [()] * cells


def figure(totals: Totals, metric: Metric, *labels: str) -> int:
    """One cell of the totals, not yet divided by its scale."""
    return totals[metric.role][place(metric, *labels)]


class Balance(msgspec.Struct, frozen=True):
    """Of a period. All but `spooled` and `under_way` grow."""

    received: int
    """Events and bad lines whose sender has, or could have had, an answer."""
    own: int
    """Documents that Tidegate made by itself."""
    recovered: int
    """In the spool when the period began, and found there again after a death though their outcome had been counted."""
    unresolved: int
    """Documents on disk that belong to no batch with a verdict: under way, or left by a death (see `metrics.UNRESOLVED`)."""
    stored: dict[str, int]
    """By outcome; duplicates are second tries of what was stored."""
    dead_letters: int
    lost: int
    rejected: dict[str, int]
    dropped: dict[str, int]
    spooled: int
    """By what the spools say of themselves."""
    under_way: int
    """What counters and spools differ by; 0 at a quiet moment."""


def balance_of(now: Totals, begin: Totals | None = None) -> Balance:
    """The account since `begin`; None: since the first start."""

    def grown(metric: Metric, *labels: str) -> int:
        return figure(now, metric, *labels) - (figure(begin, metric, *labels) if begin else 0)

    rejected = {str(outcome): grown(EVENTS, outcome) for outcome in REJECTED}
    dropped = {str(outcome): grown(EVENTS, outcome) for outcome in DROPPED}
    acknowledged = grown(EVENTS, "spooled")
    outcomes = {outcome: grown(DOCUMENTS, outcome) for outcome in AT_STORE}
    before = _expected(begin) if begin else 0
    recovered = before + grown(RECOVERED)
    spooled = figure(now, SPOOLED)
    return Balance(
        received=acknowledged + sum(rejected.values()) + sum(dropped.values()),
        own=grown(OWN),
        recovered=recovered,
        unresolved=grown(WRITTEN) - grown(OWN) - acknowledged,
        stored={
            str(outcome): outcomes[outcome]
            for outcome in (EventOutcome.INDEXED, EventOutcome.DUPLICATE, EventOutcome.FAILURE_STORE)
        },
        dead_letters=outcomes[EventOutcome.DEAD_LETTER],
        lost=outcomes[EventOutcome.LOST],
        rejected=rejected,
        dropped=dropped,
        spooled=spooled,
        under_way=_expected(now) - spooled,
    )


def _expected(totals: Totals) -> int:
    """Documents in the spools, by the counters."""
    settled = sum(figure(totals, DOCUMENTS, outcome) for outcome in AT_STORE)
    return figure(totals, WRITTEN) + figure(totals, RECOVERED) - settled


def is_even(balance: Balance) -> bool:
    """Whether both sides are equal; they always are, unless a counter is damaged."""
    came = balance.received + balance.own + balance.recovered + balance.unresolved
    went = sum(balance.stored.values()) + balance.dead_letters + balance.lost + balance.spooled + balance.under_way
    return came == went + sum(balance.rejected.values()) + sum(balance.dropped.values())


__all__ = ["Balance", "Totals", "balance_of", "figure", "is_even", "totals_of"]
