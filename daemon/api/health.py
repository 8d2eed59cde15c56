"""For load balancers: whether requests should be sent here (`tidegate.health.path`). An empty answer, whoever asks."""

from __future__ import annotations

from tidegate.daemon.h1.exchange import Exchange
from tidegate.daemon.h1.request_head import RequestHead
from tidegate.daemon.h1.responses import Answer
from tidegate.daemon.outcomes import RequestOutcome
from tidegate.daemon.settings.parts import AcceptorPart

# Without a line in the request log: it is asked every few seconds.
_WELL = Answer(RequestOutcome.OK, routed=False)
_DRAINING = Answer(RequestOutcome.SHUTTING_DOWN, routed=False)
_REFUSING = Answer(RequestOutcome.QUEUE_FULL, routed=False)
_METHOD = Answer(RequestOutcome.METHOD_NOT_ALLOWED, headers=(("Allow", "GET, HEAD"),), routed=False)


def only_asked(head: RequestHead, part: AcceptorPart) -> Answer | None:
    """The guard: 405 for anything but GET and HEAD."""
    return None if head.method in ("GET", "HEAD") else _METHOD


def answer_health(exchange: Exchange, *, draining: bool, refusing: bool) -> None:
    """200; 503 while stopping, or while the spool takes nothing."""
    exchange.answer(_DRAINING if draining else _REFUSING if refusing else _WELL)
