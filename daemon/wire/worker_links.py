"""The worker's end of the links: one DEALER for each acceptor, a hello on each, batches in, verdicts out."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Callable

import msgspec
import zmq
from tidegate.daemon import __version__
from tidegate.daemon.control.messages import AcceptorAddress
from tidegate.daemon.wire.edge import EdgeReader
from tidegate.daemon.wire.frames import (
    BATCH_HEADER_BYTES,
    WIRE_REVISION,
    Batch,
    Hello,
    Verdict,
    WireError,
    pack_answer,
    pack_hello,
    pack_verdict,
    unpack_from_acceptor,
)
from tidegate.daemon.wire.questions import QUESTIONS_PER_SESSION, Answer, AnyReply, Question, Unavailable
from tidegate.daemon.wire.rounds import Rounds

log = logging.getLogger("tidegate.wire")

BATCH_SLACK = 1024 * 1024
"""Bytes of a batch besides its longest line and its metadata: the 64 KiB it is cut at, and the request base."""


READ_AHEAD_FRAMES = 64
"""Frames that ZeroMQ keeps before they are taken: one go of the reader. An acceptor that keeps to its credit has its frames
wait at its own end as well; one in foreign hands does not fill this process's memory."""


TURN_SECONDS = 0.002
"""Batches are taken up for this long before it is looked whether others have come; one of 64 KiB takes about as long."""


class WorkerLink:
    """The connection to one acceptor."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        context: zmq.Context[zmq.Socket[bytes]],
        address: AcceptorAddress,
        hello: Hello,
        max_event_size: int,
        received: Callable[[WorkerLink, Batch], None],
        asked: Callable[[WorkerLink, Question], None],
    ) -> None:
        self._session = hello.session
        self._received_batch = received
        self._asked = asked
        self._open_questions = 0
        sock = context.socket(zmq.DEALER)
        sock.setsockopt(zmq.ROUTING_ID, hello.session)
        sock.setsockopt(zmq.SNDHWM, 0)
        sock.setsockopt(zmq.RCVHWM, READ_AHEAD_FRAMES)
        sock.setsockopt(zmq.LINGER, 0)
        sock.setsockopt(zmq.MAXMSGSIZE, BATCH_HEADER_BYTES + 2 * max_event_size + BATCH_SLACK)
        sock.connect(address.endpoint)
        self._socket = sock
        self._reader = EdgeReader(loop, sock, self._received)
        sock.send(pack_hello(hello), zmq.NOBLOCK)
        self._reader.check()

    def answer(self, verdict: Verdict) -> None:
        """Sends the verdict on one of this link's batches; nothing when the acceptor is gone."""
        self._send(pack_verdict(verdict))

    def reply(self, question: Question, reply: AnyReply) -> None:
        """Sends the reply to one of this link's questions; nothing when the acceptor is gone."""
        self._open_questions -= 1
        self._send(pack_answer(Answer(question.session, question.number, reply)))

    def _send(self, frame: bytes) -> None:
        if self._socket.closed:
            return
        try:
            self._socket.send(frame, zmq.NOBLOCK)
        except zmq.ZMQError as problem:
            log.warning("an answer could not be sent, its acceptor is gone: %s", problem)
            return
        self._reader.check()

    def close(self) -> None:
        """Ends the connection."""
        self._reader.close()

    def _received(self, parts: list[bytes]) -> None:
        try:
            message = unpack_from_acceptor(parts[0])
        except WireError as problem:
            log.error("dropped a frame from an acceptor: %s", problem)
            return
        if message.session != self._session:
            return
        if isinstance(message, Question):
            self._open_questions += 1
            if self._open_questions > QUESTIONS_PER_SESSION:
                # An acceptor that keeps to the rules asks no more than that; others must not fill the store's queue.
                self.reply(message, Unavailable("too many questions are unanswered"))
            else:
                self._asked(self, message)
        else:
            self._received_batch(self, message)


class WorkerLinks:
    """Links to all acceptors there are."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        worker: int,
        incarnation: int,
        credit: int,
        max_event_size: int,
        received: Callable[[WorkerLink, Batch], None],
        asked: Callable[[WorkerLink, Question], None],
    ) -> None:
        self._loop = loop
        self._hello = Hello(WIRE_REVISION, __version__, worker, incarnation, b"", credit)
        self._max_event_size = max_event_size
        self._received = received
        self._rounds: Rounds[tuple[WorkerLink, Batch]] = Rounds()
        self._scheduled = False
        self._asked = asked
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self._links: dict[AcceptorAddress, WorkerLink] = {}

    def follow(self, addresses: list[AcceptorAddress]) -> None:
        """Connects to new acceptors and ends links to those that are gone."""
        for address in set(self._links) - set(addresses):
            self._links.pop(address).close()
        for address in addresses:
            if address not in self._links:
                hello = msgspec.structs.replace(self._hello, session=new_session())
                self._links[address] = WorkerLink(
                    self._loop, self._context, address, hello, self._max_event_size, self._arrived, self._asked
                )

    def _arrived(self, link: WorkerLink, batch: Batch) -> None:
        """Batches are read at once and taken up in turn: what one program has in flight is not in the way of the
        others. Programs are told apart by what their events have in common."""
        if batch.suspect:
            self._received(link, batch)
            return
        self._rounds.add(batch.base + batch.metadata, (link, batch))
        self._schedule()

    def _schedule(self) -> None:
        if not self._scheduled and self._rounds:
            self._scheduled = True
            self._loop.call_soon(self._take_up)

    def _take_up(self) -> None:
        self._scheduled = False
        enough = self._loop.time() + TURN_SECONDS
        try:
            while self._rounds:
                self._received(*self._rounds.take())
                if self._loop.time() > enough:
                    break
        finally:
            self._schedule()

    def close(self) -> None:
        """Ends all links."""
        for link in self._links.values():
            link.close()
        self._links.clear()
        self._context.destroy(linger=0)


def new_session() -> bytes:
    """8 random bytes; the first is not zero, since ZeroMQ keeps such identities for itself."""
    return bytes([1 + secrets.randbelow(255)]) + secrets.token_bytes(7)
