"""`/assets/v1/sourcemaps`: takes one source map and hands it to a worker in pieces (http-surface.md 5.5, "History").

An acceptor holds a piece at a time and writes no file: the worker compresses, checks and keeps the map. The next piece is read
once the worker has taken the last one, so an upload takes as long as the worker, and never more memory.
"""

from __future__ import annotations

import secrets
from enum import Enum

from tidegate.daemon.api.form_data import FormData, FormError
from tidegate.daemon.api.gate import Gate
from tidegate.daemon.api.result import TIMED_OUT
from tidegate.daemon.auth.identity import SOURCEMAP_WRITE
from tidegate.daemon.h1.alarm import Alarm
from tidegate.daemon.h1.exchange import BodySink, Exchange
from tidegate.daemon.h1.inflate import BodyTooLarge, InflateError, Inflater
from tidegate.daemon.h1.responses import ACCEPTED, Answer
from tidegate.daemon.outcomes import RequestOutcome
from tidegate.daemon.wire.courier import Courier
from tidegate.daemon.wire.questions import (
    AnyAsk,
    AnyReply,
    DropMap,
    KeepMap,
    MapKept,
    MapPiece,
    MapRefused,
    Unavailable,
)

FILE, SERVICE, VERSION, PATH = "sourcemap", "service_name", "service_version", "bundle_filepath"
UPLOADS = 1
"""Source maps that an acceptor takes at a time: each keeps a worker's thread busy for a second, and they are rare."""
PIECE = 256 << 10
"""Bytes of one question: a worker compresses it in some 5 ms."""
STEP = 65536
"""Bytes inflated in one go."""
TURN = 16
"""Steps before other connections have their turn: a body may inflate to a thousand times its size."""
FORM_BYTES = 1 << 20
"""Beside the map: heads, fields, and parts that nobody asked for."""
QUIET_S = 10.0
"""Longest wait for more of the body: while one is taken others wait."""
REPLY_S = 10.0
"""Longest wait for a worker to take a piece."""
KEEP_S = 90.0
"""Longest wait for the store, which is given 60 s for a request (`tidegate.elasticsearch.response_timeout`)."""
UPLOAD_S = 120.0
"""Longest time of an upload up to its last byte: 32 MiB at 2 Mbit/s."""
RETRY_AFTER = (("Retry-After", "5"),)

DISABLED = (
    "forbidden request: Sourcemap upload endpoint is disabled. Configure the `apm-server.rum` section in apm-server.yml to "
    "enable sourcemap uploads. If you are not using the RUM agent, you can safely ignore this error."
)
FROM_PAGE = "forbidden request: source maps are not taken from pages in browsers"
_BUSY = "service unavailable: other source maps are being uploaded; send this one again"
_AWAY = "service unavailable: source maps cannot be stored now; the log of Tidegate says why"


def begin_upload(exchange: Exchange, courier: Courier, gate: Gate) -> BodySink | None:
    """Answers at once, or returns the sink for the body. `gate`: how many uploads are taken at a time."""
    refused = _refusal(exchange)
    if refused is not None:
        exchange.answer(refused)
        return None
    try:
        form = FormData(exchange.head.text(b"content-type"), (SERVICE, VERSION, PATH), FILE)
    except FormError as problem:
        exchange.answer(_undecodable(str(problem)))
        return None
    upload = Upload(exchange, courier, gate, form)
    upload.start()
    return upload


def _refusal(exchange: Exchange) -> Answer | None:
    head, part = exchange.head, exchange.part.upload
    if denied := exchange.identity.refused(SOURCEMAP_WRITE):
        return Answer(RequestOutcome.FORBIDDEN, denied, detail=denied)
    if b"origin" in head.headers:
        # A form needs no preflight: any page could send one to a port of its visitor's machine where nothing is asked for.
        return Answer(RequestOutcome.FORBIDDEN, FROM_PAGE, detail=FROM_PAGE)
    if not part.mapping:
        return Answer(RequestOutcome.FORBIDDEN, DISABLED, detail=DISABLED)
    if head.method != "POST":
        text = RequestOutcome.METHOD_NOT_ALLOWED.value.message
        return Answer(RequestOutcome.METHOD_NOT_ALLOWED, text, detail=text)
    if head.content_length > part.max_upload:
        return _too_large(f"more than {part.max_upload} bytes (tidegate.sourcemaps.max_upload)")
    return None


class _Stage(Enum):
    WAITING = "others are uploading"
    READING = "the body comes"
    KEEPING = "a worker checks and keeps the map"
    ANSWERED = "over"


