"""TLS without a network: any bytes at any split, with a fake transport below and a real connection above."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest
from http_fakes import FakeClock, FakeTransport
from http_scenes import FakeService
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tidegate.daemon.h1.bounds import READ_BYTES
from tidegate.daemon.h1.protocol import HttpProtocol
from tidegate.daemon.tls.context import make_context
from tidegate.daemon.tls.handshakes import Handshakes
from tidegate.daemon.tls.layer import PARTING_SECONDS, TlsLayer
from tls_authority import POLICY, Authority

GET = b"GET /now HTTP/1.1\r\nHost: x\r\n\r\n"


class Scene:
    """A connection to the layer; `client` is the other end's TLS."""

    def __init__(self, authority: Authority) -> None:
        self.clock = FakeClock()
        self.service = FakeService()
        self.below = FakeTransport()
        self.lost = 0
        self.handshakes = Handshakes(self.clock)
        self.layer = TlsLayer(
            make_context(POLICY, authority.part()),
            lambda: HttpProtocol(self.service, self.clock, ("192.0.2.1", 5555)),
            self.handshakes,
            self.clock,
            self._lose,
        )
        self.layer.connection_made(self.below)  # type: ignore[arg-type] # as much of a transport as is used
        self._in, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.client = authority.client_context().wrap_bio(self._in, self._out, server_hostname="localhost")

    def _lose(self) -> None:
        self.lost += 1

    def send(self, data: bytes, sizes: list[int] | None = None) -> None:
        """To the layer, in pieces of these sizes in turn."""
        at, turn = 0, 0
        while at < len(data):
            size = READ_BYTES if not sizes else sizes[turn % len(sizes)]
            piece = data[at : at + size]
            self.layer.get_buffer(-1)[: len(piece)] = piece
            self.layer.buffer_updated(len(piece))
            self.clock.settle()
            at, turn = at + len(piece), turn + 1

    def exchange(self, sizes: list[int] | None = None) -> None:
        """Hands on what the client's side wrote, and what came back."""
        self.send(self._out.read(), sizes)
        self._in.write(bytes(self.below.written))
        self.below.written.clear()

    def shake(self, sizes: list[int] | None = None) -> None:
        for _ in range(4):
            try:
                self.client.do_handshake()
            except ssl.SSLWantReadError:
                self.exchange(sizes)
            else:
                self.exchange(sizes)
                return
        raise AssertionError("the handshake does not end")

    def received(self) -> bytes:
        """What the client can read by now."""
        found = b""
        while True:
            try:
                data = self.client.read(65536)
            except ssl.SSLWantReadError:
                return found
            if not data:
                return found + b"(end)"
            found += data


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(Path(tmp_path_factory.mktemp("authority")))


QUICKLY = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@QUICKLY
@given(st.lists(st.integers(1, 700), min_size=1, max_size=5), st.integers(1, 5))
def test_any_split_is_the_same(authority: Authority, sizes: list[int], requests: int) -> None:
    scene = Scene(authority)
    scene.shake(sizes)
    assert (len(scene.handshakes), scene.service.open) == (0, 1)
    scene.client.write(GET * requests)
    scene.exchange(sizes)
    assert scene.received().count(b"HTTP/1.1 200") == requests
    scene.layer.connection_lost(None)
    assert (scene.service.open, scene.lost) == (0, 0)


def test_byte_by_byte(authority: Authority) -> None:
    scene = Scene(authority)
    scene.shake([1])
    scene.client.write(GET)
    scene.exchange([1])
    assert b"HTTP/1.1 200" in scene.received()
    scene.layer.connection_lost(None)


@QUICKLY
@given(st.binary(min_size=1, max_size=400), st.lists(st.integers(1, 50), min_size=1, max_size=3))
def test_bytes_of_any_kind_end_it_or_wait_for_more(authority: Authority, data: bytes, sizes: list[int]) -> None:
    """Nothing above it ever sees them, and nothing lives on."""
    for first in (b"", b"\x16\x03\x01"):
        scene = Scene(authority)
        scene.send(first + data, sizes)
        scene.clock.advance(5 + PARTING_SECONDS)
        assert scene.below.aborted
        assert scene.service.open == 0
        scene.layer.connection_lost(None)
        assert (scene.lost, len(scene.handshakes)) == (1, 0)


@QUICKLY
@given(st.binary(min_size=1, max_size=400))
def test_a_damaged_record_ends_the_connection(authority: Authority, data: bytes) -> None:
    scene = Scene(authority)
    scene.shake()
    scene.send(data)
    scene.send(b"\x00" * 20_000)
    assert scene.below.is_closing() or scene.below.half_closed
    assert scene.service.sinks == []
    scene.layer.connection_lost(None)
    assert (scene.service.open, scene.lost) == (0, 0)


def test_what_is_not_wanted_stays_encrypted_and_comes_later(authority: Authority) -> None:
    """A paused reader gets no more than one buffer; the end of the stream waits its turn behind the rest."""
    scene = Scene(authority)
    scene.shake()
    body = b"x" * 300_000
    scene.client.write(b"POST /later HTTP/1.1\r\nHost: x\r\nContent-Length: 300000\r\n\r\n")
    left = memoryview(body)
    while left:
        left = left[scene.client.write(left) :]
    data = scene._out.read()
    at = 0
    while scene.below.reading:
        scene.send(data[at : at + READ_BYTES])
        at += READ_BYTES
    assert at <= 2 * READ_BYTES
    assert scene.service.sinks[0].pieces == []
    scene.service.sinks[0].exchange.resume()
    scene.clock.settle()
    while at < len(data):
        assert scene.below.reading
        scene.send(data[at : at + READ_BYTES])
        at += READ_BYTES
    scene.layer.eof_received()
    scene.clock.settle()
    assert b"".join(scene.service.sinks[0].pieces) == body
    assert scene.service.sinks[0].events == ["end"]
    scene.layer.connection_lost(None)


def test_closing_says_so_in_tls(authority: Authority) -> None:
    scene = Scene(authority)
    scene.shake()
    scene.client.write(b"GET /now HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    scene.exchange()
    assert scene.received().endswith(b"(end)")
    assert scene.below.half_closed
    scene.layer.connection_lost(None)
