"""One request on a connection, as its handler sees it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from tidegate.daemon.auth.identity import OPEN
from tidegate.daemon.h1.client_address import ClientAddress, client_address
from tidegate.daemon.h1.exchange import BodySink
from tidegate.daemon.h1.request_head import RequestHead
from tidegate.daemon.h1.responses import Answer
from tidegate.daemon.limits.buckets import Purse
from tidegate.daemon.outcomes import RouteGroup

if TYPE_CHECKING:
    from tidegate.daemon.h1.protocol import HttpProtocol


class LiveExchange:
    """One request on a connection; see `Exchange`."""

    __slots__ = (
        "_client",
        "_protocol",
        "answered",
        "body_bytes",
        "clock",
        "echoed",
        "give_up",
        "group",
        "head",
        "held",
        "identity",
        "over",
        "part",
        "paused_at",
        "peer_ip",
        "peer_port",
        "purse",
        "received_ns",
        "route_headers",
        "sink",
        "started",
        "wanted",
    )

    def __init__(self, protocol: HttpProtocol, head: RequestHead, received_ns: int) -> None:
        self._protocol = protocol
        self.head = head
        self.peer_ip = protocol.peer_ip
        self.peer_port = protocol.peer_port
        self.clock = protocol.clock
        self.part = protocol.service.part
        self.received_ns = received_ns
        self.identity = OPEN
        self.group = RouteGroup.OTHER
        self.purse: Purse | None = None
        self._client: ClientAddress | None = None
        self.started = protocol.clock.time()
        self.route_headers: tuple[tuple[str, str], ...] = ()
        self.sink: BodySink | None = None
        self.wanted = False
        self.paused_at = self.started
        self.answered = False
        self.over = False
        self.body_bytes = 0
        self.held = 0
        self.echoed = 0
        self.give_up: Callable[[], None] | None = None

    @property
    def client(self) -> ClientAddress:
        if self._client is None:
            self._client = client_address(self.head, self.peer_ip, self.peer_port, self.part.forwarding)
        return self._client

    def answer(self, answer: Answer) -> None:
        if self.answered:
            raise RuntimeError("a request has one answer")
        self.answered = True
        self.sink = self.give_up = None
        self.held = self.echoed = 0
        if self.route_headers and answer.routed:
            answer = answer._replace(headers=(*self.route_headers, *answer.headers))
        self._protocol.send_answer(self, answer)
        body_bytes = self.body_bytes if self.head.chunked else self.head.content_length
        self._protocol.service.ended(self, answer, body_bytes, self.started)
        self._protocol.go_on()

    def pause(self) -> None:
        if self.wanted:
            self.wanted = False
            self._protocol.body_unwanted(self)

    def resume(self) -> None:
        if not self.wanted and not self.answered and not self.over:
            self.wanted = True
            self._protocol.body_wanted(self)

    def hold(self, held: int, echoed: int, give_up: Callable[[], None]) -> None:
        if not self.answered:
            self.held, self.echoed, self.give_up = held, echoed, give_up
            self._protocol.weigh()

    @property
    def document_bytes(self) -> int:
        return self._protocol.service.holdings.document_bytes(self.part.max_event_size)
