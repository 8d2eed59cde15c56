"""How a status looks to a person: one line for the verdict, then a paragraph for each question. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from textwrap import wrap

from tidegate.cli.left_on_disk import Left
from tidegate.cli.terminal import Terminal, safe
from tidegate.daemon.admin.overview import Overview
from tidegate.daemon.telemetry.balance import Balance, is_even

_LAST = 5
"""Complaints shown; --json has all that are kept."""
_CAME = "received + made by Tidegate + found in the spool + unresolved"
_ALWAYS = ("received", "unresolved", "stored: indexed", "in the spool")
"""Shown also where they are 0."""
_COLOURS = {"well": "green", "degraded": "yellow", "refusing": "red"}


def lines(view: Overview, terminal: Terminal, now: float) -> list[str]:
    """The page; `now`: seconds since the epoch."""
    colour = _COLOURS.get(view.verdict, "yellow")
    found = [
        terminal.paint(f"Tidegate {view.version} is {_verdict(view)}", "bold", colour)
        + f", {view.state} for {long_time(view.uptime)}"
    ]
    found += [f"  {terminal.paint(safe(reason), colour)}" for reason in view.reasons]
    return [*found, *_processes(view), *_ways(view), *_counts(view, now), *_complaints(view, terminal, now)]


def absent_lines(path_data: Path, left: Left, terminal: Terminal) -> list[str]:
    """Where no instance runs."""
    found = [terminal.paint(f"no Tidegate runs with path.data {path_data}", "bold", "yellow")]
    if left.documents:
        found.append(f"  {left.documents} events wait in its spool ({size(left.bytes)}); the next start sends them")
    elif not left.trouble:
        found.append("  nothing waits in its spool")
    return found + [f"  {safe(text)}" for text in left.trouble]


def _verdict(view: Overview) -> str:
    return {"well": "well", "degraded": "degraded", "refusing": "refusing events"}.get(view.verdict, view.verdict)


def _processes(view: Overview) -> Iterator[str]:
    yield ""
    yield "PROCESS         PID  STATE     UPTIME  RESTARTS     CPU    MEMORY"
    for process in view.processes:
        name = f"{process.role} {process.number}" if process.number else process.role
        cpu = f"{process.cpu:.1f} s"
        yield (
            f"{name:<12}{process.pid:>7}  {process.state:<8}{long_time(process.uptime):>8}{process.restarts:>10}"
            f"{cpu:>8}{size(process.resident):>10}"
        )


def _ways(view: Overview) -> Iterator[str]:
    intake, spool, store = view.intake, view.spool, view.store
    yield ""
    yield (
        f"Intake   {intake.connections} connections, {intake.unanswered_batches} batches with workers, "
        f"{size(intake.credit_bytes)} of credit, {intake.waiting_requests} requests wait for some"
    )
    oldest = f", the oldest for {long_time(spool.oldest)}" if spool.documents else ""
    yield f"Spool    {spool.documents} events{oldest}; {size(spool.bytes)} of {size(spool.limit_bytes)} on disk"
    covers = "no traffic now" if spool.covers is None else f"at {size(spool.rate)}/s that is {long_time(spool.covers)}"
    yield f"         an outage of the store may fill {size(spool.free_bytes)}: {covers}"
    ready = "ready" if store.ready else "not ready"
    yield f"Store    {ready}, {store.requests_in_flight} requests under way, {store.held} documents wait for another try"


def _counts(view: Overview, now: float) -> Iterator[str]:
    yield ""
    yield f"{'':<34}{'this start':>14}{'since ' + long_time(now - view.first_start) + ' ago':>20}"
    rows = zip(_rows(view.since_start), _rows(view.since_first_start), strict=True)
    for (name, one), (_, all_of) in rows:
        if one or all_of or name in _ALWAYS:
            yield f"{name:<34}{one:>14}{all_of:>20}"
    even = is_even(view.since_start) and is_even(view.since_first_start)
    yield f"{_CAME} {'=' if even else 'is NOT (please report this)'} all below them"


def _rows(balance: Balance) -> Iterator[tuple[str, int]]:
    yield "received", balance.received
    yield "made by Tidegate itself", balance.own
    yield "found in the spool at a start", balance.recovered
    yield "unresolved", balance.unresolved
    yield from _named("stored", balance.stored)
    yield "dead letters", balance.dead_letters
    yield "lost", balance.lost
    yield from _named("rejected", balance.rejected)
    yield from _named("dropped", balance.dropped)
    yield "in the spool", balance.spooled
    yield "under way", balance.under_way


def _named(what: str, numbers: Mapping[str, int]) -> Iterator[tuple[str, int]]:
    for name, number in numbers.items():
        yield f"{what}: {name.replace('_', ' ')}", number


def _complaints(view: Overview, terminal: Terminal, now: float) -> Iterator[str]:
    if view.complaints:
        yield ""
        yield "Last complaints (the log has all)"
    for one in view.complaints[-_LAST:]:
        text = f"{long_time(now - one.moment)} ago, {one.process}: {safe(one.text)}"
        # Whole: what to do stands at the end of a message.
        for line in wrap(text, terminal.width, initial_indent="  ", subsequent_indent=" " * 6, break_on_hyphens=False):
            yield terminal.paint(line, "yellow" if one.level == "warning" else "red")


def long_time(seconds: float) -> str:
    """`12 s`, `5 min`, `3.2 h`, `8 days`."""
    if seconds < 100:
        return f"{max(0.0, seconds):.0f} s"
    if seconds < 100 * 60:
        return f"{seconds / 60:.0f} min"
    if seconds < 72 * 3600:
        return f"{seconds / 3600:.1f} h"
    return f"{seconds / 86400:.0f} days"


def size(number: float) -> str:
    """`512 B`, `1.5 MiB`."""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if number < 1024:
            return f"{number:.0f} {unit}" if unit == "B" else f"{number:.1f} {unit}"
        number /= 1024
    return f"{number:.1f} TiB"
