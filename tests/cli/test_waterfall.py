"""The picture of a trace: golden output, broken trees, bounds, safety."""

from __future__ import annotations

import re
import time

import pytest
from tidegate.cli.terminal import ASCII, UNICODE, Terminal, columns
from tidegate.cli.trace_tree import build_tree, choose
from tidegate.cli.waterfall import draw
from tidegate.workers.sinks.local_reader import Entry, Trace
from tidegate.workers.sinks.local_schema import Kind

PLAIN = Terminal(80, False, UNICODE)
BEGIN = 1_735_725_600_123_456


def entry(kind: Kind, identity: str, parent: str | None, at_us: int, took_us: int | None, **more: object) -> Entry:
    fields = dict.fromkeys(Entry._fields)
    fields |= {
        "kind": kind,
        "timestamp_us": BEGIN + at_us,
        "span_id": identity,
        "parent_id": parent,
        "duration_us": took_us,
    }
    fields |= {
        "transaction_id": identity if kind is Kind.TRANSACTION else None,
        "service": "shop",
        "name": identity,
    } | more
    return Entry(**fields)  # type: ignore[arg-type] # a table of mixed values


def span(identity: str, parent: str | None, at_us: int = 0, took_us: int = 1000, **more: object) -> Entry:
    return entry(Kind.SPAN, identity, parent, at_us, took_us, **{"type": "app", **more})


def transaction(identity: str, parent: str | None = None, at_us: int = 0, took_us: int = 1000, **more: object) -> Entry:
    return entry(Kind.TRANSACTION, identity, parent, at_us, took_us, **{"type": "request", **more})


def error(parent: str | None, message: str, **more: object) -> Entry:
    return entry(Kind.ERROR, "", parent, 0, None, message=message, name=None, **more)


def picture(*entries: Entry, terminal: Terminal = PLAIN, limit: int = 200, logs: int = 0) -> list[str]:
    ordered = sorted(entries, key=lambda one: one.timestamp_us)
    return draw(Trace("0af7651916cd43dd8448eb211c80319c", ordered, logs, 0), terminal, limit)


SHOP = (
    transaction("POST /cart/<id>", took_us=284_299, result="HTTP 5xx", outcome="failure"),
    span("SELECT FROM cart", "POST /cart/<id>", 10_000, 40_148, type="db", subtype="postgresql"),
    span("SELECT FROM item", "POST /cart/<id>", 60_000, 30_000, type="db", subtype="postgresql", composite=12),
    span("POST pay.example", "POST /cart/<id>", 100_000, 150_000, type="external", subtype="http", outcome="failure"),
    transaction("POST /pay", "POST pay.example", 90_000, 100_000, service="pay", result="HTTP 5xx", outcome="failure"),
    span("GET rates", "POST /pay", 95_000, 850, service="pay", type="cache", subtype="redis"),
    error(
        "POST /pay", "TimeoutError: no answer from the bank", type="TimeoutError", culprit="pay.bank.ask", service="pay"
    ),
    error("gone", "nobody knows where this belongs", type="ValueError"),
    span("send mail", "lost", 250_000, 90_000, transaction_id="POST /cart/<id>", type="messaging", subtype="smtp"),
    transaction("GET /ping", "elsewhere", 300_000, 0, service="pay", name=None),
)

GOLDEN = """\
trace 0af7651916cd43dd8448eb211c80319c
2025-01-01 10:00:00.123 UTC
340 ms · 2 services · 3 transactions · 5 spans · 2 errors · 2 log records
clocks differ: pay is shown 35.0 ms later than it says

                                          start duration  0              340 ms
✗ shop: POST /cart/<id> · HTTP 5xx            0   284 ms │██████████████████   │
├ SELECT FROM cart · postgresql         10.0 ms  40.1 ms │▆▆                   │
├ SELECT FROM item ×12 · postgresql     60.0 ms  30.0 ms │   ▆▆                │
├ ✗ POST pay.example · http              100 ms   150 ms │      ▆▆▆▆▆▆▆▆▆      │
│ └ ✗ pay: POST /pay · HTTP 5xx          125 ms   100 ms │       ██████        │
│   │ ✗ TimeoutError: no answer from the bank (at pay.bank.ask)
│   └ GET rates · redis                  130 ms   850 µs │        ▆            │
└ ? send mail · smtp                     250 ms  90.0 ms │               ▆▆▆▆▆▆│
? pay: (no name) · request               300 ms        0 │                  █  │
errors of events that are not here:
✗ ValueError: nobody knows where this belongs
? its place is a guess: parent not here
"""


def test_golden() -> None:
    assert "\n".join(line.rstrip() for line in picture(*SHOP, logs=2)) == GOLDEN.rstrip("\n")


def test_ascii_only() -> None:
    lines = picture(*SHOP, terminal=Terminal(80, False, ASCII))
    assert all(line.isascii() for line in lines)
    assert "! shop: POST /cart/<id> - HTTP 5xx" in lines[6]


def test_colour_changes_nothing_else() -> None:
    coloured = picture(*SHOP, terminal=Terminal(80, True, UNICODE))
    assert [re.sub(r"\x1b\[[0-9;]*m", "", line) for line in coloured] == picture(*SHOP)
    assert any("\x1b[31m" in line for line in coloured)


@pytest.mark.parametrize("width", [40, 60, 80, 81, 200])
def test_rows_fill_the_width(width: int) -> None:
    wide = transaction("wide", None, 0, 5000, name="注文を作成する" * 20, service="店")
    lines = picture(*SHOP, wide, terminal=Terminal(width, False, UNICODE))
    rows = [line for line in lines if line.endswith("│")]
    assert len(rows) == 9
    assert {columns(row) for row in rows} == {width}


