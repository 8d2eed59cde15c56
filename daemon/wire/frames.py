"""What acceptor and worker say to each other: one ZeroMQ message is one frame.

A frame is one kind byte and a payload. All payloads are msgpack arrays of the structs below, except *batch*, the only
large one, which is a fixed header followed by raw bytes, so that neither side copies lines one by one.
"""

from __future__ import annotations

import struct
from base64 import b64encode
from typing import NamedTuple

import msgspec
from tidegate.daemon.wire.questions import Answer, Question

WIRE_REVISION = 5
"""Changes with any change of a frame; acceptor and worker of different revisions never talk."""

HELLO, BATCH, VERDICT, QUESTION, ANSWER = b"H", b"B", b"V", b"Q", b"A"

BATCH_ID_BYTES = 16
SUSPECT = 1
"""Flag of a batch that was in a worker's hands when that worker died: it is decoded with nothing else in flight."""

_HEADER = struct.Struct("!cB8s16sIIqIIII")
BATCH_HEADER_BYTES = _HEADER.size
_SORTED_BASE64 = bytes.maketrans(
    b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/",
    b"-0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz",
)


class WireError(Exception):
    """A frame that is none; the peer is of another version or broken."""


class RequestBase(msgspec.Struct, frozen=True, omit_defaults=True):
    """What request and settings add to each event of a stream (intake-to-documents.md, 1.1).

    It travels in every batch, so that a batch done again by another worker makes the same document in the same index.
    """

    rum: bool = False
    namespace: str = "default"
    default_environment: str = ""
    observer_hostname: str = ""
    observer_version: str = ""
    host_ip: str = ""
    client_ip: str = ""
    source_ip: str = ""
    source_port: int = 0
    source_nat_ip: str = ""
    user_agent: str = ""


class Batch(NamedTuple):
    """Some whole lines of one request. `lines` holds them with their newlines; the last one may lack its own."""

    session: bytes
    """8 bytes: the worker's connection that this frame is meant for."""
    batch_id: bytes
    """16 bytes, time first: the stem of the `_id` of each document."""
    number: int
    """Counts the batches of a stream from 0."""
    first_line: int
    """Number of the first line within the whole batch; above 0 only in a part of a halved suspect."""
    received_ns: int
    """When the request arrived, ns since the epoch."""
    flags: int
    base: bytes
    """`RequestBase` as JSON."""
    metadata: bytes
    """The stream's first line without its newline, unread."""
    lines: bytes
    tokens: int = 0
    """Of a batch with terms: how many events the sender may give in it (`terms.UNLIMITED`: not counted)."""
    terms: bytes = b""
    """`terms.Terms`; empty: all events are taken."""

    @property
    def suspect(self) -> bool:
        return bool(self.flags & SUSPECT)


class LineError(msgspec.Struct, array_like=True, frozen=True):
    """A refused line: its number in the batch, what is wrong, and how its document begins."""

    line: int
    message: str
    document: bytes


class StreamError(msgspec.Struct, array_like=True, frozen=True):
    """Why a stream ends early: HTTP status and message of the answer; `document` as in `LineError`, or b""."""

    status: int
    message: str
    document: bytes = b""


class Verdict(msgspec.Struct, array_like=True, frozen=True):
    """The worker's answer to one batch; it comes after the batch is on disk, so a verdict is an acknowledgement."""

    session: bytes
    batch_id: bytes
    first_line: int
    accepted: int = 0
    """Events that are stored or dropped on purpose (unsampled), as the original counts them."""
    failed: int = 0
    """Lines refused, listed or not."""
    errors: list[LineError] = msgspec.field(default_factory=list)
    """The first `LISTED_ERRORS` of them."""
    ended: StreamError | None = None
    """Set: nothing of this batch is stored and the stream is over."""
    events: int = 0
    """How many events were found. With terms, more than the batch's tokens: nothing is stored, the batch is to come again
    with as many."""
    documents: int = 0
    """Of those that are accepted: the ones that are stored."""
    empty: int = 0
    """Events that make no document and are not counted as accepted, as in the original (`EMPTY_BREAKDOWN`)."""
    set_aside: int = 0
    """Of those that failed: lines that a worker cannot process (`SUSPECT`)."""


LISTED_ERRORS = 5
"""Line errors that an answer lists at most (http-surface.md 2.5)."""


