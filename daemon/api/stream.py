"""One event stream: its body inflated, cut, handed to the workers, and their verdicts gathered (DESIGN steps 3 and 4)."""

from __future__ import annotations

import math
import os
from enum import Enum
from functools import partial

from tidegate.daemon.api.account import Account
from tidegate.daemon.api.gate import Gate
from tidegate.daemon.api.metered import MeteredCourier, terms_of
from tidegate.daemon.api.result import TIMED_OUT, TOO_LONG, Result
from tidegate.daemon.h1.alarm import Alarm
from tidegate.daemon.h1.cutter import Cut, Cutter, Lines, MetadataLine, TooLong
from tidegate.daemon.h1.exchange import Exchange
from tidegate.daemon.h1.inflate import BodyTooLarge, InflateError, Inflater
from tidegate.daemon.h1.responses import Answer
from tidegate.daemon.limits.buckets import bucket_key
from tidegate.daemon.outcomes import EventOutcome, RequestOutcome
from tidegate.daemon.wire.courier import Courier, Parcel, Waiting
from tidegate.daemon.wire.frames import StreamError, Verdict, new_batch_id
from tidegate.daemon.wire.terms import BATCH_LINES

BATCH_BYTES = 65536
"""A batch is handed over at this size: about 44 events. Smaller ones cost more per event in hand-over and in splicing,
larger ones gain nothing more (performance.md 4)."""

OLDEST_LINE_SECONDS = 0.2
"""A batch is handed over when its first line is this old, so that a slow stream's events are not held back."""

PIECES_PER_TURN = 16
"""Inflated pieces of 64 KiB cut before other connections have their turn: about 1 ms."""


OUT_OF_MEMORY = "too much is held for requests that are open (tidegate.connection_memory)"

MOST_BAD_LINES = 10_000
"""Lines of one request that may be no events; the stream ends then. Agents send fewer lines at all, while 20 KB of gzip can
hold ten million bad ones, of which a worker would count each for half a minute."""


class _Input(Enum):
    OPEN = "more of the body is to come"
    COMPLETE = "the body ended"
    BROKEN = "the body is damaged; whole lines before that count"
    LOST = "the body stays incomplete; whole lines before that count"


class _Stage(Enum):
    WAITING = "at the gate"
    READING = "cutting, handing over"
    HANDED_OVER = "all is with the workers, verdicts are awaited"
    ANSWERED = "over"


