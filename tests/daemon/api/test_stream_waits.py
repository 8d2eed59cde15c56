"""The intake stream when it has to wait, or cannot wait any longer: age, credit, loss."""

from __future__ import annotations

import gzip

import pytest
from http_scenes import StreamScene
from tidegate.daemon.wire.frames import StreamError

META = b'{"metadata":{}}\n'
LINES = [b'{"log":{"message":"%05d"}}\n' % number for number in range(20_000)]


def test_old_lines_go_out_before_a_batch_is_full() -> None:
    setup = StreamScene(credit=1000)
    setup.send(META + LINES[0] + LINES[1][:5], end=False)
    setup.clock.advance(0.1)
    setup.send(LINES[1][5:], end=False)
    assert not setup.courier.parcels
    setup.clock.advance(0.11)
    assert [parcel.lines for parcel in setup.courier.parcels] == [LINES[0] + LINES[1]]
    setup.clock.advance(10)
    assert len(setup.courier.parcels) == 1
    setup.send(LINES[2], end=False)
    setup.clock.advance(0.21)
    setup.send(LINES[3])
    assert [parcel.lines for parcel in setup.courier.parcels[1:]] == [LINES[2], LINES[3]]
    setup.courier.answer_all()
    assert setup.exchange.body == {"accepted": 4}


def test_without_credit_it_reads_no_further_and_goes_on_with_credit() -> None:
    setup = StreamScene(credit=1, encoding=b"gzip")
    body = META + b"".join(LINES)
    packed = gzip.compress(body, mtime=0)
    setup.send(packed[:50_000], end=False)
    assert len(setup.courier.parcels) == 1
    assert not setup.exchange.wanted
    for _ in range(100):
        setup.courier.give(1)
        setup.clock.settle()
        if setup.exchange.wanted:
            break
    setup.courier.give(1000)
    setup.send(packed[50_000:])
    assert setup.courier.lines == body[len(META) :]
    setup.courier.answer_all()
    assert setup.exchange.body == {"accepted": len(LINES)}


def test_without_credit_for_too_long_the_client_is_told_why() -> None:
    setup = StreamScene(credit=1)
    setup.send(META + b"".join(LINES[:5000]), end=False, size=1_000_000)
    assert len(setup.courier.parcels) == 1
    setup.clock.advance(4.9)
    assert not setup.exchange.answers
    setup.clock.advance(0.2)
    # What was handed over still counts: the answer waits for its verdict.
    assert not setup.exchange.answers
    setup.courier.answer_all()
    assert setup.exchange.status == 503
    assert setup.errors == [("cannot handle stream: cannot process batch: queue is full: all workers are busy", None)]
    assert setup.exchange.body["accepted"] == setup.courier.parcels[0].lines.count(b"\n") > 0
    assert ("Retry-After", "5") in setup.exchange.answers[0].headers
    assert not setup.courier.line
    setup.courier.give(10)
    assert len(setup.courier.parcels) == 1


def test_credit_in_time_takes_the_deadline_away() -> None:
    setup = StreamScene(credit=0)
    setup.send(META + LINES[0])
    setup.clock.advance(4.9)
    setup.courier.give(1)
    setup.clock.advance(60)
    assert not setup.exchange.answers
    setup.courier.answer_all()
    assert setup.exchange.body == {"accepted": 1}


def test_credit_that_another_took_first_is_waited_for_again() -> None:
    setup = StreamScene(credit=0)
    setup.send(META + LINES[0])
    setup.courier.line.pop(0)()
    assert len(setup.courier.line) == 1
    setup.clock.advance(5.1)
    assert setup.exchange.status == 503


def test_a_worker_that_cannot_store_ends_the_stream() -> None:
    setup = StreamScene()
    setup.send(META + b"".join(LINES), end=False, size=1_000_000)
    setup.courier.answer(0)
    setup.courier.answer(1, ended=StreamError(503, "spool is full (2.0 GiB, tidegate.spool.max_bytes)"))
    assert not setup.exchange.wanted
    sent = len(setup.courier.parcels)
    setup.courier.answer_all()
    assert len(setup.courier.parcels) == sent
    assert setup.exchange.status == 503
    reason = "spool is full (2.0 GiB, tidegate.spool.max_bytes)"
    assert setup.errors == [(f"cannot handle stream: cannot process batch: queue is full: {reason}", None)]
    assert setup.exchange.body["accepted"] > 0


@pytest.mark.parametrize("answered_first", [True, False])
def test_a_lost_body_hands_over_its_whole_lines(answered_first: bool) -> None:
    setup = StreamScene()
    setup.send(META + LINES[0] + LINES[1][:9], end=False)
    if answered_first:
        setup.clock.advance(0.3)
        setup.courier.answer_all()
    setup.stream.lost()
    assert setup.courier.lines == LINES[0]
    assert (setup.exchange.status, setup.exchange.body) == (503, "request timed out")
    setup.courier.answer_all()


def test_a_body_lost_without_credit_waits_for_it_and_no_longer_than_others() -> None:
    for seconds, sent in ((1.0, LINES[0]), (10.0, b"")):
        setup = StreamScene(credit=0)
        setup.send(META + LINES[0], end=False)
        setup.stream.lost()
        setup.clock.advance(seconds)
        setup.courier.give(1)
        assert setup.courier.lines == sent
        assert setup.exchange.body == "request timed out"


def test_lost_while_verdicts_are_awaited() -> None:
    setup = StreamScene()
    setup.send(META + LINES[0])
    setup.stream.lost()
    assert setup.exchange.body == "request timed out"
    setup.courier.answer_all()


def test_an_answer_that_takes_too_long_is_given_up() -> None:
    setup = StreamScene()
    setup.send(META + LINES[0])
    setup.stream.expire()
    assert setup.exchange.body == "request timed out"
    setup.stream.expire()
    setup.courier.answer_all()


def test_a_stream_that_ended_early_does_not_wait_for_verdicts_for_ever() -> None:
    setup = StreamScene(encoding=b"gzip", write_timeout=3.0)
    setup.send(gzip.compress(META + LINES[0], mtime=0)[:-4] + b"1234", end=False)
    setup.clock.advance(2.9)
    assert not setup.exchange.answers
    setup.clock.advance(0.2)
    assert setup.exchange.body == "request timed out"
