"""One log record for each request that a route answered (http-surface.md 10.1)."""

from __future__ import annotations

import logging
import os

from tidegate.daemon.api.logged_text import masked_target
from tidegate.daemon.h1.exchange import Exchange
from tidegate.daemon.h1.request_head import wire_text
from tidegate.daemon.h1.responses import Answer
from tidegate.daemon.outcomes import RequestOutcome
from tidegate.daemon.telemetry.calm import REQUEST_LOGGER as LOGGER
from tidegate.daemon.telemetry.repeats import Repeats

LONGEST_VALUE = 2048
"""Letters of a client's text in a record: a target may be 1 MiB, and the log is ours."""

ERROR_LINES = 100
"""With `errors`, lines a minute for each kind of answer: enough to see who and what, and a client gone wild cannot push
everything else out of the log (the journal drops lines of a service that writes more than 10,000 in 30 s)."""
_STRANGERS = (RequestOutcome.UNAUTHORIZED, RequestOutcome.TOO_MANY_FAILURES)
"""One line a minute and client address: whoever has no credential shall not fill the log."""


class RequestLog:
    """Logs as `logging.requests` says: `all` has a line for each, as the original."""

    def __init__(self) -> None:
        self._logger = logging.getLogger(LOGGER)
        self._errors = Repeats(ERROR_LINES)
        self._strangers = Repeats(1)

    def ended(self, exchange: Exchange, answer: Answer, body_bytes: int, duration_ns: int) -> None:
        """Notes the end of a request. `body_bytes` as sent, compressed."""
        outcome = answer.outcome
        status, message = outcome.value
        which = exchange.part.logging.requests
        if not answer.routed or which == "off" or (status < 400 and which == "errors"):
            return
        level = logging.ERROR if status >= 400 else logging.INFO
        logger = self._logger
        if not logger.isEnabledFor(level):
            return
        repeats = 1
        if outcome in _STRANGERS:
            repeats = self._strangers.due(exchange.clock.time(), exchange.client.ip)
        elif which == "errors":
            repeats = self._errors.due(exchange.clock.time(), f"{status} {message}")
        if not repeats:
            return
        # Made by hand: `Logger.log` walks the stack for the caller's line, which is dearer than all the rest.
        record = logging.LogRecord(LOGGER, level, __file__, 0, answer.message or message, (), None, "ended")
        record.ecs = self._fields(exchange, answer, body_bytes, duration_ns, status)
        record.repeats = repeats
        logger.handle(record)

    def _fields(
        self, exchange: Exchange, answer: Answer, body_bytes: int, duration_ns: int, status: int
    ) -> dict[str, object]:
        head = exchange.head
        random = os.urandom(16).hex()
        fields: dict[str, object] = {
            "url.original": masked_target(head.target)[:LONGEST_VALUE],
            "http.request.method": head.method[:LONGEST_VALUE],
            "source.address": exchange.peer_ip,
            "http.request.id": f"{random[:8]}-{random[8:12]}-4{random[13:16]}-8{random[17:20]}-{random[20:]}",
            "event.duration": duration_ns,
            "http.request.body.bytes": body_bytes,
            "http.response.status_code": status,
        }
        agent = head.headers.get(b"user-agent")
        if agent:
            fields["user_agent.original"] = wire_text(agent[:LONGEST_VALUE])
        client = exchange.client
        if client.forwarded and client.ip != exchange.peer_ip:
            fields["client.ip"] = client.ip
        if answer.detail:
            fields["error.message"] = answer.detail[:LONGEST_VALUE]
        return fields
