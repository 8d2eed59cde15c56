"""Uploads of source maps without a network: who may, in which pieces, and what is answered."""

from __future__ import annotations

import gzip
import zlib
from typing import Any

import pytest
from http_fakes import FakeClock, FakeCourier, FakeExchange, make_part
from tidegate.daemon.api import sourcemaps
from tidegate.daemon.api.gate import Gate
from tidegate.daemon.api.sourcemaps import PIECE, QUIET_S, REPLY_S, begin_upload
from tidegate.daemon.auth.identity import Identity, Method, anonymous
from tidegate.daemon.h1.exchange import BodySink
from tidegate.daemon.h1.request_head import RequestHead
from tidegate.daemon.settings.parts import UploadPart
from tidegate.daemon.wire.questions import (
    AnyReply,
    DropMap,
    KeepMap,
    MapKept,
    MapPiece,
    MapRefused,
    PieceTaken,
    Unavailable,
)

MAP = b'{"version":3,"sources":[],"mappings":""}'
NAMES = {"service_name": b"shop", "service_version": b"1.0", "bundle_filepath": b"/app.js"}


def form(content: bytes = MAP, **fields: bytes) -> bytes:
    parts = {**NAMES, **fields, "sourcemap": content}
    text = b"".join(
        b'--xyz\r\nContent-Disposition: form-data; name="%b"\r\n\r\n%b\r\n' % (name.encode(), value)
        for name, value in parts.items()
    )
    return text + b"--xyz--\r\n"


class Scene:
    """An upload and the worker that takes it."""

    def __init__(
        self,
        *headers: tuple[bytes, bytes],
        method: bytes = b"POST",
        gate: Gate | None = None,
        identity: Identity | None = None,
        **part: Any,
    ) -> None:
        upload = {"enabled": True, "mapping": True, "max_upload": 1 << 20, "max_map_size": 8 << 20} | part
        self.clock = FakeClock()
        self.courier = FakeCourier()
        self.gate = gate or Gate(1)
        self.exchange = FakeExchange(make_part(upload=UploadPart(**upload)), self.clock)
        named = [(b"content-type", b"multipart/form-data; boundary=xyz"), *headers]
        self.exchange.head = RequestHead(method, b"/assets/v1/sourcemaps", list(dict(named).items()))
        if identity is not None:
            self.exchange.identity = identity
        self.sink: BodySink | None = begin_upload(self.exchange, self.courier, self.gate)
        self.replies: dict[type, AnyReply] = {MapPiece: PieceTaken(), KeepMap: MapKept(), DropMap: PieceTaken()}
        self.asks: list[Any] = []

    def send(self, body: bytes, *, end: bool = True, size: int = 65536) -> None:
        """As the protocol does: only while it is wanted; the worker replies at once."""
        assert self.sink is not None
        for at in range(0, len(body), size):
            self.settle()
            if self.exchange.answers:
                return
            assert self.exchange.wanted
            self.sink.data(body[at : at + size])
        self.settle()
        if end and not self.exchange.answers:
            assert self.exchange.wanted
            self.sink.end()
            self.settle()

    def settle(self) -> None:
        while self.courier.asked or self.clock.soon:
            self.clock.settle()
            if self.courier.asked:
                ask, replied = self.courier.asked.pop(0)
                self.asks.append(ask)
                replied(self.replies[type(ask)])

    @property
    def error(self) -> str:
        return str(self.exchange.body)


