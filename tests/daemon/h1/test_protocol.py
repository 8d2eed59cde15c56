"""One connection with a fake transport: flow control, what ends and what stays."""

from __future__ import annotations

import pytest
from http_scenes import REFUSED, Client, Sink
from tidegate.daemon.h1.bounds import DISCARD_BYTES, FIRST_HEAD_SECONDS, READ_AHEAD
from tidegate.daemon.h1.phases import MOVES, Phase
from tidegate.daemon.h1.responses import ACCEPTED

GET = b"GET /now HTTP/1.1\r\nHost: x\r\n\r\n"


def post(length: int, path: str = "/sink", extra: bytes = b"") -> bytes:
    return b"POST %b HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n%b\r\n" % (path.encode(), length, extra)


def test_answers_at_once_in_turn_and_keeps_the_connection() -> None:
    client = Client()
    client.send(GET * 40)
    assert client.statuses() == [200] * 40
    assert client.open
    client.send(b"GET /now HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n" + GET)
    assert client.statuses() == [200]
    assert client.transport.half_closed


def test_a_body_goes_to_its_sink() -> None:
    client = Client()
    client.send(post(5) + b"ab")
    client.send(b"cde" + GET)
    assert (client.sink.pieces, client.sink.events) == ([b"ab", b"cde"], ["end"])
    assert client.statuses() == []
    client.sink.exchange.answer(ACCEPTED)
    assert client.statuses() == [202, 200]
    assert client.service.ended_with == [(202, 5), (200, 0)]


def test_nothing_of_the_body_is_read_before_it_is_wanted() -> None:
    client = Client()
    client.send(post(6, "/later", b"Expect: 100-continue\r\n"))
    assert client.transport.written == b""
    client.clock.advance(300)
    assert client.open
    client.sink.exchange.resume()
    assert client.transport.written == b"HTTP/1.1 100 Continue\r\n\r\n"
    client.clock.settle()
    client.send(b"abc")
    client.sink.exchange.pause()
    assert not client.transport.reading
    client.clock.advance(300)
    client.sink.exchange.resume()
    client.clock.settle()
    assert client.transport.reading
    client.send(b"def")
    assert client.sink.events == ["end"]


