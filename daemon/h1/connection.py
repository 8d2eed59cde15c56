"""HTTP/1.1 without I/O: bytes in, events out, one request at a time. Parser and state machine are h11's.

Limits that h11 does not have stand here: size and lines of a head to the byte, chunks per body byte, the texts of
protocol errors (http-surface.md 2.7). Answers are written by `responses`; h11 is told of them by two fixed events, so
that it still refuses an answer out of turn and knows when the next request may begin.
"""

from __future__ import annotations

import re
from typing import NamedTuple

import h11
from tidegate.daemon.h1.request_head import RequestHead

HEADER_SLACK = 4096
"""Bytes that a head may be longer than `max_header_size`, as in the original (http-surface.md 2.6)."""

MAX_HEADER_LINES = 1000
"""Lines of a head. h11 spends more than 1 µs on each, so 1 MiB of empty headers would hold everybody for a third of a
second; no client comes near."""

FREE_CHUNKS = 4096
"""Chunks that a connection may have in hand beyond those its body bytes earn: 20 ms of work."""

CHUNKS_PER_REQUEST = 16
"""Chunks that each request earns: less work than the request itself."""

BYTES_PER_CHUNK = 64
"""Body bytes that earn a chunk. A chunk costs 5 to 6 µs whatever its size, so smaller ones on average are an attack."""


LONGEST_FRAMING = 4096
"""Bytes of a chunk's line with its extensions, or of the trailers, while they are incomplete; as long as a line may be in the
original. h11 would keep as many as of a head."""


class BodyData(NamedTuple):
    """A piece of the body as sent, chunk framing removed."""

    data: bytes


class BodyEnd(NamedTuple):
    """The body is complete; no further event before the next cycle."""


class BodyLost(NamedTuple):
    """The client stopped sending before the body was complete."""


class BodyBroken(NamedTuple):
    """Chunk framing is damaged; `text` says how, in the original's words."""

    text: str


class ClientError(NamedTuple):
    """The head is no HTTP request; answer in plain text and close."""

    status: int
    text: str


class Closed(NamedTuple):
    """The client has stopped sending between two requests."""


Event = RequestHead | BodyData | BodyEnd | BodyLost | BodyBroken | ClientError | Closed

_ANSWER = h11.Response(status_code=400, headers=[("Content-Length", "0")])
"""Stands for every answer. A status of success would make h11 take a CONNECT for granted, and speak HTTP no more."""
_ANSWER_END = h11.EndOfMessage()
_CONTINUE = h11.InformationalResponse(status_code=100, headers=[], reason=b"Continue")

_CONTROL = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")

_BODY_END, _BODY_LOST, _CLOSED = BodyEnd(), BodyLost(), Closed()
_MALFORMED = ClientError(400, "400 Bad Request")
_TOO_LARGE = ClientError(431, "431 Request Header Fields Too Large")