class IntakeStream:
    """A `BodySink` for intake requests. Nothing here waits for anything: it is called, does what it can, and returns."""

    def __init__(
        self, exchange: Exchange, courier: Courier, gate: Gate, account: Account, base: bytes, verbose: bool
    ) -> None:
        part = exchange.part
        self._exchange = exchange
        terms = terms_of(exchange.identity)
        self._courier = MeteredCourier(courier, exchange.clock, terms, exchange.purse) if terms else courier
        self._gate = gate
        self._account = account
        self._base = base
        self._sender = bucket_key(exchange.client.ip)
        self._verbose = verbose
        self._cutter = Cutter(BATCH_BYTES, part.max_event_size, BATCH_LINES if terms else 0)
        encoding = exchange.head.headers.get(b"content-encoding", b"")
        self._inflater = Inflater(encoding, self._cutter.step, part.max_body_size)
        self._result = Result()
        self._alarm = Alarm(exchange.clock, self._time_is_up)
        self._stage = _Stage.WAITING
        self._input = _Input.OPEN
        self._readable = True
        self._tail_cut = False
        self._metadata: bytes | None = None
        self._number = 0
        self._unanswered = 0
        self._pending: Parcel | None = None
        self._waiting: Waiting | None = None
        self._yielded = False

    def start(self) -> None:
        """Enters the gate."""
        self._gate.enter(self._begin)

    # What the protocol calls.

    def data(self, piece: bytes) -> None:
        self._inflater.feed(piece)
        self._advance()

    def end(self) -> None:
        self._finish(_Input.COMPLETE)

    def broken(self, text: str) -> None:
        if self._input is _Input.OPEN and self._stage is _Stage.READING:
            self._damage(text, not self._inflater.started)
            self._advance()

    def lost(self) -> None:
        if self._stage is _Stage.WAITING and self._gate.forget(self._begin):
            self._let_go()
            self._exchange.answer(TIMED_OUT)
            return
        self._finish(_Input.LOST)

    def expire(self) -> None:
        self._answer(TIMED_OUT)

    def failed(self) -> None:
        if self._stage is not _Stage.ANSWERED and not (
            self._stage is _Stage.WAITING and self._gate.forget(self._begin)
        ):
            self._gate.leave()
        self._let_go()

    # Inside.

    def _begin(self) -> None:
        self._stage = _Stage.READING
        if self._input is _Input.OPEN:
            self._exchange.resume()
        else:
            self._advance()

    def _finish(self, how: _Input) -> None:
        """No more input comes. A stream that has stopped reading already ignores how its body went on."""
        if self._input is _Input.OPEN:
            self._input = how
            self._inflater.finish()
        elif how is _Input.LOST:
            self._input = how
        if self._stage is _Stage.READING:
            self._advance()
        elif self._stage is _Stage.HANDED_OVER and how is _Input.LOST:
            self._answer(TIMED_OUT)

    def _advance(self) -> None:
        """Goes on with what is there, and says how much is left in hand."""
        self._hand_over()
        if self._stage is not _Stage.ANSWERED:
            self._weigh()

    def _weigh(self) -> None:
        held = self._cutter.held + self._inflater.held + len(self._metadata or b"")
        if self._pending is not None:
            held += len(self._pending.lines)
        self._exchange.hold(held, self._result.echoed, self._give_up)

    def _give_up(self) -> None:
        """All connections together hold too much. What is with the workers counts, the rest is let go."""
        if self._stage is _Stage.READING:
            self._result.retry_after = self._retry_after()
            self._refuse(StreamError(503, OUT_OF_MEMORY))
        elif self._stage is _Stage.WAITING and self._gate.forget(self._begin):
            self._let_go()
            self._exchange.answer(TIMED_OUT)
        if self._stage is not _Stage.ANSWERED:
            part = self._exchange.part
            self._cutter = Cutter(BATCH_BYTES, part.max_event_size)
            self._inflater = Inflater(b"", BATCH_BYTES)
            self._weigh()

    def _hand_over(self) -> None:
        """Cuts what is there and hands it over, until there is no more, or no credit, or others should have a turn."""
        pieces = 0
        while self._stage is _Stage.READING and self._pending is None:
            cut = self._cutter.next()
            if cut is not None:
                self._take(cut)
            elif self._readable and (piece := self._inflate()):
                self._cutter.feed(piece)
                pieces += 1
                if pieces > PIECES_PER_TURN:
                    self._yield()
                    return
            elif self._input is _Input.OPEN:
                self._await_more()
                return
            elif not self._tail_cut:
                self._tail_cut = True
                self._cutter.finish(whole=self._input is _Input.COMPLETE and self._readable)
            else:
                self._handed_over()

    def _inflate(self) -> bytes | None:
        try:
            return self._inflater.next()
        except InflateError as damage:
            self._damage(str(damage), damage.at_start)
        except BodyTooLarge:
            limit = self._exchange.part.max_body_size
            text = f"request body too large: more than {limit} bytes uncompressed (tidegate.max_body_size)"
            self._break(StreamError(400, text), RequestOutcome.TOO_LARGE)
        return None

    def _damage(self, text: str, at_start: bool) -> None:
        """The stream cannot be read on; how that is said depends on how far it came (http-surface.md 2.5)."""
        if at_start:
            self._break(StreamError(400, f"data decoding error: {text}"), RequestOutcome.UNDECODABLE)
        elif self._metadata is None:
            self._break(StreamError(400, text))
        else:
            self._break(StreamError(500, f"cannot handle stream: {text}"))

    def _break(self, error: StreamError, outcome: RequestOutcome | None = None) -> None:
        self._readable = False
        self._result.end(self._number + 1, error, outcome)
        if self._input is _Input.OPEN:
            self._input = _Input.BROKEN
        self._exchange.pause()

    def _take(self, cut: Cut) -> None:
        if isinstance(cut, Lines):
            self._send(cut.data)
        elif isinstance(cut, MetadataLine):
            if not cut.line:
                self._refuse(StreamError(400, '"metadata" or "m" required'))
            self._metadata = cut.line
        elif isinstance(cut, TooLong):
            if cut.metadata:
                self._refuse(StreamError(400, TOO_LONG, cut.beginning), RequestOutcome.TOO_LARGE)
            else:
                self._account.ended(EventOutcome.TOO_LARGE)
                self._result.add_too_long(self._number, cut.beginning, self._exchange.document_bytes)
        else:
            self._refuse(StreamError(400, "EOF while reading metadata", cut.line))

    def _refuse(self, error: StreamError, outcome: RequestOutcome | None = None) -> None:
        """The stream is over, whatever else its body holds."""
        self._result.end(self._number, error, outcome)
        self._stop_reading()

    def _stop_reading(self) -> None:
        self._pending = None
        self._cancel_waiting()
        self._exchange.pause()
        self._handed_over()

    def _send(self, lines: bytes) -> None:
        random = os.urandom(10)
        received_ns = self._exchange.received_ns
        batch_id = new_batch_id(received_ns // 1_000_000, random)
        metadata = self._metadata or b""
        parcel = Parcel(batch_id, self._number, received_ns, self._base, metadata, lines, sender=self._sender)
        self._number += 1
        if self._courier.try_send(parcel, partial(self._verdict, parcel.number)):
            self._unanswered += 1
            self._alarm.set(None)
        else:
            self._pending = parcel
            self._exchange.pause()
            self._alarm.set(self._exchange.clock.time() + self._exchange.part.queue_timeout)
            self._waiting = self._courier.when_credit(self._sender, parcel.metadata, self._credit)

    def _credit(self) -> None:
        """There may be credit again."""
        self._waiting = None
        parcel = self._pending
        if parcel is None:
            return
        if not self._courier.try_send(parcel, partial(self._verdict, parcel.number)):
            self._waiting = self._courier.when_credit(self._sender, parcel.metadata, self._credit)
            return
        self._pending = None
        self._unanswered += 1
        self._alarm.set(None)
        self._advance()

    def _cancel_waiting(self) -> None:
        self._alarm.set(None)
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None

    def _yield(self) -> None:
        """Goes on in the loop's next round."""
        self._yielded = True
        self._exchange.pause()
        self._exchange.clock.call_soon(self._next_turn)

    def _next_turn(self) -> None:
        self._yielded = False
        self._advance()

    def _await_more(self) -> None:
        if self._alarm.when is None and (self._cutter.size or (self._metadata is not None and not self._number)):
            self._alarm.set(self._exchange.clock.time() + OLDEST_LINE_SECONDS)
        self._exchange.resume()

    def _time_is_up(self) -> None:
        """The oldest line is old enough to go, or the pending parcel has waited for credit long enough."""
        parcel = self._pending
        if parcel is not None:
            self._result.retry_after = self._retry_after()
            self._result.end(parcel.number, StreamError(503, self._courier.trouble()))
            self._stop_reading()
        elif self._stage is _Stage.HANDED_OVER:
            self._answer(TIMED_OUT)
        elif self._stage is _Stage.READING and not self._yielded:
            self._send(self._cutter.take())

    def _verdict(self, number: int, verdict: Verdict) -> None:
        self._unanswered -= 1
        self._account.settled(verdict)
        if self._stage is _Stage.ANSWERED:
            return
        self._result.add(number, verdict, self._exchange.document_bytes)
        if verdict.errors:
            self._weigh()
        if verdict.ended is not None and verdict.ended.status == RequestOutcome.QUEUE_FULL.value.status:
            self._result.retry_after = self._retry_after()
        if self._stage is _Stage.READING and self._result.failed > MOST_BAD_LINES:
            text = f"cannot handle stream: more than {MOST_BAD_LINES} lines are no events"
            self._result.end(self._number, StreamError(400, text))
            self._stop_reading()
        elif self._stage is _Stage.HANDED_OVER:
            self._answer_if_complete()
        elif verdict.ended is not None:
            self._stop_reading()

    def _retry_after(self) -> int:
        """Seconds; no sooner than a place in the queue can be waited for."""
        return max(1, math.ceil(self._exchange.part.queue_timeout))

    def _handed_over(self) -> None:
        if self._metadata and not self._number and self._input is not _Input.LOST:
            # A stream without lines: a worker still has to look at its metadata.
            self._send(b"")
            if self._pending is not None:
                return
        self._stage = _Stage.HANDED_OVER
        if self._input is _Input.LOST:
            self._answer(TIMED_OUT)
        else:
            self._answer_if_complete()

    def _answer_if_complete(self) -> None:
        if not self._unanswered:
            self._answer(self._result.answer(self._verbose, self._exchange.document_bytes))
        elif self._input is not _Input.COMPLETE and self._alarm.when is None:
            # The protocol bounds the wait for an answer once the body is complete; here it is not.
            self._alarm.set(self._exchange.clock.time() + self._exchange.part.write_timeout)

    def _answer(self, answer: Answer) -> None:
        if self._stage is _Stage.ANSWERED:
            return
        self._let_go()
        self._exchange.answer(answer)
        self._gate.leave()

    def _let_go(self) -> None:
        self._stage = _Stage.ANSWERED
        self._pending = None
        self._cancel_waiting()
        self._alarm.close()