def test_reading_ahead_is_bounded() -> None:
    client = Client()
    client.send(post(10 * READ_AHEAD, "/later") + b"a" * (READ_AHEAD // 2))
    assert client.transport.reading
    client.send(b"a" * (READ_AHEAD // 2))
    assert not client.transport.reading
    client.sink.exchange.resume()
    client.clock.settle()
    assert client.transport.reading
    assert sum(map(len, client.sink.pieces)) == READ_AHEAD


def test_pipelined_requests_behind_a_slow_one_are_bounded_too() -> None:
    client = Client()
    client.send(post(0) + GET * 3000)
    assert not client.transport.reading
    client.sink.exchange.answer(ACCEPTED)
    client.clock.settle()
    assert client.statuses() == [202] + [200] * 3000
    assert client.transport.reading


@pytest.mark.parametrize("path", ["/now", "/refuse"])
def test_an_answer_before_the_body_keeps_the_connection_when_the_body_ends_soon(path: str) -> None:
    client = Client()
    client.send(post(100_000, path))
    assert len(client.statuses()) == 1
    client.send(b"a" * 100_000 + GET)
    assert client.statuses() == [200]
    assert client.open


@pytest.mark.parametrize(
    "head",
    [post(DISCARD_BYTES + 1, "/refuse"), b"POST /refuse HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"],
)
def test_a_long_body_after_a_refusal_is_cut_without_harm_to_the_answer(head: bytes) -> None:
    client = Client()
    client.send(head)
    assert client.statuses() == [400]
    chunked = b"chunked" in head
    for _ in range(DISCARD_BYTES // 65536 + 1):
        client.send(b"10000\r\n" + b"a" * 65536 + b"\r\n" if chunked else b"a" * 65536)
    assert client.transport.half_closed
    assert not client.transport.closed
    client.send(b"a" * 65536)
    client.clock.advance(1.1)
    assert client.transport.aborted


def test_a_slow_body_after_a_refusal_is_given_a_second() -> None:
    client = Client()
    client.send(post(1000, "/refuse") + b"a")
    client.clock.advance(0.9)
    assert client.open
    client.clock.advance(0.2)
    assert client.transport.half_closed
    client.protocol.eof_received()
    assert client.transport.closed


def test_a_refusal_to_one_who_waits_for_100_ends_the_connection() -> None:
    client = Client()
    client.send(post(1000, "/refuse", b"Expect: 100-continue\r\n"))
    assert b"100 Continue" not in client.transport.written
    assert b"\r\nConnection: close\r\n" in client.transport.written
    assert client.transport.half_closed


@pytest.mark.parametrize("moment", ["body", "wait", "later"])
def test_a_client_that_leaves_is_told_to_the_sink_and_logged(moment: str) -> None:
    client = Client()
    client.send(post(3, "/later" if moment == "later" else "/sink") + (b"abc" if moment == "wait" else b"a"))
    client.leave()
    assert client.sink.events[-1] == "lost"
    assert client.service.ended_with == [(503, 3)]
    assert (client.service.open, client.statuses()) == (0, [])
    client.clock.advance(1000)


def test_a_half_closed_client_gets_its_answer() -> None:
    client = Client()
    client.send(post(3) + b"abc")
    assert client.protocol.eof_received()
    client.sink.exchange.answer(ACCEPTED)
    assert client.statuses() == [202]
    assert client.transport.closed


def test_a_body_cut_by_half_close_is_lost() -> None:
    client = Client()
    client.send(post(3) + b"ab")
    client.protocol.eof_received()
    assert client.sink.events == ["lost"]
    assert client.statuses() == [503]
    assert client.transport.closed


def test_broken_chunks_end_the_connection_after_the_answer() -> None:
    client = Client()
    client.send(b"POST /sink HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\nzz\r\n")
    assert (client.sink.pieces, client.sink.events) == ([b"a"], ["broken: invalid byte in chunk length"])
    client.sink.exchange.answer(REFUSED)
    assert client.statuses() == [400]
    assert client.transport.half_closed


def test_what_is_no_request_is_answered_and_closed() -> None:
    client = Client()
    client.send(b"garbage\r\n\r\n" + GET)
    assert client.statuses() == [400]
    assert client.transport.half_closed
    assert client.service.ended_with == []


def test_check_39_a_handler_that_raises_costs_its_request_only() -> None:
    client = Client()
    client.send(post(0, "/raise"))
    assert client.statuses() == [500]
    assert client.transport.half_closed

    class Raising(Sink):
        def data(self, piece: bytes) -> None:
            raise ValueError("a bug")

    client = Client()
    client.send(post(3))
    client.sink.__class__ = Raising
    client.send(b"abc")
    assert client.sink.events == ["failed"]
    assert client.statuses() == [500]


def test_draining() -> None:
    idle, busy = Client(), Client()
    idle.send(GET)
    busy.send(post(3))
    for client in (idle, busy):
        client.service.draining = True
        client.protocol.drain()
    assert idle.transport.closed
    assert busy.open
    busy.send(b"abc")
    busy.sink.exchange.answer(ACCEPTED)
    assert b"\r\nConnection: close\r\n" in busy.transport.written
    assert busy.transport.half_closed


def test_a_connection_that_has_just_begun_is_served_while_draining() -> None:
    served, silent = Client(), Client()
    for client in (served, silent):
        client.service.draining = True
        client.protocol.drain()
        assert client.open
    served.send(GET)
    assert b"\r\nConnection: close\r\n" in served.transport.written
    silent.clock.advance(FIRST_HEAD_SECONDS + 0.1)
    assert silent.transport.closed


def test_abort_cuts_whatever_is_under_way() -> None:
    client = Client()
    client.send(post(3) + b"a")
    client.protocol.abort()
    assert client.transport.aborted
    client.leave()
    assert client.sink.events == ["lost"]


def test_a_keep_alive_request_arms_hardly_any_timer() -> None:
    client = Client()
    for _ in range(100):
        client.send(post(3) + b"abc")
        client.sink.exchange.answer(ACCEPTED)
    assert client.clock.armed <= 2


def test_an_illegal_move_raises() -> None:
    client = Client()
    with pytest.raises(RuntimeError, match="from NEW to WAIT"):
        client.protocol._move(Phase.WAIT)
    assert set(MOVES) == set(Phase)
