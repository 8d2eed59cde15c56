"""Results in words and tables, for a terminal. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from tidegate.loadtest.result import GroupResult, Result
from tidegate.loadtest.tally import Tally

PERCENTILES = (50.0, 90.0, 99.0, 99.9)
_MIB = 1 << 20
_REASONS_SHOWN = 8


def milliseconds(microseconds: float) -> str:
    """A duration with three digits that count."""
    value = microseconds / 1000
    return f"{value:.0f} ms" if value >= 100 else f"{value:.3g} ms"


def progress_line(elapsed: float, duration: float, tallies: Sequence[Tally]) -> str:
    """How a run goes, in one line; the last whole second counts."""
    second = int(elapsed) - 1
    parts = []
    for tally in tallies:
        last = tally.seconds.get(second)
        wait = milliseconds(last.latency.percentile(99)) if last else "no answers"
        refused = sum(count for status, count in tally.statuses.items() if status not in ("200", "202"))
        parts.append(f"{tally.name}: {last.accepted if last else 0} events/s, p99 {wait}, {refused} refused")
    return f"{elapsed:4.0f} of {duration:.0f} s   " + "   ".join(parts)


def summary(result: Result) -> str:
    """The whole, for a terminal."""
    rate = f"{result.rate:g} events/s (open loop)" if result.rate else "as fast as answered (closed loop)"
    lines = [
        f"{result.profile} against {result.target}, {result.duration:g} s, {result.connections} connections, {rate}",
        "",
    ]
    for group in result.groups:
        lines += [*_group(group, result.duration), ""]
    if result.processes:
        lines += _server(result)
    else:
        lines.append("the server's processes were not seen from here: no CPU and memory (--pid names the process)")
    return "\n".join(lines).rstrip() + "\n"


def _group(group: GroupResult, duration: float) -> list[str]:
    lines = [
        f"{group.name}: {group.accepted} events accepted of {group.events} sent, {group.accepted / duration:.0f}/s",
        f"  sent      {group.requests} requests, {group.bytes / _MIB:.1f} MiB",
        "  answers   " + (", ".join(f"{status}: {count}" for status, count in group.statuses.items()) or "none"),
    ]
    found = group.histogram
    if found.count:
        each = [f"p{percent:g} {milliseconds(found.percentile(percent))}" for percent in PERCENTILES]
        lines.append(f"  latency   {', '.join(each)}, most {milliseconds(found.largest)}")
    if group.unsent:
        lines.append(f"  not sent  {group.unsent} requests that were due: all connections were busy (--connections)")
    for number, (reason, count) in enumerate(group.reasons.items()):
        if number == _REASONS_SHOWN:
            lines.append(f"            and {len(group.reasons) - number} more kinds (--json has all)")
            break
        lines.append(f"  {'refused' if not number else '       '}   {count} × {printable(reason)}")
    return lines


def _server(result: Result) -> list[str]:
    rows = [
        (
            one.name,
            str(one.pid),
            f"{one.cpu:.1f} s",
            f"{one.most_resident / _MIB:.0f} MiB",
            f"{one.resident[-1] / _MIB:.0f} MiB",
        )
        for one in result.processes
        if one.resident
    ]
    lines = table(("process", "pid", "CPU", "most memory", "at the end"), rows)
    each = result.cpu_per_event()
    if each:
        parts = ", ".join(f"{name} {value:.1f}" for name, value in sorted(each.items()))
        lines += ["", f"µs of CPU per accepted event: {parts}; together {sum(each.values()):.1f}"]
    return lines


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Columns, the first to the left, the others to the right."""
    everything = [head, *rows]
    widths = [max(len(row[column]) for row in everything) for column in range(len(head))]
    return [
        "  ".join(
            cell.rjust(width) if place else cell.ljust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in everything
    ]


def comparison(first: Result, second: Result) -> str:
    """Two results side by side. Groups are matched by name."""
    rows: list[tuple[str, str, str, str]] = []

    def add(name: str, one: float, other: float, unit: str = "") -> None:
        change = f"{100 * (other / one - 1):+.0f} %" if one else "–"
        rows.append((name, f"{one:.4g}{unit}", f"{other:.4g}{unit}", change))

    others = {group.name: group for group in second.groups}
    for group in first.groups:
        other = others.get(group.name)
        if other is None:
            continue
        add(f"{group.name}: events accepted/s", group.accepted / first.duration, other.accepted / second.duration)
        add(f"{group.name}: requests refused or lost", _refused(group), _refused(other))
        here, there = group.histogram, other.histogram
        for percent in PERCENTILES:
            add(f"{group.name}: p{percent:g}", here.percentile(percent) / 1000, there.percentile(percent) / 1000, " ms")
    one, two = first.cpu_per_event(), second.cpu_per_event()
    if one and two:
        add("µs of CPU per accepted event", sum(one.values()), sum(two.values()))
        for name in sorted(one.keys() & two.keys()):
            add(f"  {name}", one[name], two[name])
    if first.processes and second.processes:
        add("most memory of the server", _memory(first), _memory(second), " MiB")
    head = ("", first.started[:16], second.started[:16], "change")
    lines = table(head, rows)
    if (first.profile, first.rate, first.connections) != (second.profile, second.rate, second.connections):
        lines += ["", "the two were not run with the same profile, rate and connections"]
    return "\n".join(lines) + "\n"


def _refused(group: GroupResult) -> int:
    return sum(count for status, count in group.statuses.items() if status not in ("200", "202"))


def _memory(result: Result) -> float:
    return sum(process.most_resident for process in result.processes) / _MIB


def printable(text: str) -> str:
    """Words of a server, safe for a terminal."""
    return "".join(character if character.isprintable() else "?" for character in text)
