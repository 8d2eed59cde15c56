"""Event streams of agents in services and of those in browsers (http-surface.md 2)."""

from __future__ import annotations

from tidegate.daemon.api.account import Account
from tidegate.daemon.api.gate import Gate
from tidegate.daemon.api.stream import IntakeStream
from tidegate.daemon.h1.exchange import BodySink, Exchange
from tidegate.daemon.h1.request_head import query_names
from tidegate.daemon.wire.courier import Courier


def begin_stream(exchange: Exchange, courier: Courier, gate: Gate, account: Account, base: bytes) -> BodySink:
    """Begins to read the events of a request that no guard refused. `base`: packed (`bases`)."""
    query = exchange.head.query
    verbose = bool(query) and "verbose" in query_names(query)
    stream = IntakeStream(exchange, courier, gate, account, base, verbose)
    stream.start()
    return stream
