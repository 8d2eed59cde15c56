"""The asyncio protocol round `H1Connection`: reads, writes, deadlines and flow control of one client connection."""

from __future__ import annotations

import asyncio
import logging
import time
from typing import cast

from tidegate.daemon.h1 import bounds
from tidegate.daemon.h1.alarm import Alarm, Clock
from tidegate.daemon.h1.client_address import Peer
from tidegate.daemon.h1.connection import BodyBroken, BodyData, BodyEnd, BodyLost, ClientError, Closed, H1Connection
from tidegate.daemon.h1.live_exchange import LiveExchange
from tidegate.daemon.h1.phases import Phase, moved
from tidegate.daemon.h1.request_head import RequestHead
from tidegate.daemon.h1.responses import Answer, render_client_error
from tidegate.daemon.h1.service import Service
from tidegate.daemon.limits.holdings import NOTED_BYTES

_read_buffer = memoryview(bytearray(bounds.READ_BYTES))
"""Shared by all connections: the loop fills it and hands it over without anything in between."""

_log = logging.getLogger("tidegate.http")


class HttpProtocol(asyncio.BufferedProtocol):
    """One client connection."""

    def __init__(self, service: Service, clock: Clock, peer: Peer) -> None:
        """`peer`: as `accept` gave it; a socket that its client has reset since can be read, but names nobody."""
        self.service = service
        self.clock = clock
        self.peer_ip, self.peer_port = peer
        self._phase = Phase.NEW
        self._h1 = H1Connection(service.part.max_header_size)
        self._exchange: LiveExchange | None = None
        self._alarm = Alarm(clock, self._deadline)
        self._read_until = clock.time() + service.part.read_timeout
        self._write_until = 0.0
        self._writable = self._reading = True
        self._advancing = False
        self._closing = self._ended = False
        self._noted = self._lost = False
        self._ahead = 0
        self._discarded = 0

    # What the loop calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._transport.set_write_buffer_limits(NOTED_BYTES)  # what is worth counting is told then
        self._alarm.set(self._read_until)
        self.service.opened(self)

    def get_buffer(self, sizehint: int) -> memoryview:
        return _read_buffer

    def buffer_updated(self, nbytes: int) -> None:
        phase = self._phase
        if phase is Phase.LINGER or phase is Phase.CLOSED:
            return
        self._h1.feed(bytes(_read_buffer[:nbytes]))
        if phase is Phase.NEW:
            self._move(Phase.HEAD)
        elif phase is Phase.IDLE:
            self._begin_request(self.clock.time())
        self._ahead += nbytes
        self._advance()

    def eof_received(self) -> bool:
        self._ended = True
        if self._phase is Phase.LINGER:
            self._close()
            return False
        self._h1.feed(b"")
        self._advance()
        return self._phase is not Phase.CLOSED

    def pause_writing(self) -> None:
        self._writable = False

    def resume_writing(self) -> None:
        self._writable = True
        self._advance()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._phase is not Phase.CLOSED:
            self._move(Phase.CLOSED)
        self._lost = True
        self._alarm.close()
        self.service.closed(self)
        self._lose_body()
        self.weigh()

    # What exchanges call.

    def send_answer(self, exchange: LiveExchange, answer: Answer) -> None:
        """Writes the answer, if its client is still there."""
        if self._phase is Phase.CLOSED or self._phase is Phase.LINGER:
            return
        complete = self._phase is Phase.WAIT
        head = exchange.head
        no_body_comes = self._h1.awaits_continue
        keep = not self.service.draining and not self._closing and not answer.ends_connection
        keep = self._h1.answer(keep and (complete or head.content_length <= bounds.DISCARD_BYTES))
        data = self.service.responder.render(
            answer, head.headers.get(b"accept", b""), head.method == "HEAD", not keep, int(time.time())
        )
        now = self.clock.time()
        self._write(data, now)
        if not keep:
            if complete or no_body_comes:
                self._half_close(now)
            else:
                # The client may still be sending what it was told not to; DISCARD ends in LINGER.
                self._closing = True
                self._discard(now)
        elif complete:
            self._next_request(now)
        else:
            self._discard(now)

    def go_on(self) -> None:
        """Handles what follows an answer, if nothing is doing that already."""
        if not self._advancing:
            self._advance()

    def body_wanted(self, exchange: LiveExchange) -> None:
        """The handler is ready for the body; the time that it was not does not count against the client."""
        if exchange is not self._exchange or self._phase is not Phase.BODY:
            return
        interim = self._h1.want_body()
        if interim:
            self._transport.write(interim)
        self._read_until += self.clock.time() - exchange.paused_at
        self._alarm.set(self._read_until)
        if not self._advancing:
            self.clock.call_soon(self._advance)

    def body_unwanted(self, exchange: LiveExchange) -> None:
        """The handler wants no more of the body for now."""
        exchange.paused_at = self.clock.time()
        if exchange is self._exchange and self._phase is Phase.BODY:
            self._alarm.set(None)
            if not self._advancing:
                self._flow()

    def weigh(self) -> None:
        """Says anew how much this connection holds. A head is held twice: as h11's bytes, and as headers."""
        exchange, held = self._exchange, self._ahead + 2 * self._h1.head_bytes
        unsent = 0 if self._lost else self._transport.get_write_buffer_size()
        if exchange is not None and not exchange.answered:
            held, unsent = held + exchange.held, unsent + exchange.echoed
        elif self._phase is Phase.CLOSED:
            held = 0
        self._noted = self.service.holdings.note(self, held, unsent)

    # What the acceptor calls.

    def give_up(self) -> None:
        """See `holdings.Holder`."""
        exchange = self._exchange
        if self._writable and exchange is not None and exchange.give_up is not None:
            exchange.give_up()
        else:
            self.abort()

    def drain(self) -> None:
        """Closes if nothing is under way; else the connection ends after the answer. A new one may bring a request."""
        if self._phase is Phase.NEW:
            self._alarm.set(min(self._read_until, self.clock.time() + bounds.FIRST_HEAD_SECONDS))
        elif self._phase is Phase.IDLE:
            self._close()

    def abort(self) -> None:
        """Cuts the connection, whatever is under way."""
        if self._phase is not Phase.CLOSED:
            self._move(Phase.CLOSED)
        self._transport.abort()

    # Inside.

    def _move(self, to: Phase) -> None:
        self._phase = moved(self._phase, to)

    def _advance(self) -> None:
        """Handles what has been read, as far as somebody wants it, and reads more or not accordingly."""
        if self._advancing:
            return
        self._advancing = True
        try:
            self._events()
        except Exception:
            self._fail()
            self.clock.call_soon(self._advance)
        finally:
            self._advancing = False
        self._flow()

    def _events(self) -> None:
        requests = 0
        while self._writable:
            phase = self._phase
            if phase is Phase.BODY:
                if self._exchange is None or not self._exchange.wanted:
                    return
            elif phase not in (Phase.NEW, Phase.IDLE, Phase.HEAD, Phase.DISCARD):
                return
            event = self._h1.next()
            if event is None:
                self._ahead = 0
                return
            if isinstance(event, BodyData):
                self._body(event.data)
            elif isinstance(event, RequestHead):
                requests += 1
                self._request(event)
                if requests >= bounds.REQUESTS_PER_TURN:
                    self.clock.call_soon(self._advance)
                    return
            elif isinstance(event, BodyEnd):
                self._body_end()
            else:
                self._stop(event)

    def _request(self, head: RequestHead) -> None:
        if self._phase is not Phase.HEAD:
            self._move(Phase.HEAD)
        self._move(Phase.BODY)
        exchange = LiveExchange(self, head, time.time_ns())
        self._exchange = exchange
        if not head.has_body:
            # Nothing to wait for: the end is the next event, and nobody has to ask for it.
            exchange.wanted = True
        sink = self.service.serve(exchange)
        if not exchange.answered:
            exchange.sink = sink
            if not exchange.wanted:
                self._alarm.set(None)

    def _body(self, data: bytes) -> None:
        exchange = self._exchange
        if exchange is not None:
            exchange.body_bytes += len(data)
            if self._phase is Phase.BODY:
                if exchange.sink is not None:
                    exchange.sink.data(data)
                return
        self._discarded += len(data)
        if self._discarded > bounds.DISCARD_BYTES:
            self._half_close(self.clock.time())

    def _body_end(self) -> None:
        exchange = self._exchange
        now = self.clock.time()
        if self._phase is Phase.DISCARD:
            if self._closing:
                self._half_close(now)
            else:
                self._next_request(now)
            return
        self._move(Phase.WAIT)
        self._alarm.set(now + self.service.part.write_timeout)
        if exchange is not None and exchange.sink is not None:
            exchange.over = True
            exchange.sink.end()

    def _stop(self, event: BodyBroken | BodyLost | ClientError | Closed) -> None:
        """The client's side is at its end, properly or not."""
        now = self.clock.time()
        if isinstance(event, ClientError):
            self._write(render_client_error(event), now)
            self._half_close(now)
        elif isinstance(event, Closed):
            self._close()
        elif self._phase is Phase.DISCARD:
            self._half_close(now)
        else:
            self._closing = True
            exchange = self._exchange
            if isinstance(event, BodyBroken) and exchange is not None and exchange.sink is not None:
                exchange.wanted, exchange.over = False, True
                self._alarm.set(None)
                exchange.sink.broken(event.text)
            else:
                self._lose_body()

    def _next_request(self, now: float) -> None:
        self._exchange = None
        self._move(Phase.IDLE)
        self._h1.next_cycle()
        self._ahead = 0
        if self._h1.in_head:
            self._begin_request(now)
        else:
            self._alarm.set(now + self.service.part.idle_timeout)

    def _begin_request(self, now: float) -> None:
        self._move(Phase.HEAD)
        self._read_until = now + self.service.part.read_timeout
        self._alarm.set(self._read_until)

    def _discard(self, now: float) -> None:
        self._move(Phase.DISCARD)
        self._discarded = 0
        self._alarm.set(now + bounds.DISCARD_SECONDS)

    def _half_close(self, now: float) -> None:
        if self._ended or not self._transport.can_write_eof():
            self._close()
            return
        self._move(Phase.LINGER)
        self._exchange = None
        self._transport.write_eof()
        self._alarm.set(now + bounds.LINGER_SECONDS)

    def _close(self) -> None:
        self._move(Phase.CLOSED)
        self._transport.close()
        # What is written must still go out, but not for ever.
        if self._transport.get_write_buffer_size():
            self._alarm.set(max(self._write_until, self.clock.time()))

    def _write(self, data: bytes, now: float) -> None:
        self._transport.write(data)
        self._write_until = now + self.service.part.write_timeout

    def _flow(self) -> None:
        """Reads on unless there is more in hand than anybody wants."""
        if self._noted or not self._writable or self._ahead + self._h1.head_bytes >= NOTED_BYTES:
            self.weigh()
        if self._phase is Phase.CLOSED or self._ended or self._transport.is_closing():
            return
        exchange = self._exchange
        started = exchange is not None and exchange.body_bytes > 0
        wanted = self._phase is not Phase.BODY or exchange is None or exchange.wanted
        held = (not wanted and started) or self._ahead >= bounds.READ_AHEAD or not self._writable
        if held and self._phase is not Phase.LINGER:
            if self._reading:
                self._reading = False
                self._transport.pause_reading()
        elif not self._reading:
            self._reading = True
            self._transport.resume_reading()

    def _deadline(self) -> None:
        """The time for the present phase is over."""
        now = self.clock.time()
        phase = self._phase
        if phase is Phase.DISCARD:
            self._half_close(now)
            self._flow()
        elif phase is Phase.HEAD:
            # The original answers only when the head stops within a line (http-surface.md 2.6).
            if self._h1.within_line:
                self._write(render_client_error(ClientError(400, "400 Bad Request")), now)
                self._half_close(now)
            else:
                self._close()
        elif phase is Phase.BODY:
            self._closing = True
            self._lose_body()
        elif phase is Phase.WAIT:
            exchange = self._exchange
            if exchange is not None and exchange.sink is not None and not exchange.answered:
                exchange.sink.expire()
        elif now < self._write_until and self._transport.get_write_buffer_size():
            self._alarm.set(self._write_until)
        elif phase is Phase.LINGER or phase is Phase.CLOSED:
            self.abort()
        else:
            self._close()

    def _lose_body(self) -> None:
        """Tells the handler that no more of the body comes."""
        exchange = self._exchange
        if exchange is None or exchange.answered or exchange.sink is None:
            return
        exchange.wanted, exchange.over = False, True
        if self._phase is not Phase.CLOSED:
            self._alarm.set(None)
        try:
            exchange.sink.lost()
        except Exception:
            self._fail()

    def _fail(self) -> None:
        """A handler raised: its request gets a 500, and the connection ends."""
        exchange = self._exchange
        self._closing = True
        if exchange is None or exchange.answered:
            _log.exception("a connection failed")
            self.abort()
            return
        answer = self.service.failed(exchange)
        sink, exchange.sink = exchange.sink, None
        if sink is not None:
            sink.failed()
        exchange.answer(answer)