class H1Connection:
    """The server's side of one connection."""

    __slots__ = (
        "_chunked",
        "_chunks",
        "_earned",
        "_h11",
        "_head_bytes",
        "_head_lines",
        "_in_body",
        "_limit",
        "_measured",
        "_over",
        "_seam",
    )

    def __init__(self, max_header_size: int) -> None:
        self._limit = max_header_size + HEADER_SLACK
        self._h11 = h11.Connection(h11.SERVER, max_incomplete_event_size=self._limit)
        self._chunks = FREE_CHUNKS
        self._earned = 0
        self._in_body = False
        self._chunked = False
        self._over: Event | None = None
        self._begin_head()

    def _begin_head(self) -> None:
        self._head_bytes = 0
        self._head_lines = 0
        self._seam = b""
        self._measured = False

    @property
    def head_bytes(self) -> int:
        """Of the present request's head, as far as it has come."""
        return self._head_bytes

    @property
    def in_head(self) -> bool:
        """Whether a head has begun and is not complete."""
        return bool(self._seam) and not self._in_body

    @property
    def within_line(self) -> bool:
        """Whether the last byte of an unfinished head lies within a line."""
        return self.in_head and not self._seam.endswith(b"\n")

    @property
    def awaits_continue(self) -> bool:
        """Whether the client waits for 100 Continue before it sends the body."""
        return self._h11.they_are_waiting_for_100_continue

    def feed(self, data: bytes) -> None:
        """Takes what was read; b"" means that the client has stopped sending."""
        if self._over is None:
            if data and not self._measured:
                self._measure(data)
            self._h11.receive_data(data)

    def _measure(self, data: bytes) -> None:
        """Counts bytes and lines of a head, which may end within `data`, before h11 spends time on them."""
        window = self._seam + data
        end = window.find(b"\r\n\r\n")
        if end < 0:
            end = window.find(b"\n\n")
        within = len(window) if end < 0 else end
        self._head_lines += window.count(b"\n", len(self._seam), within)
        self._head_bytes += max(within - len(self._seam), 0)
        self._seam = window[-3:]
        self._measured = end >= 0
        if self._head_bytes > self._limit or self._head_lines > MAX_HEADER_LINES:
            self._over = _TOO_LARGE

    def next(self) -> Event | None:
        """The next event, or None when more bytes are needed. After an error or an end: that event again."""
        if self._over is not None:
            return self._over
        try:
            event = self._h11.next_event()
        except h11.RemoteProtocolError as problem:
            self._over = self._damage(problem)
            return self._over
        if isinstance(event, h11.Data):
            if self._chunked and not self._spend(event):
                self._over = BodyBroken("chunked encoding contains too much non-data")
                return self._over
            return BodyData(bytes(event.data))
        if isinstance(event, h11.Request):
            return self._head(event)
        if isinstance(event, h11.EndOfMessage):
            return _BODY_END
        if isinstance(event, h11.ConnectionClosed):
            self._over = _CLOSED
            return _CLOSED
        in_framing = event is h11.NEED_DATA and self._chunked and self._in_body
        if in_framing and len(self._h11.trailing_data[0]) > LONGEST_FRAMING:
            self._over = BodyBroken("header line too long")
            return self._over
        return None

    def _spend(self, data: h11.Data) -> bool:
        """Pays for a chunk with the bytes that came; False when the connection has too little in hand."""
        self._earned += len(data.data)
        self._chunks += self._earned // BYTES_PER_CHUNK - data.chunk_start
        self._earned %= BYTES_PER_CHUNK
        self._chunks = min(self._chunks, FREE_CHUNKS)
        return self._chunks >= 0

    def _head(self, request: h11.Request) -> Event:
        self._in_body = True
        self._chunks = min(self._chunks + CHUNKS_PER_REQUEST, FREE_CHUNKS)
        headers = [(name.lower(), value) for name, value in request.headers.raw_items()]
        head = RequestHead(request.method, request.target, headers, request.http_version)
        self._chunked = head.chunked
        if _CONTROL.search(b"".join([value for _, value in headers])):
            # h11 lets most control characters pass (RFC 9110, 5.5 forbids them).
            self._over = _MALFORMED
        elif not head.version.startswith(b"1."):
            self._over = ClientError(505, "505 HTTP Version Not Supported: unsupported protocol version")
        elif head.chunked and b"content-length" in head.headers:
            # The original ignores the length. Two lengths are how requests are smuggled past a proxy (RFC 9112, 6.1).
            self._over = ClientError(400, "400 Bad Request: both Transfer-Encoding and Content-Length")
        elif head.headers.get(b"expect", b"100-continue").lower() != b"100-continue":
            self._over = ClientError(417, "")
        return head if self._over is None else self._over

    def _damage(self, problem: h11.RemoteProtocolError) -> Event:
        text = str(problem)
        if self._in_body:
            if "closed connection" in text:
                return _BODY_LOST
            if problem.error_status_hint == 431:
                return BodyBroken("header line too long")
            return BodyBroken(
                "invalid byte in chunk length" if "chunk header" in text else "malformed chunked encoding"
            )
        if "closed connection" in text:
            return _CLOSED
        if problem.error_status_hint == 431:
            return _TOO_LARGE
        if problem.error_status_hint == 501:
            return ClientError(501, "Unsupported transfer encoding")
        if text.startswith("Missing mandatory Host"):
            return ClientError(400, "400 Bad Request: missing required Host header")
        if text.startswith("Found multiple Host"):
            return ClientError(400, "400 Bad Request: too many Host headers")
        return _MALFORMED

    def want_body(self) -> bytes:
        """What to send before the body is read: 100 Continue if the client waits for it, else nothing."""
        if self._h11.they_are_waiting_for_100_continue and self._over is None:
            return self._h11.send(_CONTINUE) or b""
        return b""

    def answer(self, keep: bool) -> bool:
        """Notes that the answer goes out now. Returns whether another request may follow on this connection, if the
        server wants that (`keep`). A second answer to one request raises h11.LocalProtocolError."""
        if self._over is not None:
            return False
        keep = keep and not self.awaits_continue
        self._h11.send(_ANSWER)
        self._h11.send(_ANSWER_END)
        return keep and self._h11.our_state is h11.DONE

    def next_cycle(self) -> None:
        """Begins the next request, once the last one is read and answered."""
        self._h11.start_next_cycle()
        self._in_body = False
        self._begin_head()
        ahead, _ = self._h11.trailing_data
        if ahead:
            self._measure(ahead)