@pytest.mark.parametrize("size", [1, 7, 65536])
@pytest.mark.parametrize("encoding", [b"", b"gzip", b"deflate"])
def test_a_map_goes_to_a_worker_in_pieces(encoding: bytes, size: int) -> None:
    content = bytes(range(256)) * (4 if size == 1 else 4 * PIECE // 1024)
    body = {b"": lambda x: x, b"gzip": gzip.compress, b"deflate": zlib.compress}[encoding](form(content))
    scene = Scene(*([(b"content-encoding", encoding)] if encoding else []))
    scene.send(body, size=size)
    assert scene.exchange.status == 202
    assert scene.exchange.body is None
    *pieces, keep = scene.asks
    assert b"".join(piece.data for piece in pieces) == content
    assert [piece.number for piece in pieces] == list(range(1, len(pieces) + 1))
    assert max(len(piece.data) for piece in pieces) <= PIECE + 65536
    assert keep == KeepMap(pieces[0].upload, len(pieces), "shop", "1.0", "/app.js")


def test_the_body_waits_for_the_worker() -> None:
    scene = Scene()
    assert scene.sink is not None
    scene.sink.data(form(b"x" * PIECE)[: PIECE + 1000])
    scene.clock.settle()
    assert not scene.exchange.wanted
    assert len(scene.courier.asked) == 1
    scene.settle()
    assert scene.exchange.wanted


LIMITED = Identity(Method.TOKEN, frozenset({"sourcemap:write"}), (), ("other",), "ci")


@pytest.mark.parametrize(
    ("options", "status", "words"),
    [
        ({"identity": anonymous((), ())}, 403, 'unauthorized: anonymous access not permitted action "sourcemap:write"'),
        (
            {"identity": Identity(Method.API_KEY, frozenset({"event:write"}))},
            403,
            'unauthorized: API Key not permitted action "sourcemap:write"',
        ),
        ({"mapping": False}, 403, sourcemaps.DISABLED),
        ({"method": b"GET"}, 405, "method not supported"),
        ({"method": b"PUT"}, 405, "method not supported"),
        ({"max_upload": 100}, 413, "request body too large: more than 100 bytes (tidegate.sourcemaps.max_upload)"),
    ],
)
def test_what_is_refused_before_the_body(options: dict[str, Any], status: int, words: str) -> None:
    scene = Scene((b"content-length", b"200"), **options)
    assert scene.sink is None
    assert (scene.exchange.status, scene.error) == (status, words)


@pytest.mark.parametrize("origin", [b"https://evil.example", b"null", b""])
def test_a_page_cannot_upload_to_a_port_of_its_visitors_machine(origin: bytes) -> None:
    scene = Scene((b"origin", origin))
    assert (scene.exchange.status, scene.error) == (403, sourcemaps.FROM_PAGE)


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (b"text/plain", "data decoding error: invalid content type: text/plain"),
        (b"multipart/form-data", "data decoding error: no multipart boundary param in Content-Type"),
    ],
)
def test_other_content_types(kind: bytes, words: str) -> None:
    scene = Scene((b"content-type", kind))
    assert (scene.exchange.status, scene.error) == (400, words)


@pytest.mark.parametrize(
    ("body", "headers", "status", "words"),
    [
        (b"no form", (), 400, "data decoding error: multipart: "),
        (form()[:-10], (), 400, "data decoding error: multipart: NextPart: EOF"),
        (b"--xyz--", (), 400, "data decoding error: http: no such file"),
        (b"", (), 400, "data decoding error: multipart: NextPart: EOF"),
        (form(b"x" * (2 << 20)), (), 413, "more than 1048576 bytes (tidegate.sourcemaps.max_upload)"),
        (b"\x1f\x8b damaged", ((b"content-encoding", b"gzip"),), 400, "data decoding error: gzip: invalid header"),
        (
            gzip.compress(form(), mtime=0)[:-9],
            ((b"content-encoding", b"gzip"),),
            400,
            "data decoding error: unexpected EOF",
        ),
        (
            gzip.compress(form(b" " * (20 << 20)), mtime=0),
            ((b"content-encoding", b"gzip"),),
            413,
            "more than 8388608 bytes, decompressed (apm-server.rum.source_mapping.max_sourcemap_size)",
        ),
        (
            gzip.compress(form(other=b" " * (20 << 20)), mtime=0),
            ((b"content-encoding", b"gzip"),),
            413,
            "more than 8388608 bytes, decompressed",
        ),
    ],
    ids=lambda value: str(value)[:20],
)
def test_what_is_refused_in_the_body(
    body: bytes, headers: tuple[tuple[bytes, bytes], ...], status: int, words: str
) -> None:
    scene = Scene(*headers)
    scene.send(body)
    scene.settle()
    assert scene.exchange.status == status
    assert words in scene.error
    assert not any(isinstance(ask, KeepMap) for ask in scene.asks)
    assert [type(ask) for ask in scene.asks if not isinstance(ask, MapPiece)] in ([], [DropMap])
    after = Scene(gate=scene.gate)
    after.send(form())
    assert after.exchange.status == 202


