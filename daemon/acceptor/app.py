"""The acceptor put together: listener, protocol, routes, courier, and the settings, which can be exchanged."""

from __future__ import annotations

import asyncio
import logging
import secrets
import socket
import ssl
import time
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path

from msgspec.structs import replace
from tidegate.daemon.acceptor.listener import Listener
from tidegate.daemon.api.account import Account
from tidegate.daemon.api.bases import Bases
from tidegate.daemon.api.configurations import Configurations
from tidegate.daemon.api.doorkeeper import Doorkeeper
from tidegate.daemon.api.gate import Gate
from tidegate.daemon.api.key_desk import KeyDesk
from tidegate.daemon.api.request_log import RequestLog
from tidegate.daemon.api.routes import State, Wiring, routes_in_force, serve
from tidegate.daemon.api.sourcemaps import UPLOADS
from tidegate.daemon.auth.failures import Failures
from tidegate.daemon.auth.tokens import keyed_digest
from tidegate.daemon.h1.bounds import FIRST_HEAD_SECONDS
from tidegate.daemon.h1.client_address import Peer, proxies
from tidegate.daemon.h1.exchange import BodySink, Exchange
from tidegate.daemon.h1.protocol import HttpProtocol
from tidegate.daemon.h1.request_head import wire_text
from tidegate.daemon.h1.responses import Answer, Responder
from tidegate.daemon.limits.buckets import Buckets, MemoryTable, Table
from tidegate.daemon.limits.crowd import Crowd
from tidegate.daemon.limits.holdings import Holdings
from tidegate.daemon.limits.shared_table import SharedTable
from tidegate.daemon.outcomes import RequestOutcome
from tidegate.daemon.settings.parts import AcceptorPart, CertificatesPart
from tidegate.daemon.telemetry.metrics import GIVEN_UP, TURNED_AWAY, place
from tidegate.daemon.telemetry.notes import RefusalNotes
from tidegate.daemon.telemetry.slots import Tally
from tidegate.daemon.tls.context import make_context
from tidegate.daemon.tls.handshakes import Handshakes
from tidegate.daemon.tls.layer import TlsLayer
from tidegate.daemon.wire.courier import Courier

CUT_GRACE = 0.5
"""Seconds for connections that were cut to take leave of the loop."""

_log = logging.getLogger("tidegate.acceptor")


