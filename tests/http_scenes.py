"""Scenes of the acceptor without a network: a stream with fake workers, a connection with a fake transport."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from http_fakes import FakeClock, FakeCourier, FakeExchange, FakeTransport, RecordingSink, make_part, new_tally
from tidegate.daemon.api.account import Account
from tidegate.daemon.api.gate import Gate
from tidegate.daemon.api.stream import IntakeStream
from tidegate.daemon.h1.exchange import BodySink, Exchange
from tidegate.daemon.h1.protocol import HttpProtocol
from tidegate.daemon.h1.responses import Answer, Responder
from tidegate.daemon.limits.holdings import Holdings
from tidegate.daemon.outcomes import RequestOutcome

OK = Answer(RequestOutcome.OK, {"a": 1})
REFUSED = Answer(RequestOutcome.INVALID, "no")
LOST = Answer(RequestOutcome.TIMED_OUT, "request timed out")


class StreamScene:
    """A stream that has started, and what is around it."""

    def __init__(
        self,
        credit: int = 1000,
        at_once: bool = False,
        encoding: bytes = b"",
        verbose: bool = True,
        gate: Gate | None = None,
        **settings: Any,
    ) -> None:
        self.clock = FakeClock()
        self.courier = FakeCourier(credit, at_once)
        headers = [(b"content-encoding", encoding)] if encoding else []
        self.exchange = FakeExchange(make_part(**settings), self.clock, headers)
        self.gate = gate or Gate(0)
        self.account = Account(new_tally())
        self.stream = IntakeStream(self.exchange, self.courier, self.gate, self.account, b"{base}", verbose)
        self.stream.start()

    def send(self, data: bytes, size: int = 65536, end: bool = True) -> None:
        """Feeds a body as the protocol does: only while it is wanted."""
        for at in range(0, len(data), size):
            self.clock.settle()
            assert self.exchange.wanted
            self.stream.data(data[at : at + size])
        self.clock.settle()
        if end:
            self.stream.end()
            self.clock.settle()

    @property
    def errors(self) -> list[tuple[str, str | None]]:
        return [(error["message"], error.get("document")) for error in self.exchange.body.get("errors", [])]


class Sink(RecordingSink):
    """Takes the body; a lost or late one is answered at once, as streams do in bounded time."""

    def __init__(self, exchange: Exchange) -> None:
        super().__init__()
        self.exchange = exchange

    def lost(self) -> None:
        super().lost()
        self.exchange.answer(LOST)

    def expire(self) -> None:
        super().expire()
        self.exchange.answer(LOST)


class FakeService:
    """`/now` answers at once, `/refuse` refuses, `/sink` reads, `/later` does not read yet, `/raise` raises."""

    def __init__(self, **settings: Any) -> None:
        self.part = make_part(**settings)
        self.responder = Responder({})
        self.draining = False
        self.sinks: list[Sink] = []
        self.ended_with: list[tuple[int, int]] = []
        self.open = 0
        self.gave_up: list[int] = []
        self.later: list[Callable[[], None]] = []
        self.holdings = Holdings(self.part.connection_memory, self.later.append, self.gave_up.append)

    def serve(self, exchange: Exchange) -> BodySink | None:
        path = exchange.head.path
        if path == "/now":
            exchange.answer(OK)
        elif path == "/refuse":
            exchange.answer(REFUSED)
        elif path == "/raise":
            raise ValueError("a bug")
        else:
            self.sinks.append(Sink(exchange))
            if path == "/sink":
                exchange.resume()
            return self.sinks[-1]
        return None

    def ended(self, exchange: Exchange, answer: Answer, body_bytes: int, started: float) -> None:
        self.ended_with.append((answer.outcome.value.status, body_bytes))

    def failed(self, exchange: Exchange) -> Answer:
        return Answer(RequestOutcome.INTERNAL, "panic handling request")

    def opened(self, connection: HttpProtocol) -> None:
        self.open += 1

    def closed(self, connection: HttpProtocol) -> None:
        self.open -= 1


class Client:
    """A connection and both its ends."""

    def __init__(self, slow: bool = False, **settings: Any) -> None:
        self.clock = FakeClock()
        self.service = FakeService(**settings)
        self.transport = FakeTransport(slow)
        self.protocol = HttpProtocol(self.service, self.clock, ("192.0.2.1", 5555))
        self.protocol.connection_made(self.transport)  # type: ignore[arg-type] # as much of a transport as is used

    def send(self, data: bytes) -> None:
        for at in range(0, len(data), 65536):
            piece = data[at : at + 65536]
            self.protocol.get_buffer(-1)[: len(piece)] = piece
            self.protocol.buffer_updated(len(piece))
            self.clock.settle()

    def leave(self) -> None:
        """The client's socket is gone."""
        self.protocol.connection_lost(None)

    def statuses(self) -> list[int]:
        """Of the answers since the last call."""
        found = [int(part[:3]) for part in bytes(self.transport.written).split(b"HTTP/1.1 ")[1:]]
        self.transport.written.clear()
        return found

    @property
    def sink(self) -> Sink:
        return self.service.sinks[-1]

    @property
    def open(self) -> bool:
        transport = self.transport
        return not (transport.half_closed or transport.closed or transport.aborted)