def test_nothing_from_an_event_reaches_the_terminal() -> None:
    hostile = "\x1b[2J\x1b]0;owned\x07\r\n\u202eevil\u2066\u200b\x9b31m\x00"
    fields = {"service": hostile, "name": hostile, "result": hostile}
    lines = picture(
        transaction("t", "p", 0, 10, **fields),
        span("s", "t", 0, 10, service=hostile, name=hostile, subtype=hostile),
        error("t", hostile, type=hostile, culprit=hostile),
        error(None, hostile),
        terminal=Terminal(400, False, UNICODE),
    )
    assert all(line.isprintable() for line in lines)
    assert any("\\x1b[2J" in line and "\\u202e" in line for line in lines)


def test_loops_of_parents_end() -> None:
    entries = [
        span("self", "self", 1),
        span("a", "c", 2),
        span("b", "a", 3),
        span("c", "b", 4),
        span("below", "b", 5),
        transaction("x", "y", 6),
        transaction("y", "x", 7),
    ]
    tree = build_tree(entries)
    assert sorted(node.entry.span_id or "" for node, _ in tree.walk()) == ["a", "b", "below", "c", "self", "x", "y"]
    assert {root.entry.span_id: root.note for root in tree.roots} == {
        "self": "is its own parent",
        "a": "its parents are a loop",
        "x": "its parents are a loop",
    }
    assert "? shop: a · app" in "\n".join(picture(*entries))


def test_below_a_loop_comes_first() -> None:
    """The earliest event hangs below a loop without being in it."""
    tree = build_tree([span("early", "a", 0), span("a", "b", 1), span("b", "a", 2)])
    assert [(node.entry.span_id, depth) for node, depth in tree.walk()] == [("a", 0), ("early", 1), ("b", 1)]


def test_ids_that_occur_twice() -> None:
    tree = build_tree([transaction("t"), span("s", "t", 1), span("s", "t", 2), span("child", "s", 3)])
    assert [(node.entry.span_id, depth) for node, depth in tree.walk()] == [("t", 0), ("s", 1), ("child", 2), ("s", 1)]


def test_errors_hang_where_they_belong() -> None:
    tree = build_tree(
        [transaction("t"), span("s", "t"), error("s", "1"), error("gone", "2", transaction_id="t"), error(None, "3")]
    )
    assert [[one.message for one in node.errors] for node, _ in tree.walk()] == [["2"], ["1"]]
    assert [one.message for one in tree.errors] == ["3"]


def test_ten_thousand_spans_are_bounded() -> None:
    spans = [span(f"s{number}", "t", number, 1 + number % 977) for number in range(10_000)]
    spans[1234] = span("s1234", "t", 1234, 1, outcome="failure")
    began = time.perf_counter()
    lines = picture(transaction("t", took_us=20_000), *spans, limit=200)
    assert time.perf_counter() - began < 5
    assert len(lines) < 220
    assert "✗ s1234 · app" in "\n".join(lines)
    assert lines[-1] == "9801 more events not shown: --limit 0 shows all"
    assert lines[-2] == "└ … 9801 events not shown"
    assert len(picture(transaction("t"), *spans, limit=0)) == 10_001 + 5


def test_a_chain_of_ten_thousand() -> None:
    spans = [span(f"s{number}", f"s{number - 1}" if number else "t", number) for number in range(10_000)]
    began = time.perf_counter()
    lines = picture(transaction("t"), *spans, limit=0)
    assert time.perf_counter() - began < 10
    assert max(map(columns, lines)) <= 80
    assert "…9000 s8999" in "\n".join(lines)
    assert len(picture(transaction("t"), *spans, limit=50)) < 70


@pytest.mark.parametrize(("limit", "hidden"), [(1, 5), (2, 4), (3, 3), (6, 0), (0, 0)])
def test_chosen_events_have_all_above_them(limit: int, hidden: int) -> None:
    tree = build_tree(
        [
            transaction("t", took_us=100),
            span("long", "t", took_us=90),
            span("deep", "long", took_us=5),
            span("deepest", "deep", took_us=1, outcome="failure"),
            span("short", "t", took_us=2),
            span("shorter", "t", took_us=1),
        ]
    )
    assert choose(tree, limit) == hidden
    assert all(node.parent.visible for node in tree.nodes if node.visible and node.parent is not None)
    assert sum(not node.visible for node in tree.nodes) == hidden


def test_many_errors_of_one_event() -> None:
    lines = picture(transaction("t"), *[error("t", f"again {number}") for number in range(1000)])
    assert sum("again" in line for line in lines) == 5
    assert "  … 995 more errors" in lines


@pytest.mark.parametrize(
    ("child_at", "child_took", "shown_at"),
    [(-5000, 4000, 3000), (2000, 1000, 2000), (-5000, 50_000, 0), (50_000, 10, 50_000)],
    ids=["early: the middle of the call", "in time", "early and longer than the call", "late: left alone"],
)
def test_clocks_that_differ(child_at: int, child_took: int, shown_at: int) -> None:
    tree = build_tree([transaction("t", took_us=10_000), transaction("u", "t", child_at, child_took, service="other")])
    (child,) = tree.roots[0].children
    assert child.start_us - BEGIN == shown_at


def test_only_errors() -> None:
    assert picture(error(None, "alone")) == [
        "trace 0af7651916cd43dd8448eb211c80319c",
        "2025-01-01 10:00:00.123 UTC",
        "0 · 1 service · 0 transactions · 0 spans · 1 error",
        "",
        "errors of events that are not here:",
        "✗ alone",
    ]
