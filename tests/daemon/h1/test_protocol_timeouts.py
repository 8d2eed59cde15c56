"""One connection with a fake clock: what happens when its time is over."""

from __future__ import annotations

import pytest
from http_scenes import Client

GET = b"GET /now HTTP/1.1\r\nHost: x\r\n\r\n"


def post(length: int, path: str = "/sink", extra: bytes = b"") -> bytes:
    return b"POST %b HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n%b\r\n" % (path.encode(), length, extra)


@pytest.mark.parametrize(
    ("sent", "answered", "closed"),
    [
        (b"", [], True),
        (b"GET / HTTP/1.1\r\n", [], True),
        (b"GET / HTTP/1.1\r\nHo", [400], False),
    ],
)
def test_read_timeout_before_a_request(sent: bytes, answered: list[int], closed: bool) -> None:
    client = Client(read_timeout=1.0)
    if sent:
        client.send(sent)
    client.clock.advance(0.9)
    assert client.open
    client.clock.advance(0.2)
    assert client.statuses() == answered
    assert client.transport.closed is closed
    assert client.transport.half_closed is not closed


def test_read_timeout_within_a_body_counts_from_the_requests_start() -> None:
    client = Client(read_timeout=1.0)
    client.send(GET)
    client.clock.advance(30)
    client.statuses()
    client.send(post(10))
    client.clock.advance(0.6)
    client.send(b"a")
    client.clock.advance(0.5)
    assert (client.sink.pieces, client.sink.events) == ([b"a"], ["lost"])
    assert client.statuses() == [503]
    client.clock.advance(1.1)
    assert client.transport.half_closed


def test_time_in_which_nobody_wants_the_body_is_not_the_clients() -> None:
    client = Client(read_timeout=1.0)
    client.send(post(10))
    client.clock.advance(0.5)
    client.sink.exchange.pause()
    client.clock.advance(10)
    client.sink.exchange.resume()
    client.clock.advance(0.4)
    assert client.sink.events == []
    client.clock.advance(0.2)
    assert client.sink.events == ["lost"]


def test_idle_timeout() -> None:
    client = Client(idle_timeout=2.0, read_timeout=1.0)
    client.send(GET)
    client.clock.advance(1.9)
    assert client.open
    client.clock.advance(0.2)
    assert client.transport.closed


def test_an_answer_that_does_not_come_is_asked_for() -> None:
    client = Client(write_timeout=3.0)
    client.send(post(1) + b"a")
    client.clock.advance(2.9)
    assert client.sink.events == ["end"]
    client.clock.advance(0.2)
    assert client.sink.events == ["end", "expire"]
    assert client.statuses() == [503]


def test_a_client_that_does_not_read_is_cut() -> None:
    client = Client(slow=True, write_timeout=3.0, idle_timeout=1.0)
    client.send(GET)
    client.clock.advance(2.9)
    assert client.open
    client.clock.advance(0.2)
    client.clock.advance(0.2)
    assert client.transport.closed or client.transport.aborted
    client.clock.advance(5)
    assert client.transport.aborted


def test_while_answers_pile_up_no_further_request_is_served() -> None:
    client = Client()
    client.protocol.pause_writing()
    client.send(GET * 3)
    assert client.statuses() == []
    assert not client.transport.reading
    client.protocol.resume_writing()
    assert client.statuses() == [200] * 3
    assert client.transport.reading