def test_a_token_for_other_services() -> None:
    scene = Scene(identity=LIMITED)
    scene.send(form())
    assert scene.exchange.status == 403
    assert scene.error == 'unauthorized: secret token "ci" not permitted for service "shop"'


@pytest.mark.parametrize(
    ("at", "reply", "status", "words"),
    [
        (MapPiece, MapRefused("no", too_large=True), 413, "request body too large: no"),
        (MapPiece, Unavailable("secret reason"), 503, sourcemaps._AWAY),
        (KeepMap, MapRefused("no"), 400, "data validation error: error validating sourcemap: no"),
        (KeepMap, MapRefused("no", too_large=True), 413, "request body too large: no"),
        (KeepMap, Unavailable("secret reason"), 503, sourcemaps._AWAY),
    ],
)
def test_what_the_worker_says(at: type, reply: AnyReply, status: int, words: str) -> None:
    scene = Scene()
    scene.replies[at] = reply
    scene.send(form())
    assert (scene.exchange.status, scene.error) == (status, words)
    [answer] = scene.exchange.answers
    assert (("Retry-After", "5") in answer.headers) == (status == 503)
    assert (answer.detail == "secret reason") == (status == 503)


def test_a_second_one_waits_for_its_turn_and_not_for_ever() -> None:
    first = Scene()
    second, third = Scene(gate=first.gate), Scene(gate=first.gate)
    assert not second.exchange.wanted
    third.clock.advance(5.1)
    assert (third.exchange.status, third.error) == (503, sourcemaps._BUSY)
    first.send(form())
    second.send(form())
    assert (first.exchange.status, second.exchange.status) == (202, 202)


def test_a_request_without_a_body_that_waits() -> None:
    first = Scene()
    second = Scene(gate=first.gate)
    assert second.sink is not None
    second.sink.end()
    first.send(form())
    assert second.exchange.status == 400


@pytest.mark.parametrize(("sent", "wait"), [(100, QUIET_S), (PIECE + 1000, REPLY_S)])
def test_a_client_or_worker_that_stalls(sent: int, wait: float) -> None:
    scene = Scene()
    assert scene.sink is not None
    scene.sink.data(form(b"x" * (2 * PIECE))[:sent])
    scene.clock.advance(wait - 0.1)
    assert scene.exchange.answers == []
    scene.clock.advance(0.2)
    assert scene.exchange.status == 503
    assert Scene(gate=scene.gate).exchange.wanted


def test_a_client_that_drips() -> None:
    scene = Scene()
    assert scene.sink is not None
    for byte in form(b"x" * 1000):
        if scene.exchange.answers:
            break
        scene.sink.data(bytes([byte]))
        scene.clock.advance(QUIET_S - 1)
    assert scene.exchange.status == 503
    assert scene.clock.now - 1000.0 < sourcemaps.UPLOAD_S + QUIET_S


@pytest.mark.parametrize("end", ["lost", "broken", "expire", "failed"])
def test_an_upload_that_ends_early_is_forgotten(end: str) -> None:
    scene = Scene()
    scene.send(form(b"x" * (2 * PIECE))[: PIECE + 65536], end=False)
    assert scene.sink is not None
    getattr(scene.sink, end)(*(["chunk"] if end == "broken" else []))
    scene.settle()
    assert [type(ask) for ask in scene.asks] == [MapPiece, DropMap]
    if end != "failed":
        assert scene.exchange.status == (400 if end == "broken" else 503)
    assert Scene(gate=scene.gate).exchange.wanted
