"""The dispatcher with a fake clock, sink and spool: each answer leads to its outcome. No thread, no sleep."""

from __future__ import annotations

import logging
from collections import Counter
from typing import Any

import pytest
from dispatch_bench import DEAD, INDEXED, LIMITS, Answer, Bench, but
from tidegate.daemon.telemetry.metrics import DOCUMENTS, place
from tidegate.workers.sinks.contract import TooLarge, TryAgain
from tidegate.workers.sinks.dispatch import State

TABLE: list[tuple[str, list[Answer | Exception], list[str], str, str]] = [
    # what happens, answers, requests, dead letters, done (in order)
    ("stored", [], ["abc"], "", "abc"),
    ("request fails twice", [TryAgain("503", degraded=False)] * 2, ["abc"] * 3, "", "abc"),
    ("no privilege for a while", [TryAgain("403", degraded=True)], ["abc"] * 2, "", "abc"),
    ("one item busy", [but(postponed="b")], ["abc", "b"], "", "abc"),
    ("one item busy for long", [but(postponed="b")] * 3, ["abc", "b", "b", "b"], "", "abc"),
    ("all items busy", [but(postponed="abc")], ["abc", "abc"], "", "abc"),
    ("one item refused", [but(refused="b")], ["abc"], "b", "abc"),
    ("all items refused", [but(refused="abc")], ["abc"], "abc", "abc"),
    ("refused and busy", [but(refused="a", postponed="c")], ["abc", "c"], "a", "abc"),
    ("busy, then refused", [but(postponed="ac"), but(refused="c")], ["abc", "ac"], "c", "abc"),
    ("too large once", [TooLarge()], ["abc", "a", "bc"], "", "abc"),
    ("one document too large", [TooLarge(), TooLarge(), TooLarge()], ["abc", "a", "bc", "b", "c"], "a", "abc"),
    ("defect of the sink", [ZeroDivisionError()], ["abc", "abc"], "", "abc"),
]


@pytest.mark.parametrize(
    ("answers", "calls", "dead", "done"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE]
)
def test_outcomes(answers: list[Any], calls: list[str], dead: str, done: str) -> None:
    bench = Bench()
    bench.sink.answers.extend(answers)
    bench.spool.put("abc")
    bench.until_quiet()
    assert bench.sink.calls == calls
    assert b"".join(letter.action.split(b'"')[9] for letter in bench.letters.written).decode() == dead
    assert "".join(bench.spool.done_names) == done
    assert +bench.dispatcher.counts() == +Counter({INDEXED: 3 - len(dead), DEAD: len(dead)})
    assert bench.state == State(True, "", 0, 0, 0)
    assert bench.tally.get(place(DOCUMENTS, INDEXED)) == 3 - len(dead)
    assert bench.tally.get(place(DOCUMENTS, DEAD)) == len(dead)


def test_block_is_not_done_before_its_last_document() -> None:
    bench = Bench()
    bench.send("abc", but(postponed="b"))
    assert bench.spool.done_names == []
    assert bench.state == State(True, "", 0, 1, 2)
    bench.clock[0] += 1.0
    bench.turn()
    bench.run()
    assert bench.spool.done_names == ["a", "b", "c"]


def test_dead_letter_that_cannot_be_written_keeps_its_block() -> None:
    bench = Bench()
    bench.letters.failures = 1
    bench.send("ab", but(refused="b"), but(refused="b"))
    assert bench.spool.done_names == []
    assert bench.state.degraded == "dead letters cannot be written: No space left on device"
    assert bench.dispatcher.counts()[DEAD] == 0
    bench.until_quiet()
    assert (bench.spool.done_names, len(bench.letters.written)) == (["a", "b"], 1)
    assert +bench.dispatcher.counts() == {INDEXED: 1, DEAD: 1}


def test_nothing_is_written_before_the_sink_is_ready() -> None:
    bench = Bench()
    bench.sink.readiness.extend([False, TryAgain("no cluster", degraded=False)])
    bench.spool.put("a")
    assert bench.turn() == 5.0
    bench.clock[0] += 4.0
    assert bench.turn() == 1.0
    bench.clock[0] += 1.0
    assert bench.turn() == 5.0
    assert bench.state == State(False, "no cluster", 0, 0, 0)
    assert (bench.sink.calls, bench.heard_ready) == ([], 0)
    bench.until_quiet()
    assert (bench.sink.calls, bench.heard_ready) == (["a"], 1)
    assert bench.state.ready


def test_flush_limits() -> None:
    bench = Bench()
    assert bench.turn() is None
    bench.spool.put("a")
    assert bench.turn() == 1.0
    bench.clock[0] += 0.75
    assert bench.turn() == 0.25
    bench.spool.put("b" * 99)
    bench.turn()
    bench.run()
    assert [len(call) for call in bench.sink.calls] == [100]


