"""Tallies, results, tables, pages: from answers to what a person reads."""

from __future__ import annotations

from html.parser import HTMLParser
from random import Random

import pytest
from tidegate.loadtest.pace import arrivals
from tidegate.loadtest.page import page
from tidegate.loadtest.plots import Line, chart, nice_step
from tidegate.loadtest.result import FORMAT, ProcessResult, Result, ResultError, group_result, read_result, write_result
from tidegate.loadtest.tally import MOST_REASONS, Tally
from tidegate.loadtest.words import comparison, progress_line, summary

HOSTILE = "<script>alert(1)</script>\x1b[31m"


def tally() -> Tally:
    made = Tally("good")
    made.answered(100, 202, b"", 12_000, 0.5)
    made.answered(100, 400, b'{"accepted":40,"errors":[{"message":"line 17 is bad"}]}', 30_000, 1.2)
    made.answered(100, 503, b'{"accepted":0,"errors":[{"message":"queue is full"}]}', 90_000, 1.9)
    made.answered(100, 502, b"<html>a proxy's own</html>", 5_000, 2.0)
    made.lost(100, "connection cut")
    made.refuse(HOSTILE)
    return made


def result(rate: float | None = 500.0) -> Result:
    processes = [ProcessResult("worker", 7, 1.5, 60 << 20, [0.5, 1.0], [50 << 20, 60 << 20])]
    return Result(
        FORMAT, "0.1.0", "2026-01-01T00:00:00+00:00", "http://127.0.0.1:8200", "backend", rate, 3.0, 4, "Linux",
        [group_result(tally())], processes,
    )  # fmt: skip


def test_answers_are_counted_as_the_server_says() -> None:
    made = tally()
    assert (made.requests, made.events, made.accepted) == (5, 500, 140)
    assert made.statuses == {"202": 1, "400": 1, "503": 1, "502": 1, "none": 1}
    assert {
        "400 line N is bad": 1,
        "503 queue is full": 1,
        "502": 1,
        "connection cut": 1,
    }.items() <= made.reasons.items()
    assert sorted(made.seconds) == [0, 1, 2] and made.seconds[1].accepted == 40


def test_a_server_cannot_fill_memory_with_reasons() -> None:
    made = Tally("good")
    for number in range(500):
        made.answered(1, 400, b'{"error":"%s"}' % bytes([97 + number % 26]) * (1 + number // 26), 1, 0.0)
        made.lost(1, f"reason {'x' * number}")
    assert len(made.reasons) <= MOST_REASONS + 1


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{", b'{"accepted":-5}', b'{"accepted":1e9}', b'{"accepted":99999}', b"\xff"]
)
def test_odd_answers_are_no_trouble(body: bytes) -> None:
    made = Tally("good")
    made.answered(10, 400, body, 1, 0.0)
    assert made.accepted <= 10


def test_results_come_back_from_json() -> None:
    there = result()
    assert read_result(write_result(there), "a.json") == there


@pytest.mark.parametrize(
    "content", [b"", b"{}", b'{"format":99}', write_result(result()).replace(b'"format": 1', b'"format": 2')]
)
def test_what_is_no_result_is_named(content: bytes) -> None:
    with pytest.raises(ResultError, match=r"a\.json"):
        read_result(content, "a.json")


def test_the_summary_names_what_was_refused_and_is_safe_for_a_terminal() -> None:
    text = summary(result())
    assert "140 events accepted of 500" in text and "1 × 503 queue is full" in text and "\x1b" not in text
    assert "worker 10714.3" in text, "1.5 s for 140 events"


def test_a_comparison_says_how_much_and_whether_it_is_fair() -> None:
    slower = result()
    slower.processes[0].cpu = 3.0
    text = comparison(result(), slower)
    assert "+100 %" in text and "not run with the same" not in text
    assert "not run with the same" in comparison(result(), result(None))


class _Page(HTMLParser):
    """Which elements there are, and which of them would fetch something."""

    def __init__(self) -> None:
        super().__init__()
        self.elements: set[str] = set()
        self.fetches: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.add(tag)
        self.fetches += [f"{tag} {name}" for name, _ in attrs if name in ("src", "href", "srcset", "xlink:href")]


def test_the_page_is_whole_by_itself_and_runs_nothing() -> None:
    text = page(result())
    seen = _Page()
    seen.feed(text)
    assert "svg" in seen.elements and "script" not in seen.elements and not seen.fetches
    assert "url(" not in text and "&lt;script&gt;" in text


def test_charts_of_nothing_and_of_one_point() -> None:
    assert "nothing was measured" in chart([], "ms", "s")
    assert "polyline" in chart([Line("a", [(0.0, 0.0)])], "ms", "s")


@pytest.mark.parametrize(
    ("raw", "step"), [(0, 1), (0.9, 1), (1, 1), (1.1, 2), (3, 5), (6, 10), (120, 200), (0.03, 0.05)]
)
def test_steps_of_an_axis_are_round(raw: float, step: float) -> None:
    assert nice_step(raw) == pytest.approx(step)


def test_progress_shows_the_last_whole_second() -> None:
    line = progress_line(2.05, 30, [tally()])
    assert "40 events/s" in line and "p99 90 ms" in line and "4 refused" in line


def test_arrivals_come_at_the_rate_and_end() -> None:
    times = list(arrivals(200.0, 50.0, Random(1)))
    assert times == sorted(times) and times[-1] < 50
    assert 9_500 < len(times) < 10_500
