"""What protocol and handlers know of each other: one request and its answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from tidegate.daemon.auth.identity import Identity
from tidegate.daemon.h1.alarm import Clock
from tidegate.daemon.h1.client_address import ClientAddress
from tidegate.daemon.h1.request_head import RequestHead
from tidegate.daemon.h1.responses import Answer
from tidegate.daemon.limits.buckets import Purse
from tidegate.daemon.outcomes import RouteGroup
from tidegate.daemon.settings.parts import AcceptorPart


class BodySink(Protocol):
    """Where the body of a request goes. After `end`, `broken` or `lost` no more of it comes (but `lost` may follow the
    other two, when the client leaves); while the exchange is paused only `lost` and `expire` may come. From `broken`
    and `lost` on the sink itself sees to it that it answers in bounded time."""

    def data(self, piece: bytes) -> None:
        """Takes a piece of the body as sent. To take no more for now, it pauses the exchange."""

    def end(self) -> None:
        """The body is complete."""

    def broken(self, text: str) -> None:
        """The chunk framing is damaged; the text says how, in the original's words."""

    def lost(self) -> None:
        """The body stays incomplete: the client is gone, too slow, or we are stopping."""

    def expire(self) -> None:
        """The body ended and the answer took longer than `write_timeout`: answer now."""

    def failed(self) -> None:
        """A call of this sink raised; the protocol answers. Lets go of everything."""


class Exchange(Protocol):
    """One request, seen from its handler."""

    @property
    def head(self) -> RequestHead:
        """What it says before its body."""

    identity: Identity
    """As whom it is served; everybody, until the doorkeeper has looked."""

    group: RouteGroup
    """How the request is counted; `OTHER` until its route is found."""

    purse: Purse | None
    """The tokens of an anonymous sender, which its events take; None where they are not counted."""

    @property
    def client(self) -> ClientAddress:
        """Whose request it is: what a trusted proxy says, else the socket's other end."""

    route_headers: tuple[tuple[str, str], ...]
    """What the route adds to each answer that counts as the route's, after the headers configured for all."""

    @property
    def peer_ip(self) -> str:
        """The socket's other end, in canonical form; "" for a Unix socket."""

    @property
    def peer_port(self) -> int:
        """Its port, 0 for a Unix socket."""

    @property
    def received_ns(self) -> int:
        """When the request arrived, ns since the epoch."""

    @property
    def part(self) -> AcceptorPart:
        """The settings that hold for this request."""

    @property
    def clock(self) -> Clock:
        """Monotonic seconds and later calls."""

    def answer(self, answer: Answer) -> None:
        """Ends the request, once; what is left of the body is thrown away. Goes nowhere if the client is gone."""

    def pause(self) -> None:
        """Stops reading the body. An exchange begins paused."""

    def resume(self) -> None:
        """Reads the body (again)."""

    def hold(self, held: int, echoed: int, give_up: Callable[[], None]) -> None:
        """Says how many bytes the handler holds while it waits: of the body, and for its answer. `give_up` is called when
        all requests together hold too much; it lets go of them and ends the request."""

    @property
    def document_bytes(self) -> int:
        """How much of each document an error answer may show now."""
