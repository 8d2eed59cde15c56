"""A sink that is exchanged while the dispatcher runs, as a reload does it."""

from __future__ import annotations

from dispatch_bench import LIMITS, Bench, FakeSink
from tidegate.workers.sinks.contract import TryAgain
from tidegate.workers.sinks.dispatch import State


def test_an_exchanged_sink_ends_with_its_last_request_and_what_waits_goes_to_the_other() -> None:
    """Credentials that were wrong are made good by a reload."""
    bench = Bench()
    bench.send("a", TryAgain("wrong password", degraded=True))
    bench.until_quiet(seconds=0.0)
    assert bench.state.degraded == "wrong password"
    other = FakeSink()
    other.readiness += [False]
    old = bench.sink
    bench.dispatcher.exchange(other, LIMITS, 5.0)
    assert old.closed
    assert not bench.state.ready
    bench.spool.put("b")
    bench.until_quiet()
    assert "".join(sorted("".join(other.calls))) == "ab"
    assert sorted(bench.spool.done_names) == ["a", "b"]
    assert bench.state == State(True, "", 0, 0, 0)


def test_other_limits_leave_the_sink_as_it_is() -> None:
    bench = Bench()
    bench.dispatcher.exchange(bench.sink, LIMITS._replace(flush_documents=1), 5.0)
    bench.send("a")
    assert not bench.sink.closed
    assert bench.state.ready