class Acceptor:
    """Serves HTTP on inherited sockets. All methods from the event loop's thread."""

    def __init__(
        self,
        part: AcceptorPart,
        courier: Courier,
        sockets: Sequence[socket.socket],
        loop: asyncio.AbstractEventLoop,
        addresses: Table,
        tally: Tally,
    ) -> None:
        """`addresses`: for the tokens of anonymous senders (`address_table`), since an acceptor opens no file later."""
        self.part = part
        self.state = State()
        self.responder = Responder(part.response_headers)
        self.log = RequestLog()
        self._account = Account(tally)
        self.refusals = RefusalNotes()
        self._courier = courier
        self._loop = loop
        self._gate = Gate(part.max_concurrent_decoders)
        self._uploads = Gate(UPLOADS)
        self._digest = keyed_digest(secrets.token_bytes(32))
        self._keys = KeyDesk(courier, self._digest, loop, part.auth.api_key_limit)
        self._failures = Failures()
        self._crowd = Crowd(part.max_connections_per_address)
        self.holdings = Holdings(part.connection_memory, loop.call_soon, self._relieved)
        self._addresses = addresses
        self._configurations = Configurations(courier)
        self._wiring = self._wired(part)
        self._connections: set[HttpProtocol] = set()
        self._handshakes = Handshakes(loop)
        self._handshakes.limit(part.max_connections)
        self._context = context_of(part)
        self._listener = Listener(
            loop, sockets, self._make_protocol, part.max_connections, self._admit, self._crowd.leave
        )
        self._empty = asyncio.Event()
        self._empty.set()

    def _wired(self, part: AcceptorPart) -> Wiring:
        self._keys.cache.limit = part.auth.api_key_limit
        anonymous = part.auth.anonymous
        buckets = Buckets(self._addresses, anonymous.event_limit) if anonymous is not None else None
        doorkeeper = Doorkeeper(part.auth, self._digest, self._keys, self._failures, buckets)
        bases, routes = Bases(part), routes_in_force(part)
        return Wiring(
            self._courier,
            self._gate,
            bases,
            self.state,
            doorkeeper,
            self._configurations,
            routes,
            self._uploads,
            self._account,
        )

    def _admit(self, ip: str) -> bool:
        if self._crowd.enter(ip) or ip in proxies(self.part.forwarding.trusted):
            return True
        self._account.tally.add(place(TURNED_AWAY))
        _log.warning(
            "connections are closed: a client address has more than %d open (tidegate.max_connections_per_address)",
            self._crowd.most,
        )
        return False

    def _make_protocol(self, peer: Peer) -> asyncio.BufferedProtocol:
        make_http = partial(HttpProtocol, self, self._loop, peer)
        if self._context is None:
            return make_http()
        return TlsLayer(
            self._context, make_http, self._handshakes, self._loop, partial(self._listener.released, peer[0])
        )

    def _relieved(self, count: int) -> None:
        self._account.tally.add(place(GIVEN_UP), count)
        _log.warning(
            "%d connections had to give up what they hold: clients make this acceptor hold more than %d MiB "
            "(tidegate.connection_memory) in begun requests and answers that they do not read",
            count,
            self.part.connection_memory >> 20,
        )

    def show(self, certificates: CertificatesPart) -> None:
        """Certificates for connections from now on; those that are open keep theirs. Raises CertificateError."""
        self._context = context_of(replace(self.part, certificates=certificates))

    def start(self) -> None:
        """Begins to accept connections."""
        self._listener.start()

    def reload(self, part: AcceptorPart, context: ssl.SSLContext | None) -> None:
        """Exchanges the settings: for requests that begin from now on (`max_header_size` and TLS for new connections)."""
        self.part = part
        self._context = context
        self.responder = Responder(part.response_headers)
        self._gate.resize(part.max_concurrent_decoders)
        self._wiring = self._wired(part)
        self._crowd.most = part.max_connections_per_address
        self.holdings.most = part.connection_memory
        self._handshakes.limit(part.max_connections)
        self._listener.limit(part.max_connections)

    async def drain(self, timeout: float) -> int:
        """Stops: no new connections, idle ones end, running requests may finish within `timeout` seconds, then they are
        cut. Returns how many were cut (http-surface.md 10.5)."""
        self.state.draining = True
        self._listener.close()
        for connection in list(self._connections):
            connection.drain()
        # Who was let in a moment ago is served: it has been told nothing that would make it try elsewhere.
        await self._listener.settled()
        if len(self._handshakes):
            grace = min(timeout, FIRST_HEAD_SECONDS)
            await asyncio.sleep(grace)
            timeout -= grace
        self._handshakes.close()
        with suppress(TimeoutError):
            await asyncio.wait_for(self._empty.wait(), timeout)
        left = list(self._connections)
        if left:
            _log.warning(
                "%d connections did not end within %.1f s (apm-server.shutdown_timeout) and are cut", len(left), timeout
            )
            for connection in left:
                connection.abort()
            try:
                await asyncio.wait_for(self._empty.wait(), CUT_GRACE)
            except TimeoutError:
                _log.warning("%d connections are still open", len(self._connections))
        return len(left)

    @property
    def connections(self) -> int:
        """Connections that are open."""
        return len(self._connections)

    # `Service`, for the protocol.

    @property
    def draining(self) -> bool:
        return self.state.draining

    def serve(self, exchange: Exchange) -> BodySink | None:
        return serve(exchange, self._wiring)

    def ended(self, exchange: Exchange, answer: Answer, body_bytes: int, started: float) -> None:
        if answer.outcome.value.status >= 400 and answer.routed:
            agent = exchange.head.headers.get(b"user-agent") or b""
            self.refusals.refused(answer.outcome.name.lower(), wire_text(agent), time.time())
        self._account.answered(exchange.group, answer.outcome, body_bytes)
        self.log.ended(exchange, answer, body_bytes, int((self._loop.time() - started) * 1e9))

    def failed(self, exchange: Exchange) -> Answer:
        _log.exception("the handler of %s failed; the request got a 500", exchange.head.path[:256])
        text = "panic handling request"
        return Answer(RequestOutcome.INTERNAL, text, detail=text)

    def opened(self, connection: HttpProtocol) -> None:
        self._connections.add(connection)
        self._empty.clear()
        if self.state.draining:
            # Accepted just before the listener closed.
            self._loop.call_soon(connection.drain)

    def closed(self, connection: HttpProtocol) -> None:
        self._connections.discard(connection)
        if not self._connections:
            self._empty.set()
        self._listener.released(connection.peer_ip)


def context_of(part: AcceptorPart) -> ssl.SSLContext | None:
    """For new connections; None for plain HTTP. Raises CertificateError."""
    if part.tls is None or part.certificates is None:
        return None
    return make_context(part.tls, part.certificates)


def address_table(part: AcceptorPart, shared: Path) -> Table:
    """Where the tokens of client addresses are kept, of this acceptor alone or of all, in the file `shared`. It is there also
    where no anonymous sender is let in: a reload may change that. Raises OSError."""
    most = part.address_limit
    return SharedTable(shared, most) if part.shares_limits else MemoryTable(most)
