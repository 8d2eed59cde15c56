"""Checks 1 to 6 and 14: what is no proper HTTP request, as raw bytes to a running daemon. One daemon for all."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from typing import NamedTuple

import pytest
from e2e.daemons import Daemon

BODY = b'{"metadata":{"service":{"name":"a","agent":{"name":"b","version":"1"}}}}\n{"log":{"message":"x"}}\n'
CHUNKED = b"Transfer-Encoding: chunked\r\n"
STATUS = re.compile(rb"HTTP/1\.[01] (\d{3})")


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """A daemon with the local store."""
    with Daemon(tmp_path_factory.mktemp("framing"), {"output.local.enabled": True}) as daemon:
        yield daemon.start()
        assert "Traceback" not in daemon.output()
        daemon.stop()


class Case(NamedTuple):
    """Bytes of a connection, and the statuses that come back until it is closed."""

    name: str
    sent: bytes
    statuses: list[int]


def post(headers: bytes, body: bytes = BODY, line: bytes = b"POST /intake/v2/events HTTP/1.1") -> bytes:
    return line + b"\r\nHost: x\r\nContent-Type: application/x-ndjson\r\n" + headers + b"\r\n" + body


def chunks(size: bytes, end: bytes = b"\r\n") -> bytes:
    """The body as one chunk, with its size and the end of its line written so."""
    return post(CHUNKED, size + end + BODY + b"\r\n0\r\n\r\n")


def get(headers: bytes = b"", line: bytes = b"GET / HTTP/1.1", host: bytes = b"Host: x\r\n") -> bytes:
    return line + b"\r\n" + host + headers + b"\r\n"


LENGTH = b"%d" % len(BODY)
HEX = b"%x" % len(BODY)

CHECK_01 = [
    Case("length and chunks", post(b"Content-Length: %b\r\n" % LENGTH + CHUNKED), [400]),
    Case("chunks and length", post(CHUNKED + b"Content-Length: %b\r\n" % LENGTH), [400]),
    Case("chunked twice", post(CHUNKED + CHUNKED), [501]),
    Case("chunked in a list", post(b"Transfer-Encoding: ,chunked\r\n"), [501]),
    Case("another coding", post(b"Transfer-Encoding: gzip, chunked\r\n"), [501]),
    Case("unknown coding", post(b"Transfer-Encoding: cow\r\n"), [501]),
    Case("identity", post(b"Transfer-Encoding: identity\r\n"), [501]),
]
CHECK_02 = [
    Case("two lengths", post(b"Content-Length: 5\r\nContent-Length: 6\r\n"), [400]),
    *[
        Case(f"length {text!r}", post(b"Content-Length: %b\r\n" % text), [400])
        for text in (b"", b"+5", b"0x5", b"5_0", b"-1", b"1" + b"0" * 21, b"5 5", b"5,6", b"\xb2")
    ],
]
CHECK_03 = [
    Case("proper", chunks(HEX), [202]),
    *[
        Case(f"size {text[:12]!r}", chunks(text), [400])
        for text in (b"1_0", b"0x" + HEX, b"+" + HEX, b"-1", b"", b" " + HEX, HEX + b"zz", b"f" * 21)
    ],
    # The original's status for a body that breaks after its metadata; the connection ends like the others.
    Case("line feed alone at the end of a chunk", post(CHUNKED, HEX + b"\r\n" + BODY + b"\n0\r\n\r\n"), [500]),
    Case("something at the end of a chunk", post(CHUNKED, HEX + b"\r\n" + BODY + b"xx0\r\n\r\n"), [500]),
]
CHECK_04 = [
    Case("carriage return in a value", get(b"A: b\rc\r\n"), [400]),
    Case("NUL in a value", get(b"A: b\0c\r\n"), [400]),
    Case("control character in a value", get(b"A: b\x01c\r\n"), [400]),
    Case("space before the colon", get(b"A : b\r\n"), [400]),
    Case("leading space", get(host=b" Host: x\r\n"), [400]),
    Case("empty name", get(b": b\r\n"), [400]),
    Case("no colon", get(b"nonsense\r\n"), [400]),
    Case("folded line", get(b"A: b\r\n c\r\n"), [200]),
    Case("no host", get(host=b""), [400]),
    Case("two hosts", get(b"Host: y\r\n"), [400]),
]
CHECK_05 = [
    Case("bad method", get(line=b"G\xcbT / HTTP/1.1"), [400]),
    Case("no method", get(line=b" / HTTP/1.1"), [400]),
    Case("version 1.12", get(line=b"GET / HTTP/1.12"), [400]),
    Case("version 9", get(line=b"GET / HTTP/9"), [400]),
    Case("version 2.0", get(line=b"GET / HTTP/2.0"), [505]),
    Case("version of another protocol", get(line=b"GET / HTTQ/1.1"), [400]),
    Case("control byte in the target", get(line=b"GET /\x01 HTTP/1.1"), [400]),
    Case("NUL in the target", get(line=b"GET /\0 HTTP/1.1"), [400]),
    Case("no target", get(line=b"GET HTTP/1.1"), [400]),
    Case("HTTP/2 without asking", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", [505]),
]
CHECK_06 = [
    Case("good, then bad", get() + b"nonsense\r\n\r\n", [200, 400]),
    Case("bad, then good", b"nonsense\r\n\r\n" + get(), [400]),
    Case("a request after a body of no bytes", post(b"Content-Length: 0\r\n", get()), [202, 200]),
    Case("a request within a body", post(b"Content-Length: %d\r\n" % len(get()), get()), [400]),
    Case("many at once", get() * 40, [200] * 40),
]
CHECK_14 = [
    Case("TRACE", get(b"Secret: marker\r\n", b"TRACE / HTTP/1.1"), [405]),
    Case("CONNECT", get(line=b"CONNECT example.org:80 HTTP/1.1"), [404]),
    Case("PUT", get(line=b"PUT /intake/v2/events HTTP/1.1"), [400]),
    Case("a method nobody knows", get(line=b"BREW /intake/v2/events HTTP/1.1"), [400]),
]


def conversation(port: int, sent: bytes) -> bytes:
    """What comes back until the server ends the connection, or it has been silent for a while after our end."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as client:
        client.sendall(sent)
        client.shutdown(socket.SHUT_WR)
        found = b""
        try:
            while piece := client.recv(65536):
                found += piece
        except ConnectionError:
            pass
        return found


