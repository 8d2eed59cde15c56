"""`/`: server information (http-surface.md 1.5)."""

from __future__ import annotations

from tidegate.daemon.h1.exchange import Exchange
from tidegate.daemon.h1.responses import Answer
from tidegate.daemon.outcomes import RequestOutcome


def answer_info(exchange: Exchange, publish_ready: bool) -> None:
    """Answers with version, build and readiness, to strangers with nothing. Agents choose their features by the version."""
    if not exchange.identity.known:
        exchange.answer(Answer(RequestOutcome.OK))
        return
    part = exchange.part
    body = {
        "build_date": part.build_date,
        "build_sha": part.build_sha,
        "publish_ready": publish_ready,
        "version": part.version,
    }
    exchange.answer(Answer(RequestOutcome.OK, body))
