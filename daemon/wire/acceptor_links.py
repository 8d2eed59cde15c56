"""The acceptor's end of the links to the workers: sessions, credit, verdicts, and batches of dead workers."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

import zmq
from tidegate.daemon import __version__
from tidegate.daemon.control.messages import WorkerGone
from tidegate.daemon.wire.courier import Answered, Parcel, Replied
from tidegate.daemon.wire.edge import EdgeReader
from tidegate.daemon.wire.frames import (
    SUSPECT,
    WIRE_REVISION,
    Batch,
    Hello,
    Verdict,
    WireError,
    pack_batch,
    pack_question,
    trying_text,
    unpack_from_worker,
)
from tidegate.daemon.wire.questions import QUESTIONS_PER_SESSION, Answer, AnyAsk, Question, Unavailable
from tidegate.daemon.wire.suspects import Case, Part, set_aside, split
from tidegate.daemon.wire.turns import Place, Turns

log = logging.getLogger("tidegate.wire")

VERDICT_SLACK = 65_536
"""Bytes of a verdict besides the documents that it echoes."""

REFUSAL_S = 10.0
"""A few questions of a load balancer long."""

Key = tuple[bytes, int]
"""Batch id and first line: what a verdict answers."""


@dataclass
class Session:
    """One connection of a worker."""

    hello: Hello
    credit: int
    unanswered: dict[Key, Part | tuple[Parcel, Answered]] = field(default_factory=dict)
    asked: dict[int, Replied] = field(default_factory=dict)


def frame_size(parcel: Parcel) -> int:
    """What a parcel costs in credit, bytes."""
    return len(parcel.base) + len(parcel.terms) + len(parcel.metadata) + len(parcel.lines)


class AcceptorLinks:
    """A bound ROUTER and the sessions on it; implements `courier.Courier`."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        context: zmq.Context[zmq.Socket[bytes]],
        endpoint: str,
        max_event_size: int,
    ) -> None:
        self._loop = loop
        self._max_event_size = max_event_size
        self._sessions: dict[bytes, Session] = {}
        self._turns = Turns()
        self._suspects: deque[Part] = deque()
        self._tried: tuple[bytes, Key] | None = None
        self._refusal = ""
        self._refused_at = 0.0
        self._questions = 0
        self._unasked: deque[tuple[AnyAsk, Replied]] = deque()
        sock = context.socket(zmq.ROUTER)
        sock.setsockopt(zmq.ROUTER_MANDATORY, 1)
        # Credit bounds what is on the way; a high-water mark besides it would only hide messages or block.
        sock.setsockopt(zmq.SNDHWM, 0)
        sock.setsockopt(zmq.RCVHWM, 0)
        sock.setsockopt(zmq.LINGER, 0)
        # A verdict lists five errors at most, each with the beginning of its line.
        sock.setsockopt(zmq.MAXMSGSIZE, 6 * max_event_size + VERDICT_SLACK)
        sock.bind(endpoint)
        self._socket = sock
        self._reader = EdgeReader(loop, sock, self._received)

    # ------------------------------------------------------------------------------------------------ for streams

    def try_send(self, parcel: Parcel, answered: Answered) -> bool:
        """See `courier.Courier`."""
        while (session_id := self._best_session()) is not None and self._turns.may_send(parcel.sender, self._free()):
            if self._send(session_id, parcel, 0, parcel.lines, 0, (parcel, answered)):
                self._turns.sent(parcel.sender, frame_size(parcel))
                return True
        return False

    def when_credit(self, sender: bytes, program: bytes, call: Callable[[], None]) -> Place:
        """See `courier.Courier`."""
        return self._turns.wait(sender, program, call)

    def ask(self, ask: AnyAsk, replied: Replied) -> None:
        """See `courier.Courier`. Questions have a credit of their own, so that they pass when all batches wait."""
        session_id = self._to_ask(ask)
        if session_id is None:
            if len(self._unasked) >= QUESTIONS_PER_SESSION:
                replied(Unavailable("no worker is running"))
            else:
                # At a start the first request may come before the first worker.
                self._unasked.append((ask, replied))
            return
        session = self._sessions[session_id]
        if len(session.asked) >= QUESTIONS_PER_SESSION:
            replied(Unavailable(f"{QUESTIONS_PER_SESSION} questions to each worker are unanswered already"))
            return
        self._questions += 1
        question = Question(session_id, self._questions, ask)
        try:
            self._socket.send_multipart((session_id, pack_question(question)), zmq.NOBLOCK)
        except zmq.ZMQError as problem:
            replied(Unavailable(f"the worker's connection is gone: {problem}"))
            return
        session.asked[question.number] = replied
        self._reader.check()

    def connected(self) -> bool:
        """See `courier.Courier`."""
        return bool(self._sessions)

    def trouble(self) -> str:
        """See `courier.Courier`."""
        if not self._sessions:
            return "no worker is running"
        if self._refusal:
            return self._refusal
        return "all workers are busy and their credit is used up"

    def unanswered(self) -> int:
        """Batches that no verdict has come for."""
        return sum(len(session.unanswered) for session in self._sessions.values()) + len(self._suspects)

    def refusing(self) -> bool:
        """Whether a worker's spool has just taken nothing, and none has taken something since. It is over after a while by
        itself: where nobody sends to us because of that, nobody would find out."""
        return bool(self._refusal) and self._loop.time() - self._refused_at < REFUSAL_S

    def credit(self) -> int:
        """Bytes that may be sent now, over all workers."""
        return self._free()

    def waiting(self) -> int:
        """Streams that wait for credit."""
        return self._turns.waiting()

    # ------------------------------------------------------------------------------------------------ for control

    def worker_gone(self, gone: WorkerGone) -> None:
        """A worker is dead: its sessions end, its unanswered batches become suspects."""
        for session_id, session in list(self._sessions.items()):
            if (session.hello.worker, session.hello.incarnation) == (gone.worker, gone.incarnation):
                self._end_session(session_id, gone.trying)
        self._try_suspect()
        self._wake()

    def close(self) -> None:
        """Ends all links; what is unanswered stays so."""
        self._reader.close()

    # ---------------------------------------------------------------------------------------------------- inside

    def _to_ask(self, ask: AnyAsk) -> bytes | None:
        def rank(known: bytes) -> int:
            session = self._sessions[known]
            return session.hello.worker if ask.at_first_worker else len(session.asked)

        return min(self._sessions, key=rank, default=None)

    def _free(self) -> int:
        return sum(session.credit for session in self._sessions.values() if session.credit > 0)

    def _best_session(self) -> bytes | None:
        best, most = None, 0
        for session_id, session in self._sessions.items():
            if session.credit > most:
                best, most = session_id, session.credit
        return best

    def _send(
        self,
        session_id: bytes,
        parcel: Parcel,
        first_line: int,
        lines: bytes,
        flags: int,
        what: Part | tuple[Parcel, Answered],
    ) -> bool:
        batch = Batch(
            session_id,
            parcel.batch_id,
            parcel.number,
            first_line,
            parcel.received_ns,
            flags,
            parcel.base,
            parcel.metadata,
            lines,
            parcel.tokens,
            parcel.terms,
        )
        try:
            self._socket.send_multipart((session_id, pack_batch(batch)), zmq.NOBLOCK)
        except zmq.ZMQError:
            # The connection is gone; the supervisor will tell that the worker is, with what was unanswered on it.
            self._sessions[session_id].credit = 0
            return False
        session = self._sessions[session_id]
        session.credit -= frame_size(parcel)
        session.unanswered[parcel.batch_id, first_line] = what
        self._reader.check()
        return True

    def _received(self, parts: list[bytes]) -> None:
        try:
            session_id, frame = parts
            message = unpack_from_worker(frame)
        except (ValueError, WireError) as problem:
            log.error("dropped a frame from a worker: %s", problem)
            return
        if isinstance(message, Hello):
            self._welcome(session_id, message)
        elif isinstance(message, Answer):
            self._reply(session_id, message)
        else:
            self._answer(session_id, message)

    def _welcome(self, session_id: bytes, hello: Hello) -> None:
        if hello.revision != WIRE_REVISION or hello.version != __version__ or hello.session != session_id:
            log.error(
                "worker %d of version %s (wire revision %d) is not served: this acceptor is %s (%d); restart Tidegate",
                hello.worker, hello.version, hello.revision, __version__, WIRE_REVISION,
            )  # fmt: skip
            return
        self._sessions[session_id] = Session(hello, hello.credit)
        while self._unasked and self._sessions:
            self.ask(*self._unasked.popleft())
        self._try_suspect()
        self._wake()

    def _answer(self, session_id: bytes, verdict: Verdict) -> None:
        session = self._sessions.get(session_id)
        key = (verdict.batch_id, verdict.first_line)
        what = session.unanswered.pop(key, None) if session else None
        if session is None or what is None:
            log.error("dropped a verdict for a batch that is not on this connection")
            return
        self._refusal = verdict.ended.message if verdict.ended and verdict.ended.status == 503 else ""
        self._refused_at = self._loop.time()
        if isinstance(what, Part):
            session.credit += frame_size(what.case.parcel)
            self._tried = None
            what.case.close_part(verdict)
            self._try_suspect()
        else:
            parcel, answered = what
            session.credit += frame_size(parcel)
            self._turns.answered(parcel.sender, frame_size(parcel))
            answered(verdict)
        self._wake()

    def _reply(self, session_id: bytes, answer: Answer) -> None:
        session = self._sessions.get(session_id)
        replied = session.asked.pop(answer.number, None) if session else None
        if replied is None:
            log.error("dropped an answer to a question that was not asked on this connection")
        else:
            replied(answer.reply)

    def _wake(self) -> None:
        self._turns.wake(self._free)

    def _end_session(self, session_id: bytes, trying: str | None) -> None:
        session = self._sessions.pop(session_id)
        if self._tried and self._tried[0] == session_id:
            self._tried = None
        for replied in session.asked.values():
            replied(Unavailable("the worker that was asked is gone"))
        for key, what in session.unanswered.items():
            if isinstance(what, Part):
                part = what
            else:
                part = Part(Case(*what), 0, what[0].lines)
                self._turns.answered(what[0].sender, frame_size(what[0]))
            if isinstance(what, Part) and trying == trying_text(*key):
                self._convict(part)
            else:
                self._suspects.append(part)

    def _convict(self, part: Part) -> None:
        """The part killed a worker that had nothing else in hand."""
        halves = split(part)
        if halves is not None:
            part.case.open_parts += 1
            self._suspects.extend(halves)
            return
        log.error("a line ended its worker twice and is set aside", extra={"ecs": {"event.outcome": "failure"}})
        part.case.close_part(set_aside(part, self._max_event_size))

    def _try_suspect(self) -> None:
        """One suspect at a time, to any worker; the worker takes it up when it has nothing else in flight."""
        if self._tried is not None or not self._suspects or not self._sessions:
            return
        part = self._suspects[0]
        session_id = min(self._sessions, key=lambda known: len(self._sessions[known].unanswered))
        if self._send(session_id, part.case.parcel, part.first_line, part.lines, SUSPECT, part):
            self._suspects.popleft()
            self._tried = (session_id, (part.case.parcel.batch_id, part.first_line))
