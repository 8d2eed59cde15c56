"""The report for a person: at most as wide as the terminal, findings last, since that is where one looks. Pure."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Iterator

from tidegate.cli.exposed.finding import Finding, Severity
from tidegate.cli.exposed.report import Report, headline, separation
from tidegate.cli.exposed.rows import Row, Strangers
from tidegate.cli.terminal import Terminal, cut, safe
from tidegate.daemon.api.routes import Shows

WIDEST = 100
"""Columns; longer lines of text are hard to follow."""
_COLOURS = {
    Severity.CRITICAL: ("bold", "red"),
    Severity.HIGH: ("red",),
    Severity.MEDIUM: ("yellow",),
    Severity.LOW: ("cyan",),
    Severity.NOTE: ("dim",),
}
_SHORT = {
    Shows.NOTHING: "nothing",
    Shows.SERVER: "version",
    Shows.COUNTS: "counts",
    Shows.CONFIGURATION: "settings",
}
"""What a route answers with, in a word that the legend explains."""
_LIMIT = 38
"""Columns of a limit's name; longer ones stand above their value."""
_STRANGERS = {
    Strangers.YES: "nothing is asked for",
    Strangers.EMPTY: "an empty page",
    Strangers.LIMITED: "as an anonymous sender, within the limits below",
    Strangers.REFUSED: "401 or 403, before the body is read",
    Strangers.OFF: "403 for everybody: switched off",
}


def lines(report: Report, terminal: Terminal) -> Iterator[str]:
    """The whole page."""
    width = min(terminal.width, WIDEST)
    shut_off = separation(report.machine, report.settings.acceptor_part())
    pairs = [*headline(report.settings), ("reachable by", report.reach), ("store", report.store), *shut_off]
    yield from _pairs(pairs, width)
    yield ""
    yield from _table(report.rows, terminal, width)
    yield ""
    yield from _limits(report, terminal, width)
    if report.server:
        yield ""
        yield terminal.paint("the running instance", "bold")
        yield from _pairs([(f"  {name}", value) for name, value in report.server], width)
    yield ""
    yield from _findings(report.findings, terminal, width)


def _pairs(pairs: list[tuple[str, str]], width: int) -> Iterator[str]:
    column = max(len(name) for name, _ in pairs) + 2
    for name, value in pairs:
        yield from _wrapped(safe(value), width, f"{name:<{column}}", " " * column)


def _wrapped(text: str, width: int, first: str, further: str) -> list[str]:
    return textwrap.wrap(
        text, width, initial_indent=first, subsequent_indent=further, break_on_hyphens=False, break_long_words=False
    ) or [first.rstrip()]


def _table(rows: list[Row], terminal: Terminal, width: int) -> Iterator[str]:
    """Paths, as long as they are; all else in columns."""
    head = ("PATH", "METHODS", "STRANGERS", "API KEY", "TELLS")
    cells = [
        (safe(row.path), " ".join(row.methods), row.strangers.value, row.api_key or "-", _SHORT[row.shows])
        for row in rows
    ]
    columns = [max(len(line[place]) for line in (head, *cells)) for place in range(len(head))]
    for number, line in enumerate((head, *cells)):
        text = "  ".join(f"{cell:<{column}}" for cell, column in zip(line, columns, strict=True)).rstrip()
        text = cut(text, width, terminal.glyphs)
        yield terminal.paint(text, "bold") if number == 0 else text
    yield cut("everything else: 404", width, terminal.glyphs)
    yield ""
    for strangers in dict.fromkeys(row.strangers for row in rows):
        yield from _wrapped(_STRANGERS[strangers], width, f"  strangers {strangers.value}: ", "    ")
    for shows in dict.fromkeys(row.shows for row in rows):
        yield from _wrapped(shows.value, width, f"  tells {_SHORT[shows]}: ", "    ")


def _limits(report: Report, terminal: Terminal, width: int) -> Iterator[str]:
    """One a line, by its key where it has one."""
    yield terminal.paint("limits", "bold")
    for one in report.limits:
        name = one.key or one.name
        column = min(_LIMIT, width // 2)
        if len(name) > column:
            yield f"  {name}"
            name = ""
        yield from _wrapped(safe(one.value), width, f"  {name:<{column}}  ", " " * (column + 4))


def _findings(findings: list[Finding], terminal: Terminal, width: int) -> Iterator[str]:
    for one in findings:
        word = one.severity.value
        yield terminal.paint(f"{word}: {one.id}", *_COLOURS[one.severity])
        yield from _wrapped(safe(one.text), width, "  ", "  ")
        if one.key or one.value:
            change = ": ".join(filter(None, (one.key, one.value)))
            yield from _wrapped(safe(change), width, f"  {terminal.glyphs.last}set ", "    ")
    yield from ("",) if findings else ()
    yield terminal.paint(total(findings), "bold")


def total(findings: list[Finding]) -> str:
    """How many of each."""
    counts = Counter(one.severity for one in findings)
    told = [f"{counts[one]} {one.value}" for one in Severity if counts[one]]
    return f"findings: {', '.join(told)}" if told else "no findings"
