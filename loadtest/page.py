"""A result as one HTML page that needs nothing else: no script, no other file. Pure."""

from __future__ import annotations

import math
from html import escape

from tidegate.loadtest.plots import Line, chart
from tidegate.loadtest.result import GroupResult, Result
from tidegate.loadtest.words import PERCENTILES, milliseconds

_MIB = 1 << 20
_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; color: #1b1f24; max-width: 820px; margin: 2em auto; padding: 0 1em }
table { border-collapse: collapse; margin: .5em 0 1em } td, th { padding: .2em .8em .2em 0; text-align: right }
td:first-child, th:first-child { text-align: left } svg { width: 100%; height: auto }
svg text { font-size: 11px; fill: #57606a } .up { text-anchor: end } .across { text-anchor: middle }
.grid { stroke: #e3e6ea } polyline { fill: none; stroke-width: 1.6 } .legend { font-size: 13px }
.legend span { margin-right: 1.2em } .legend i { display: inline-block; width: 1em; height: .25em; margin: 0 .4em .2em 0 }
.legend b { float: right; font-weight: normal; color: #57606a }
"""


def page(result: Result) -> str:
    """The whole document."""
    rate = f"{result.rate:g} events/s, open loop" if result.rate else "closed loop"
    title = f"{result.profile} against {result.target}"
    parts = [
        f"<h1>{escape(title)}</h1>",
        f"<p>{escape(result.started)}, {result.duration:g} s, {result.connections} connections, {rate}.</p>",
        f"<p>tidegate-load {escape(result.version)} on {escape(result.machine)}.</p>",
        _groups(result),
        "<h2>Accepted events per second</h2>",
        chart(
            [Line(group.name, [(one.at, one.accepted) for one in group.seconds]) for group in result.groups],
            "events/s",
            "s",
        ),
    ]
    for group in result.groups:
        if group.seconds:
            parts += [f"<h2>Latency: {escape(group.name)}</h2>", _latency_in_time(group), _latency_by_percentile(group)]
    parts += [_refusals(group) for group in result.groups if group.reasons]
    if result.processes:
        parts += _server(result)
    body = "\n".join(parts)
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f"<style>{_STYLE}</style></head><body>\n{body}\n</body></html>\n"
    )


def _table(head: list[str], rows: list[list[str]]) -> str:
    lines = ["<tr>" + "".join(f"<th>{escape(cell)}</th>" for cell in head) + "</tr>"]
    lines += ["<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows]
    return f"<table>{''.join(lines)}</table>"


def _groups(result: Result) -> str:
    rows = []
    for group in result.groups:
        found = group.histogram
        rows.append(
            [
                group.name,
                str(group.requests),
                str(group.events),
                str(group.accepted),
                f"{group.accepted / result.duration:.0f}",
                *(milliseconds(found.percentile(percent)) if found.count else "–" for percent in PERCENTILES),
                milliseconds(found.largest) if found.count else "–",
            ]
        )
    head = ["clients", "requests", "events", "accepted", "per s", *(f"p{percent:g}" for percent in PERCENTILES), "most"]
    return _table(head, rows)


def _latency_in_time(group: GroupResult) -> str:
    seconds = [one for one in group.seconds if one.answers]
    return chart(
        [
            Line("p50", [(one.at, one.p50 / 1000) for one in seconds]),
            Line("p99", [(one.at, one.p99 / 1000) for one in seconds]),
            Line("most", [(one.at, one.max / 1000) for one in seconds]),
        ],
        "ms",
        "s",
    )


def _latency_by_percentile(group: GroupResult) -> str:
    """Percentiles on a scale by nines: 90, 99, 99.9 % stand at equal distances."""
    found = group.histogram
    points, seen = [], 0
    for value, times in found.pairs():
        seen += times
        points.append((math.log10(1 / max(1 - seen / found.count, 1 / (found.count + 1))), value / 1000))
    nines = [(0.0, "0 %"), *((float(number), f"{100 - 100 / 10**number:g} %") for number in range(1, 7))]
    most = max(x for x, _ in points)
    return chart(
        [Line("latency by percentile", [(0.0, points[0][1]), *points])],
        "ms",
        "requests",
        [one for one in nines if one[0] <= most],
    )


def _refusals(group: GroupResult) -> str:
    rows = [[reason, str(count)] for reason, count in group.reasons.items()]
    return f"<h2>Not accepted: {escape(group.name)}</h2>" + _table(["reason", "requests"], rows)


def _server(result: Result) -> list[str]:
    names = [f"{one.name} {one.pid}" for one in result.processes]
    rows = [
        [name, f"{one.cpu:.1f} s", f"{one.most_resident / _MIB:.0f} MiB", f"{one.resident[-1] / _MIB:.0f} MiB"]
        for name, one in zip(names, result.processes, strict=True)
        if one.resident
    ]
    each = result.cpu_per_event()
    lines = ["<h2>The server's processes</h2>", _table(["process", "CPU", "most memory", "at the end"], rows)]
    if each:
        words = ", ".join(f"{name} {value:.1f}" for name, value in sorted(each.items()))
        lines.append(f"<p>µs of CPU per accepted event: {escape(words)}; together {sum(each.values()):.1f}.</p>")
    share = [Line(name, list(enumerate(one.cpu_share))) for name, one in zip(names, result.processes, strict=True)]
    memory = [
        Line(name, [(at, size / _MIB) for at, size in enumerate(one.resident)])
        for name, one in zip(names, result.processes, strict=True)
    ]
    return [*lines, chart(share, "CPU, cores", "s"), chart(memory, "memory, MiB", "s")]