def hold(running: Daemon, case: Case) -> None:
    said = conversation(running.port, case.sent)
    assert [int(found) for found in STATUS.findall(said)] == case.statuses, said[:600]
    assert b"marker" not in said, "nothing is echoed"


def names(cases: list[Case]) -> list[str]:
    return [case.name for case in cases]


@pytest.mark.parametrize("case", CHECK_01, ids=names(CHECK_01))
def test_check_01_length_and_coding_of_a_body(running: Daemon, case: Case) -> None:
    hold(running, case)


@pytest.mark.parametrize("case", CHECK_02, ids=names(CHECK_02))
def test_check_02_lengths_that_are_none(running: Daemon, case: Case) -> None:
    hold(running, case)


@pytest.mark.parametrize("case", CHECK_03, ids=names(CHECK_03))
def test_check_03_chunks_that_are_none(running: Daemon, case: Case) -> None:
    hold(running, case)


@pytest.mark.parametrize("case", CHECK_04, ids=names(CHECK_04))
def test_check_04_headers_that_are_none(running: Daemon, case: Case) -> None:
    hold(running, case)


@pytest.mark.parametrize("case", CHECK_05, ids=names(CHECK_05))
def test_check_05_request_lines_that_are_none(running: Daemon, case: Case) -> None:
    hold(running, case)


@pytest.mark.parametrize("case", CHECK_06, ids=names(CHECK_06))
def test_check_06_several_requests_on_a_connection(running: Daemon, case: Case) -> None:
    hold(running, case)


@pytest.mark.parametrize("case", CHECK_14, ids=names(CHECK_14))
def test_check_14_other_methods(running: Daemon, case: Case) -> None:
    hold(running, case)


def test_check_08_a_head_that_is_too_large(running: Daemon) -> None:
    for sent in (get(b"A: " + b"x" * (1 << 21) + b"\r\n"), get(b"A: b\r\n" * 1100)):
        said = conversation(running.port, sent)
        assert STATUS.findall(said) in ([b"431"], []), said[:300]
    assert running.request("GET", "/").status == 200


def test_check_15_types(running: Daemon) -> None:
    wrong = running.request("POST", "/intake/v2/events", BODY, {"Content-Type": "text/html"})
    assert wrong.status == 400
    for answer in (wrong, running.request("GET", "/"), running.request("GET", "/nowhere")):
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Content-Type"].startswith(("application/json", "text/plain"))