class Hello(msgspec.Struct, array_like=True, frozen=True):
    """A worker's first frame on a connection."""

    revision: int
    version: str
    worker: int
    incarnation: int
    session: bytes
    credit: int
    """Bytes of batches that may be unanswered on this connection."""


def pack_batch(batch: Batch) -> bytes:
    """The frame of a batch."""
    header = _HEADER.pack(
        BATCH,
        batch.flags,
        batch.session,
        batch.batch_id,
        batch.number,
        batch.first_line,
        batch.received_ns,
        len(batch.base),
        len(batch.metadata),
        batch.tokens,
        len(batch.terms),
    )
    return b"".join((header, batch.base, batch.terms, batch.metadata, batch.lines))


def unpack_batch(frame: bytes) -> Batch:
    """The batch of a frame. Raises WireError."""
    if len(frame) < BATCH_HEADER_BYTES or frame[:1] != BATCH:
        raise WireError("not a batch frame")
    (_, flags, session, batch_id, number, first_line, received_ns, base_size, metadata_size, tokens, terms_size) = (
        _HEADER.unpack_from(frame)
    )
    terms_at = BATCH_HEADER_BYTES + base_size
    metadata_at = terms_at + terms_size
    lines_at = metadata_at + metadata_size
    if lines_at > len(frame):
        raise WireError("batch frame shorter than its header says")
    return Batch(
        session,
        batch_id,
        number,
        first_line,
        received_ns,
        flags,
        frame[BATCH_HEADER_BYTES:terms_at],
        frame[metadata_at:lines_at],
        frame[lines_at:],
        tokens,
        frame[terms_at:metadata_at],
    )


_encode = msgspec.msgpack.Encoder().encode
_decode_verdict = msgspec.msgpack.Decoder(Verdict).decode
_decode_hello = msgspec.msgpack.Decoder(Hello).decode
_decode_question = msgspec.msgpack.Decoder(Question).decode
_decode_answer = msgspec.msgpack.Decoder(Answer).decode
_decode_base = msgspec.json.Decoder(RequestBase).decode


def pack_verdict(verdict: Verdict) -> bytes:
    """The frame of a verdict."""
    return VERDICT + _encode(verdict)


def pack_hello(hello: Hello) -> bytes:
    """The frame of a hello."""
    return HELLO + _encode(hello)


def pack_question(question: Question) -> bytes:
    """The frame of a question."""
    return QUESTION + _encode(question)


def pack_answer(answer: Answer) -> bytes:
    """The frame of an answer."""
    return ANSWER + _encode(answer)


def unpack_from_acceptor(frame: bytes) -> Batch | Question:
    """A frame that a worker receives. Raises WireError."""
    if frame[:1] != QUESTION:
        return unpack_batch(frame)
    try:
        return _decode_question(frame[1:])
    except msgspec.MsgspecError as problem:
        raise WireError(str(problem)) from problem


def unpack_from_worker(frame: bytes) -> Verdict | Hello | Answer:
    """A frame that an acceptor receives. Raises WireError."""
    try:
        if frame[:1] == VERDICT:
            return _decode_verdict(frame[1:])
        if frame[:1] == HELLO:
            return _decode_hello(frame[1:])
        if frame[:1] == ANSWER:
            return _decode_answer(frame[1:])
    except msgspec.MsgspecError as problem:
        raise WireError(str(problem)) from problem
    raise WireError(f"unknown frame kind {frame[:1]!r}")


def pack_base(base: RequestBase) -> bytes:
    """The request base as it travels in a batch; equal bases give equal bytes, so the bytes can be a cache key."""
    return msgspec.json.encode(base)


def unpack_base(data: bytes) -> RequestBase:
    """Raises WireError."""
    try:
        return _decode_base(data)
    except msgspec.MsgspecError as problem:
        raise WireError(str(problem)) from problem


def new_batch_id(now_ms: int, random_bytes: bytes) -> bytes:
    """16 bytes: milliseconds since the epoch (48 bits), then 80 random bits. Time first keeps Elasticsearch's id look-ups cheap."""
    return now_ms.to_bytes(6, "big") + random_bytes[:10]


def id_stem(batch_id: bytes) -> str:
    """The batch id as text, 22 characters that sort as the bytes do."""
    return b64encode(batch_id).translate(_SORTED_BASE64)[:22].decode("ascii")


def trying_text(batch_id: bytes, first_line: int) -> str:
    """How control messages name a suspect (`messages.Trying`)."""
    return f"{batch_id.hex()}:{first_line}"
