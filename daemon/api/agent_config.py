"""`/config/v1/agents` and `/config/v1/rum/agents`: what agents are told to change while they run (http-surface.md 6)."""

from __future__ import annotations

from enum import Enum
from functools import partial

import orjson
from tidegate.daemon.api.agent_query import InvalidQuery, Query, query_of_body, query_of_target
from tidegate.daemon.api.configurations import Configurations
from tidegate.daemon.api.result import TIMED_OUT
from tidegate.daemon.auth.identity import CONFIG_READ, Method
from tidegate.daemon.h1.alarm import Alarm
from tidegate.daemon.h1.exchange import BodySink, Exchange
from tidegate.daemon.h1.inflate import BodyTooLarge, InflateError, Inflater
from tidegate.daemon.h1.responses import Answer
from tidegate.daemon.outcomes import RequestOutcome
from tidegate.daemon.wire.courier import Waiting
from tidegate.daemon.wire.questions import AnyReply, Configuration, FindConfiguration, NoConfiguration, StoreForbids

LONGEST_BODY = 256 << 10
"""Bytes, uncompressed; about what an event may have. The Java agent tells its command line and class path too: tens of KiB."""
STEP = 65536
LONGEST_WAIT = 5.0
"""Seconds for a worker's reply, which costs it microseconds; longer means that it is in trouble."""

ERROR_CACHE = ("Cache-Control", "max-age=300, must-revalidate")
EXPOSED = ("Access-Control-Expose-Headers", "Etag")
NO_ETAG = "-"
"""Of the answer that there is no rule."""

NOT_READY = "Agent configuration infrastructure is not ready. Please retry later."
FORBIDDEN = (
    "Your Elasticsearch configuration does not support agent config queries. Check your configurations at "
    "`output.elasticsearch` or `apm-server.agent.config.elasticsearch`."
)

_NULL = orjson.Fragment(b"null")


def begin_look_up(exchange: Exchange, configurations: Configurations) -> BodySink | None:
    """Answers at once, or returns the sink for the body and the wait for the reply."""
    method = exchange.head.method
    if method not in ("GET", "POST"):
        text = f"method not supported: {method}"
        short = "method not supported"
        exchange.answer(_refused(RequestOutcome.METHOD_NOT_ALLOWED, text, short if _is_stranger(exchange) else ""))
        return None
    look_up = LookUp(exchange, configurations)
    look_up.start()
    return None if look_up.over else look_up


class _Stage(Enum):
    READING = "the body holds the question"
    ASKED = "a worker looks it up"
    ANSWERED = "over"


