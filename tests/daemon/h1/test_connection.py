"""HTTP without I/O: framing inputs and what they become, whole, byte by byte, and split anywhere."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tidegate.daemon.h1.connection import (
    FREE_CHUNKS,
    HEADER_SLACK,
    LONGEST_FRAMING,
    MAX_HEADER_LINES,
    BodyBroken,
    BodyData,
    BodyEnd,
    BodyLost,
    ClientError,
    Closed,
    H1Connection,
)
from tidegate.daemon.h1.request_head import RequestHead

HEADER_SIZE = 8192


def run(pieces: list[bytes], *, end: bool = False, header_size: int = HEADER_SIZE) -> list[tuple[object, ...]]:
    """What comes out, each request answered when its body has ended; body pieces joined."""
    connection = H1Connection(header_size)
    found: list[tuple[object, ...]] = []

    def drain() -> bool:
        while True:
            event = connection.next()
            if event is None:
                return True
            if isinstance(event, RequestHead):
                found.append(("head", event.method, event.target))
            elif isinstance(event, BodyData):
                if found[-1][0] == "body":
                    found[-1] = ("body", bytes(found[-1][1]) + event.data)  # type: ignore[call-overload] # always bytes
                else:
                    found.append(("body", event.data))
            elif isinstance(event, BodyEnd):
                found.append(("end",))
                if not connection.answer(keep=True):
                    found.append(("close",))
                    return False
                connection.next_cycle()
            else:
                found.append(
                    (event.status, event.text)
                    if isinstance(event, ClientError)
                    else ("broken", event.text)
                    if isinstance(event, BodyBroken)
                    else ("lost",)
                    if isinstance(event, BodyLost)
                    else ("closed",)
                )
                assert isinstance(event, ClientError | BodyBroken | BodyLost | Closed)
                assert not connection.answer(keep=True)
                return False

    for piece in pieces:
        connection.feed(piece)
        if not drain():
            return found
    if end:
        connection.feed(b"")
        drain()
    return found


BAD = (400, "400 Bad Request")
GET = ("head", "GET", "/")
POST = ("head", "POST", "/")
END = ("end",)

# name, bytes, whether the client then stops sending, what comes out
CASES: list[tuple[str, bytes, bool, list[tuple[object, ...]]]] = [
    ("get", b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", True, [GET, END, ("closed",)]),
    ("length", b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc", False, [POST, ("body", b"abc"), END]),
    (
        "chunked",
        b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1;x=y\r\nc\r\n0\r\nT: 1\r\n\r\n",
        False,
        [POST, ("body", b"abc"), END],
    ),
    (
        "pipelined",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\na" + b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" * 2,
        True,
        [POST, ("body", b"a"), END, GET, END, GET, END, ("closed",)],
    ),
    ("absolute target", b"GET http://x/ HTTP/1.1\r\nHost: x\r\n\r\n", False, [("head", "GET", "http://x/"), END]),
    ("line feeds only", b"GET / HTTP/1.1\nHost: x\n\n", False, [GET, END]),
    (
        "two equal lengths",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nContent-Length: 0\r\n\r\n",
        False,
        [POST, END],
    ),
    ("connection close", b"GET / HTTP/1.1\r\nHost: x\r\nConnection: Close\r\n\r\n", False, [GET, END, ("close",)]),
    ("1.0", b"GET / HTTP/1.0\r\n\r\n", False, [GET, END, ("close",)]),
    ("nothing", b"", True, [("closed",)]),
    ("end within a head", b"GET / HTTP/1.1\r\nHo", True, [("closed",)]),
    ("garbage", b"garbage\r\n\r\n", False, [BAD]),
    ("TLS", b"\x16\x03\x01\x02\x00\x01\x00", False, [BAD]),
    ("space before colon", b"GET / HTTP/1.1\r\nHost: x\r\nX-A : 1\r\n\r\n", False, [BAD]),
    ("bad name", b"GET / HTTP/1.1\r\nHost: x\r\nB@d(: 1\r\n\r\n", False, [BAD]),
    ("no colon", b"GET / HTTP/1.1\r\nHost: x\r\nword\r\n\r\n", False, [BAD]),
    ("control in value", b"GET / HTTP/1.1\r\nHost: x\r\nX-A: a\x01b\r\n\r\n", False, [BAD]),
    ("control in a second value", b"GET / HTTP/1.1\r\nHost: x\r\nA: b\r\nA: a\x01b\r\n\r\n", False, [BAD]),
    ("bad method", b"GE(T / HTTP/1.1\r\nHost: x\r\n\r\n", False, [BAD]),
    ("negative length", b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n", False, [BAD]),
    ("signed length", b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: +5\r\n\r\n12345", False, [BAD]),
    ("two lengths", b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n", False, [BAD]),
    ("no host", b"GET / HTTP/1.1\r\n\r\n", False, [(400, "400 Bad Request: missing required Host header")]),
    (
        "two hosts",
        b"GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n",
        False,
        [(400, "400 Bad Request: too many Host headers")],
    ),
    (
        "length and chunks",
        b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n",
        False,
        [(400, "400 Bad Request: both Transfer-Encoding and Content-Length")],
    ),
    (
        "unknown coding",
        b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: zip\r\n\r\n",
        False,
        [(501, "Unsupported transfer encoding")],
    ),
    ("other expectation", b"POST / HTTP/1.1\r\nHost: x\r\nExpect: coffee\r\n\r\n", False, [(417, "")]),
    (
        "version 2",
        b"GET / HTTP/2.0\r\nHost: x\r\n\r\n",
        False,
        [(505, "505 HTTP Version Not Supported: unsupported protocol version")],
    ),
    (
        "bad chunk length at once",
        b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        False,
        [POST, ("broken", "invalid byte in chunk length")],
    ),
    (
        "bad chunk length later",
        b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\nzz\r\n",
        False,
        [POST, ("body", b"a"), ("broken", "invalid byte in chunk length")],
    ),
    (
        "chunk longer than it says",
        b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n",
        False,
        [POST, ("body", b"a"), ("broken", "malformed chunked encoding")],
    ),
    (
        "body cut",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nab",
        True,
        [POST, ("body", b"ab"), ("lost",)],
    ),
    (
        "chunks cut",
        b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
        True,
        [POST, ("body", b"ab"), ("lost",)],
    ),
]


@pytest.mark.parametrize(("data", "end", "expected"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_framing(data: bytes, end: bool, expected: list[tuple[object, ...]]) -> None:
    assert run([data] if data else [], end=end) == expected
    assert run([bytes([byte]) for byte in data], end=end) == expected
    for at in range(1, len(data)):
        assert run([data[:at], data[at:]], end=end) == expected


@given(st.sampled_from(CASES), st.lists(st.integers(1, 60), max_size=12))
def test_any_split_is_the_same(case: tuple[str, bytes, bool, list[tuple[object, ...]]], sizes: list[int]) -> None:
    data, pieces = case[1], []
    for size in sizes:
        pieces.append(data[:size])
        data = data[size:]
    pieces.append(data)
    assert run([piece for piece in pieces if piece], end=case[2]) == case[3]


@given(st.lists(st.binary(min_size=1, max_size=40), max_size=8))
def test_bytes_of_any_kind_give_events_and_nothing_else(pieces: list[bytes]) -> None:
    run(pieces, end=True)


def head_of(size: int) -> bytes:
    start = b"GET / HTTP/1.1\r\nHost: x\r\nX-A: "
    return start + b"a" * (size - len(start)) + b"\r\n\r\n"


@pytest.mark.parametrize(
    ("data", "refused"),
    [
        (head_of(HEADER_SIZE + HEADER_SLACK), False),
        (head_of(HEADER_SIZE + HEADER_SLACK + 1), True),
        (b"GET / HTTP/1.1\r\nHost: x\r\n" + b"a:\r\n" * (MAX_HEADER_LINES - 2) + b"\r\n", False),
        (b"GET / HTTP/1.1\r\nHost: x\r\n" + b"a:\r\n" * (MAX_HEADER_LINES + 10) + b"\r\n", True),
        (b"GET / HTTP/1.1\r\nHost: x\r\nX-A: " + b"a" * (HEADER_SIZE + HEADER_SLACK + 1), True),
    ],
)
def test_heads_are_limited(data: bytes, refused: bool) -> None:
    too_large = [(431, "431 Request Header Fields Too Large")]
    expected = too_large if refused else [GET, END]
    assert run([data]) == expected
    assert run([data[at : at + 1000] for at in range(0, len(data), 1000)]) == expected


def test_what_follows_a_head_is_not_counted_as_head() -> None:
    body = b"x\n" * 5000
    request = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(body) + body
    expected = [POST, ("body", body), END]
    assert run([request]) == expected
    assert run([request * 3]) == expected * 3
    at = request.index(b"\r\n\r\n") + 2
    assert run([request[:at], request[at:]]) == expected


def chunked(size: int, count: int) -> bytes:
    return (
        b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
        + (b"%x\r\n%b\r\n" % (size, b"a" * size)) * count
    )


@pytest.mark.parametrize("begun", [b"1;" + b"x" * LONGEST_FRAMING, b"0\r\nA: " + b"x" * LONGEST_FRAMING])
def test_chunk_lines_and_trailers_without_end_are_refused(begun: bytes) -> None:
    head = b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    assert run([head + begun, b"y"])[-1] == ("broken", "header line too long")
    longest = begun[: LONGEST_FRAMING - 3]
    rest = b"y\r\n1\r\n0\r\n\r\n" if begun.startswith(b"1") else b"\r\n\r\n"
    assert run([head + longest, rest])[-1] == END


def test_many_tiny_chunks_are_refused_and_a_few_are_not() -> None:
    assert run([chunked(1, 1000) + b"0\r\n\r\n"])[-1] == END
    assert run([chunked(1, FREE_CHUNKS + 200)])[-1] == ("broken", "chunked encoding contains too much non-data")
    assert run([chunked(64, FREE_CHUNKS * 3) + b"0\r\n\r\n"])[-1] == END


def test_100_continue_is_sent_only_when_the_body_is_wanted() -> None:
    head = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n"
    wanted = H1Connection(HEADER_SIZE)
    wanted.feed(head)
    assert isinstance(wanted.next(), RequestHead)
    assert wanted.awaits_continue
    assert wanted.want_body() == b"HTTP/1.1 100 Continue\r\n\r\n"
    assert wanted.want_body() == b""
    wanted.feed(b"abc")
    assert wanted.next() == BodyData(b"abc")
    assert isinstance(wanted.next(), BodyEnd)
    assert wanted.answer(keep=True)

    refused = H1Connection(HEADER_SIZE)
    refused.feed(head)
    refused.next()
    # Whether the body still comes cannot be known: the connection cannot be kept.
    assert not refused.answer(keep=True)


def test_an_answer_before_the_body_keeps_the_connection_if_the_body_ends() -> None:
    connection = H1Connection(HEADER_SIZE)
    connection.feed(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\n")
    assert isinstance(connection.next(), RequestHead)
    assert connection.answer(keep=True)
    connection.feed(b"abcGET / HTTP/1.1\r\nHost: x\r\n\r\n")
    assert connection.next() == BodyData(b"abc")
    assert isinstance(connection.next(), BodyEnd)
    connection.next_cycle()
    head = connection.next()
    assert isinstance(head, RequestHead) and head.method == "GET"


@pytest.mark.parametrize(
    ("target", "path", "query"),
    [
        ("/", "/", ""),
        ("/a?b=c&d", "/a", "b=c&d"),
        ("http://h/a?b", "/a", "b"),
        ("http://h", "/", ""),
        ("http://h?x=/", "/", "x=/"),
        ("/a%2fb%20c", "/a/b c", ""),
        ("/a%ff", "/a\ufffd", ""),
        ("*", "*", ""),
    ],
)
def test_targets(target: str, path: str, query: str) -> None:
    head = RequestHead(b"GET", target.encode(), [])
    assert (head.path, head.query) == (path, query)


@pytest.mark.parametrize("target", [b"/", b"elasticsearch.example:9200", b"/intake/v2/events"])
@pytest.mark.parametrize("body", [b"", b"Content-Length: 3\r\n"])
def test_check_14_connect_is_a_request_like_others(target: bytes, body: bytes) -> None:
    """It is answered, and the connection still speaks HTTP."""
    connection = H1Connection(HEADER_SIZE)
    connection.feed(b"CONNECT " + target + b" HTTP/1.1\r\nHost: x\r\n" + body + b"\r\n")
    assert isinstance(connection.next(), RequestHead)
    assert connection.answer(keep=True)
    connection.feed((b"abc" if body else b"") + b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    while not isinstance(connection.next(), BodyEnd):
        pass
    connection.next_cycle()
    head = connection.next()
    assert isinstance(head, RequestHead)
    assert head.method == "GET"
