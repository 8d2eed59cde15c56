"""What a connection asks of the acceptor."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from tidegate.daemon.h1.exchange import BodySink, Exchange
from tidegate.daemon.h1.responses import Answer, Responder
from tidegate.daemon.limits.holdings import Holdings
from tidegate.daemon.settings.parts import AcceptorPart

if TYPE_CHECKING:
    from tidegate.daemon.h1.protocol import HttpProtocol


class Service(Protocol):
    """What a connection asks of the acceptor."""

    @property
    def part(self) -> AcceptorPart:
        """The settings of now."""

    @property
    def responder(self) -> Responder:
        """Renders answers by the settings of now."""

    @property
    def draining(self) -> bool:
        """Whether connections are to end with their present request."""

    @property
    def holdings(self) -> Holdings:
        """What all connections hold."""

    def serve(self, exchange: Exchange) -> BodySink | None:
        """Begins a request. Without a sink it is answered already, and its body is of no interest."""

    def ended(self, exchange: Exchange, answer: Answer, body_bytes: int, started: float) -> None:
        """A request is answered. `body_bytes` as sent; `started` in the clock's seconds."""

    def failed(self, exchange: Exchange) -> Answer:
        """A handler raised; called while that is being handled. Returns what to answer."""

    def opened(self, connection: HttpProtocol) -> None:
        """A connection was accepted."""

    def closed(self, connection: HttpProtocol) -> None:
        """A connection is gone."""
