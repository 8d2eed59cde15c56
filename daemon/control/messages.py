"""What supervisor and child say to each other over the control socketpair. Pure: structs, and bytes to structs."""

from __future__ import annotations

import struct
from collections.abc import Iterator

import msgspec
from tidegate.daemon.settings.parts import CertificatesPart
from tidegate.daemon.telemetry.notes import RefusalNote, ServiceNote

MESSAGE_LIMIT = 4 * 1024 * 1024
"""Bytes of one message; the largest is a child's part of the settings, a few KiB with certificates inline."""

_LENGTH = struct.Struct("!I")


class ControlError(Exception):
    """The other end sent something that is no message."""


class Message(msgspec.Struct, tag_field="kind", frozen=True):
    """Base of all."""


# ------------------------------------------------------------------------------------------ supervisor to child


class Configure(Message, tag="configure", frozen=True):
    """The first message: who the child is and its part of the settings (`AcceptorPart` or `WorkerPart`)."""

    number: int
    incarnation: int
    runtime_folder: str
    temporary: bool
    """The runtime folder belongs to this instance alone and goes with it."""
    settings: msgspec.Raw
    counters: int = -1
    """The inherited descriptor of the slot that the child counts in (`telemetry.slots`)."""


class AcceptorAddress(msgspec.Struct, frozen=True):
    """Where an acceptor's ROUTER listens."""

    number: int
    incarnation: int
    endpoint: str


class Acceptors(Message, tag="acceptors", frozen=True):
    """To workers: all acceptors there are now; links to others end."""

    addresses: list[AcceptorAddress]


class WorkerGone(Message, tag="worker_gone", frozen=True):
    """To acceptors: this worker is dead and reaped; nothing more will come from it."""

    worker: int
    incarnation: int
    trying: str | None = None
    """The suspect (`Trying.batch`) that it was decoding."""


class StoreReady(Message, tag="store_ready", frozen=True):
    """Worker to supervisor, then supervisor to acceptors: the sink has passed its check."""


class Certificates(Message, tag="certificates", frozen=True):
    """To acceptors: the files have changed; connections from now on see these."""

    certificates: CertificatesPart


class Prepare(Message, tag="prepare", frozen=True):
    """New settings, as in `Configure`: make ready what they need, and say so. Nothing changes yet."""

    settings: msgspec.Raw


class Apply(Message, tag="apply", frozen=True):
    """What was prepared last is in force from now on."""


class Drain(Message, tag="drain", frozen=True):
    """Finish what is in flight within so many seconds, then exit."""

    timeout: float


# ------------------------------------------------------------------------------------------ child to supervisor


class Started(Message, tag="started", frozen=True):
    """The child serves; an acceptor names its endpoint."""

    endpoint: str = ""
    unprotected: list[str] = []
    """What the kernel could not do to shut an acceptor off, in words (`lockdown.acceptor`)."""


class Failed(Message, tag="failed", frozen=True):
    """The child cannot start, and neither will a successor: the whole stops with this text."""

    reason: str
    exit_code: int
    """Of the whole."""


class Prepared(Message, tag="prepared", frozen=True):
    """The answer to `Prepare`."""

    problem: str = ""
    """Why the settings cannot be used; empty when they can."""


class Applied(Message, tag="applied", frozen=True):
    """The answer to `Apply`."""


class Heartbeat(Message, tag="heartbeat", frozen=True):
    """The child's event loop turns."""


class Trying(Message, tag="trying", frozen=True):
    """A worker is about to decode this suspect (id and first line in one text), or, with None, is done with it."""

    batch: str | None


class Trouble(Message, tag="trouble", frozen=True):
    """A worker cannot write to the store, for a reason in words; with None it can again."""

    cause: str | None


class Logged(Message, tag="logged", frozen=True):
    """The child has logged this at level warning or above, and not as a mere repetition."""

    moment: float
    """Seconds since the epoch."""
    level: str
    text: str


class Inquire(Message, tag="inquire", frozen=True):
    """To all children: what do you remember of this service?"""

    number: int
    service: str


class Findings(Message, tag="findings", frozen=True):
    """The answer to the inquiry of this number."""

    number: int
    services: list[ServiceNote] = []
    refusals: list[RefusalNote] = []


AnyMessage = (
    Configure
    | Acceptors
    | WorkerGone
    | StoreReady
    | Certificates
    | Prepare
    | Apply
    | Drain
    | Started
    | Failed
    | Prepared
    | Applied
    | Heartbeat
    | Trying
    | Trouble
    | Logged
    | Inquire
    | Findings
)

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(AnyMessage).decode


def pack(message: Message) -> bytes:
    """The bytes of a message: its length, then JSON."""
    body = _encode(message)
    return _LENGTH.pack(len(body)) + body


class Unpacker:
    """Cuts a byte stream into messages."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Iterator[AnyMessage]:
        """The messages that `data` completes. Raises ControlError."""
        self._buffer += data
        while len(self._buffer) >= _LENGTH.size:
            (size,) = _LENGTH.unpack_from(self._buffer)
            if size > MESSAGE_LIMIT:
                raise ControlError(f"control message of {size} bytes, more than {MESSAGE_LIMIT}")
            end = _LENGTH.size + size
            if len(self._buffer) < end:
                return
            body = bytes(self._buffer[_LENGTH.size : end])
            del self._buffer[:end]
            try:
                yield _decode(body)
            except msgspec.MsgspecError as problem:
                raise ControlError(f"control message cannot be read: {problem}") from problem