def test_several_requests_in_flight_up_to_the_limit() -> None:
    bench = Bench()
    for name in "abc":
        bench.spool.put(name)
        bench.clock[0] += 1.0
        bench.turn()
    assert (len(bench.requests), bench.state.in_flight) == (2, 2)
    bench.run()
    bench.until_quiet()
    assert bench.sink.calls == ["a", "b", "c"]


def test_one_probe_at_a_time_with_growing_delays() -> None:
    bench = Bench()
    bench.sink.answers.extend([TryAgain("refused", degraded=False)] * 4)
    for name in "ab":
        bench.spool.put(name)
        bench.clock[0] += 1.0
        bench.turn()
    bench.run()  # both fail: one failure, as they were sent before it was known
    bench.spool.put("c")
    assert bench.turn() == 1.0
    assert bench.state.degraded == "refused"
    bench.clock[0] += 1.0
    assert bench.turn() is None
    assert len(bench.requests) == 1
    bench.run()
    bench.until_quiet()
    assert bench.sink.calls == ["a", "b", "ab", "ab", "ab", "c"]
    assert bench.spool.done_names == ["a", "b", "c"]
    assert bench.state == State(True, "", 0, 0, 0)


@pytest.mark.parametrize(("tries", "most"), [(1, 2.0), (2, 4.0), (5, 32.0), (6, 60.0), (10_000, 60.0)])
def test_jitter_fills_the_whole_range(tries: int, most: float) -> None:
    from tidegate.workers.sinks.schedule import Schedule

    assert Schedule(LIMITS, lambda: 0.0).delay(tries) == 1.0
    assert Schedule(LIMITS, lambda: 1.0).delay(tries) == most


def test_postponed_documents_do_not_hold_up_others() -> None:
    bench = Bench()
    bench.send("ab", but(postponed="b", degraded=True))
    assert bench.state == State(True, "busy", 0, 1, 1)
    bench.sink.answers.append(but(postponed="b", degraded=True))
    bench.send("c")
    assert bench.sink.calls == ["ab", "b", "c"]
    bench.until_quiet()
    assert sorted(bench.spool.done_names) == ["a", "b", "c"]
    assert bench.state.degraded == ""


def test_held_documents_are_bounded() -> None:
    """A stream that nobody takes costs spool, not memory."""
    bench = Bench(LIMITS._replace(flush_bytes=100, max_requests=1))
    bench.sink.answers.extend([but(postponed="x", degraded=True)] * 1000)
    for _ in range(50):
        bench.spool.put("xa")
        bench.clock[0] += 0.01
        bench.turn()
        bench.run()
    assert len(bench.spool.live) > 20
    assert bench.state.held < 20
    bench.sink.answers.clear()
    bench.until_quiet()
    assert len(bench.spool.done_names) == 100


def test_limit_learned_from_413() -> None:
    bench = Bench()
    bench.send("abcdefgh", TooLarge())
    bench.until_quiet()
    assert bench.dispatcher._schedule.max_bytes == 64 << 10


def test_drain_sends_what_is_there_and_leaves_what_fails() -> None:
    bench = Bench()
    bench.send("a")
    bench.spool.put("bc")
    bench.sink.answers.append(but(postponed="c"))
    bench.dispatcher._schedule.draining = True
    assert bench.turn() is None
    bench.run()
    assert bench.turn() is None
    assert bench.dispatcher.drain(0.0)
    assert bench.sink.closed
    assert (bench.sink.calls, bench.spool.done_names) == (["a", "bc"], ["a"])


def test_drain_does_not_wait_for_a_sink_that_fails_or_never_was_ready() -> None:
    bench = Bench()
    bench.send("a", TryAgain("refused", degraded=False))
    assert bench.dispatcher.drain(60.0)
    assert bench.spool.done_names == []
    assert Bench().dispatcher.drain(60.0)


def test_answers_after_the_end_of_a_drain_touch_no_spool() -> None:
    bench = Bench()
    bench.spool.put("a")
    bench.clock[0] += 1.0
    bench.turn()
    assert not bench.dispatcher.drain(0.0)
    bench.run()
    assert bench.spool.done_names == []


def test_trouble_is_logged_once_a_minute_without_content(caplog: pytest.LogCaptureFixture) -> None:
    bench = Bench()
    caplog.set_level(logging.INFO, "tidegate.sink")
    bench.sink.answers.extend([TryAgain("answers 503", degraded=False)] * 70)
    bench.spool.put("ab")
    bench.until_quiet(65.0)
    bench.sink.answers.clear()
    bench.until_quiet()
    bench.send("c", but(refused="c"))
    bench.send("d", but(refused="d"))
    assert [record.getMessage() for record in caplog.records] == [
        "documents stay in the spool and are sent again: answers 503 (1 times)",
        "documents stay in the spool and are sent again: answers 503 (60 times)",
        "documents are stored again",
        "1 documents were refused and are now dead letters, the last for bad (400) in traces-apm-default",
    ]
    assert "secret" not in caplog.text