class LookUp:
    """A `BodySink`: one request for a configuration."""

    def __init__(self, exchange: Exchange, configurations: Configurations) -> None:
        self._exchange = exchange
        self._configurations = configurations
        self._stage = _Stage.READING
        self._body = bytearray()
        self._waiting: Waiting | None = None
        encoding = exchange.head.headers.get(b"content-encoding", b"")
        self._inflater = Inflater(encoding, STEP, LONGEST_BODY)
        self._alarm = Alarm(exchange.clock, self._no_reply)

    @property
    def over(self) -> bool:
        """Whether it is answered."""
        return self._stage is _Stage.ANSWERED

    def start(self) -> None:
        """Asks, for a GET; else begins to read."""
        if self._exchange.head.method == "POST":
            self._exchange.resume()
            return
        try:
            query = query_of_target(self._exchange.head)
        except InvalidQuery as problem:
            self._invalid(str(problem))
        else:
            self._look_up(query)

    # What the protocol calls.

    def data(self, piece: bytes) -> None:
        if self._stage is _Stage.READING:
            self._inflater.feed(piece)
            self._inflate()

    def end(self) -> None:
        if self._stage is not _Stage.READING:
            return
        self._inflater.finish()
        if not self._inflate():
            return
        try:
            query = query_of_body(self._exchange.head, bytes(self._body))
        except InvalidQuery as problem:
            self._invalid(str(problem))
        else:
            self._look_up(query)

    def broken(self, text: str) -> None:
        if self._stage is _Stage.READING:
            self._invalid(text)

    def lost(self) -> None:
        self._answer(TIMED_OUT)

    def expire(self) -> None:
        self._no_reply()

    def failed(self) -> None:
        self._let_go()

    # Inside.

    def _inflate(self) -> bool:
        """Takes what comes out; False when the body cannot be read, and that is answered."""
        try:
            while (piece := self._inflater.next()) is not None:
                self._body += piece
        except InflateError as damage:
            self._invalid(str(damage))
        except BodyTooLarge:
            self._invalid(f"request body too large: more than {LONGEST_BODY} bytes", RequestOutcome.TOO_LARGE)
        return self._stage is _Stage.READING

    def _look_up(self, query: Query) -> None:
        exchange, identity = self._exchange, self._exchange.identity
        refused = identity.refused(CONFIG_READ, query.service)
        if refused:
            self._answer(_refused(RequestOutcome.FORBIDDEN, refused))
            return
        environment = query.environment or exchange.part.default_environment
        self._stage = _Stage.ASKED
        self._alarm.set(exchange.clock.time() + LONGEST_WAIT)
        agents = identity.allow_agents if _is_stranger(exchange) else None
        self._ask(FindConfiguration(query.service, environment, query.etag, agents))

    def _ask(self, ask: FindConfiguration) -> None:
        self._waiting = None
        self._configurations.find(ask, self._exchange.clock.time(), partial(self._replied, ask))

    def _replied(self, ask: FindConfiguration, reply: AnyReply) -> None:
        if self._stage is _Stage.ANSWERED:
            return
        if isinstance(reply, StoreForbids):
            self._answer(_refused(RequestOutcome.FORBIDDEN, FORBIDDEN))
        elif isinstance(reply, Configuration):
            self._found(ask.etag, reply.etag, _NULL if reply.settings is None else reply.settings)
        elif isinstance(reply, NoConfiguration):
            self._found(ask.etag, NO_ETAG, {})
        else:
            # At a start, or between a worker and its successor, a moment's wait spares the agent one of minutes.
            self._waiting = self._configurations.when_worker(partial(self._ask, ask))
            if self._waiting is None:
                self._no_reply()

    def _found(self, known: str, etag: str, settings: object) -> None:
        max_age = self._exchange.part.agent_config_max_age
        headers = (("Cache-Control", f"max-age={max_age}, must-revalidate"), ("Etag", f'"{etag}"'), EXPOSED)
        if known and known == etag:
            self._answer(Answer(RequestOutcome.NOT_MODIFIED, None, headers))
        else:
            self._answer(Answer(RequestOutcome.OK, settings, headers))

    def _no_reply(self) -> None:
        self._answer(_refused(RequestOutcome.UNAVAILABLE, NOT_READY))

    def _invalid(self, text: str, outcome: RequestOutcome = RequestOutcome.INVALID_QUERY) -> None:
        self._answer(_refused(outcome, text, "invalid query" if _is_stranger(self._exchange) else ""))

    def _answer(self, answer: Answer) -> None:
        if self._stage is not _Stage.ANSWERED:
            self._let_go()
            self._exchange.answer(answer)

    def _let_go(self) -> None:
        self._stage = _Stage.ANSWERED
        self._body.clear()
        self._alarm.close()
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None


def _is_stranger(exchange: Exchange) -> bool:
    """Whether the caller has no credentials: it gets short texts, and sees little (http-surface.md 6.4)."""
    return exchange.identity.method is Method.ANONYMOUS


def _refused(outcome: RequestOutcome, text: str, short: str = "") -> Answer:
    """`short` is for callers without credentials; the log has the whole text."""
    return Answer(outcome, short or text, (ERROR_CACHE,), detail=text)