class Upload:
    """A `BodySink`: one upload."""

    def __init__(self, exchange: Exchange, courier: Courier, gate: Gate, form: FormData) -> None:
        self._exchange = exchange
        self._courier = courier
        self._gate = gate
        self._form = form
        part = exchange.part.upload
        encoding = exchange.head.headers.get(b"content-encoding", b"")
        self._inflater = Inflater(encoding, STEP, part.max_map_size + FORM_BYTES)
        self._sendable = part.max_upload
        self._stage = _Stage.WAITING
        self._id = secrets.token_hex(16)
        self._piece = bytearray()
        self._pieces = 0
        self._asked = False
        self._complete = False
        self._until = 0.0
        self._alarm = Alarm(exchange.clock, self._too_late)

    def start(self) -> None:
        """Begins to read, or waits for its turn."""
        self._alarm.set(self._exchange.clock.time() + self._exchange.part.queue_timeout)
        self._gate.enter(self._begin)

    # What the protocol calls.

    def data(self, piece: bytes) -> None:
        if self._stage is not _Stage.READING:
            return
        self._sendable -= len(piece)
        if self._sendable < 0:
            limit = self._exchange.part.upload.max_upload
            self._answer(_too_large(f"more than {limit} bytes (tidegate.sourcemaps.max_upload)"))
            return
        self._inflater.feed(piece)
        self._work()

    def end(self) -> None:
        self._complete = True
        self._inflater.finish()
        self._work()

    def broken(self, text: str) -> None:
        self._answer(_undecodable(text))

    def lost(self) -> None:
        self._answer(TIMED_OUT)

    def expire(self) -> None:
        self._too_late()

    def failed(self) -> None:
        self._let_go()

    # Inside.

    def _begin(self) -> None:
        self._stage = _Stage.READING
        self._until = self._exchange.clock.time() + UPLOAD_S
        self._await_body()
        if self._complete:
            # A request without a body ends while it waits for its turn.
            self._work()

    def _await_body(self) -> None:
        self._alarm.set(min(self._exchange.clock.time() + QUIET_S, self._until))
        self._exchange.resume()

    def _work(self) -> None:
        """Inflates and takes apart what is there, until there is a piece to send."""
        if self._stage is not _Stage.READING or self._asked:
            return
        try:
            for _ in range(TURN):
                inflated = self._inflater.next()
                if inflated is None:
                    if self._complete:
                        self._form.finish()
                        self._send()
                    else:
                        self._await_body()
                    return
                for content in self._form.feed(inflated):
                    self._piece += content
                if len(self._piece) >= PIECE:
                    self._send()
                    return
        except (FormError, InflateError) as problem:
            self._answer(_undecodable(str(problem)))
            return
        except BodyTooLarge:
            limit = self._exchange.part.upload.max_map_size
            words = f"more than {limit} bytes, decompressed (apm-server.rum.source_mapping.max_sourcemap_size)"
            self._answer(_too_large(words))
            return
        self._exchange.pause()
        self._exchange.clock.call_soon(self._work)

    def _send(self) -> None:
        """Asks a worker to take the piece; once all is there and taken, to keep the map."""
        self._exchange.pause()
        if self._piece or not self._pieces:
            piece, self._piece = bytes(self._piece), bytearray()
            self._pieces += 1
            self._ask(MapPiece(self._id, self._pieces, piece), REPLY_S)
            return
        fields = self._form.fields
        service = fields.get(SERVICE, "")
        denied = self._exchange.identity.refused(SOURCEMAP_WRITE, service)
        if denied:
            self._answer(Answer(RequestOutcome.FORBIDDEN, denied, detail=denied))
            return
        self._stage = _Stage.KEEPING
        self._ask(KeepMap(self._id, self._pieces, service, fields.get(VERSION, ""), fields.get(PATH, "")), KEEP_S)

    def _ask(self, ask: AnyAsk, longest: float) -> None:
        self._asked = True
        self._alarm.set(self._exchange.clock.time() + longest)
        self._courier.ask(ask, self._replied)

    def _replied(self, reply: AnyReply) -> None:
        if self._stage is _Stage.ANSWERED:
            return
        self._asked = False
        if isinstance(reply, MapRefused):
            text = f"error validating sourcemap: {reply.reason}"
            self._answer(_too_large(reply.reason) if reply.too_large else _invalid(text))
        elif isinstance(reply, Unavailable):
            self._answer(Answer(RequestOutcome.UNAVAILABLE, _AWAY, RETRY_AFTER, detail=reply.reason))
        elif self._stage is _Stage.KEEPING and isinstance(reply, MapKept):
            self._answer(ACCEPTED)
        else:
            # Not at once: a worker that answers at once would make this ever deeper.
            self._exchange.clock.call_soon(self._work)

    def _too_late(self) -> None:
        if self._stage is _Stage.WAITING:
            self._answer(Answer(RequestOutcome.UNAVAILABLE, _BUSY, RETRY_AFTER, detail=_BUSY))
        elif self._asked:
            words = "a worker did not answer in time"
            self._answer(Answer(RequestOutcome.UNAVAILABLE, _AWAY, RETRY_AFTER, detail=words))
        else:
            self._answer(TIMED_OUT)

    def _answer(self, answer: Answer) -> None:
        if self._stage is not _Stage.ANSWERED:
            self._let_go()
            self._exchange.answer(answer)

    def _let_go(self) -> None:
        stage, self._stage = self._stage, _Stage.ANSWERED
        self._alarm.close()
        self._piece = bytearray()
        if stage is _Stage.READING and self._pieces:
            self._courier.ask(DropMap(self._id), _nothing)
        if stage is not _Stage.WAITING:
            self._gate.leave()
        else:
            self._gate.forget(self._begin)


def _nothing(_: AnyReply) -> None:
    """A worker that does not hear of it forgets the upload after a while."""


def _undecodable(text: str) -> Answer:
    words = f"data decoding error: {text}"
    return Answer(RequestOutcome.UNDECODABLE, words, detail=words)


def _invalid(text: str) -> Answer:
    words = f"data validation error: {text}"
    return Answer(RequestOutcome.INVALID, words, detail=words)


def _too_large(text: str) -> Answer:
    words = f"request body too large: {text}"
    return Answer(RequestOutcome.UPLOAD_TOO_LARGE, words, detail=words)
