"""`/config/v1/agents` without a network: every answer of http-surface.md 6.2, and look-ups that are shared."""

from __future__ import annotations

import gzip
import zlib
from typing import Any

import pytest
from http_fakes import FakeClock, FakeCourier, FakeExchange, make_part
from tidegate.daemon.api import configurations as look_ups
from tidegate.daemon.api.agent_config import FORBIDDEN, LONGEST_BODY, LONGEST_WAIT, NOT_READY, begin_look_up
from tidegate.daemon.api.configurations import Configurations
from tidegate.daemon.auth.identity import CONFIG_READ, EVENT_WRITE, OPEN, Identity, Method, anonymous
from tidegate.daemon.h1.exchange import BodySink
from tidegate.daemon.h1.request_head import RequestHead
from tidegate.daemon.h1.responses import Responder
from tidegate.daemon.wire.questions import (
    AnyReply,
    Configuration,
    FindConfiguration,
    NoConfiguration,
    StoreForbids,
    Unavailable,
)

FOUND = Configuration({"a": "1", "b": "2"}, "e1")
SHOP = b'{"service":{"name":"shop"}}'
ANONYMOUS = anonymous(("rum-js", "js-base"), ("shop",))
ERROR = ("Cache-Control", "max-age=300, must-revalidate")
FRESH = ("Cache-Control", "max-age=30, must-revalidate")


class Scene:
    """One acceptor's look-ups; each `call` is a request."""

    def __init__(self, **settings: Any) -> None:
        self.part = make_part(**settings)
        self.clock = FakeClock()
        self.courier = FakeCourier()
        self.configurations = Configurations(self.courier)
        self.sink: BodySink | None = None

    def call(
        self,
        line: str = "GET /config/v1/agents?service.name=shop",
        caller: Identity = OPEN,
        body: bytes = b"",
        headers: dict[bytes, bytes] | None = None,
        end: bool = True,
    ) -> FakeExchange:
        exchange = FakeExchange(self.part, self.clock)
        method, target = line.split(" ")
        exchange.head = RequestHead(method.encode(), target.encode(), list((headers or {}).items()))
        exchange.identity = caller
        self.sink = begin_look_up(exchange, self.configurations)
        for at in range(0, len(body), 65536):
            if exchange.wanted and not exchange.answers and self.sink is not None:
                self.sink.data(body[at : at + 65536])
        if end and self.sink is not None and not exchange.answers:
            self.sink.end()
        return exchange

    def post(self, body: bytes, **rest: Any) -> FakeExchange:
        return self.call("POST /config/v1/agents", body=body, **rest)

    def reply(self, reply: AnyReply) -> FindConfiguration:
        """Answers the oldest question and returns it."""
        ask, replied = self.courier.asked.pop(0)
        replied(reply)
        assert isinstance(ask, FindConfiguration)
        return ask


def rendered(exchange: FakeExchange) -> bytes:
    (answer,) = exchange.answers
    return Responder({}).render(answer, b"", False, False, 0)


@pytest.mark.parametrize(
    ("reply", "etag", "status", "body", "sent"),
    [
        (FOUND, b"", 200, b'{"a":"1","b":"2"}\n', '"e1"'),
        (FOUND, b'"e0"', 200, b'{"a":"1","b":"2"}\n', '"e1"'),
        (FOUND, b'W/"e1"', 200, b'{"a":"1","b":"2"}\n', '"e1"'),
        (FOUND, b'"e1"', 304, b"", '"e1"'),
        (Configuration({}, "e1"), b"", 200, b"{}\n", '"e1"'),
        (Configuration(None, "e1"), b"", 200, b"null\n", '"e1"'),
        (Configuration({}, ""), b"", 200, b"{}\n", '""'),
        (NoConfiguration(), b"", 200, b"{}\n", '"-"'),
        (NoConfiguration(), b'"e1"', 200, b"{}\n", '"-"'),
        (NoConfiguration(), b'"-"', 304, b"", '"-"'),
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_found_or_not(method: str, reply: AnyReply, etag: bytes, status: int, body: bytes, sent: str) -> None:
    scene = Scene()
    headers = {b"if-none-match": etag} if etag else {}
    exchange = scene.call(headers=headers) if method == "GET" else scene.post(SHOP, headers=headers)
    scene.reply(reply)
    assert exchange.status == status
    assert exchange.answers[0].headers == (FRESH, ("Etag", sent), ("Access-Control-Expose-Headers", "Etag"))
    whole = rendered(exchange)
    assert whole.endswith(b"\r\n\r\n" + body)
    assert (b"\r\nContent-Length:" in whole, b"\r\nContent-Type:" in whole) == (status == 200, status == 200)


@pytest.mark.parametrize(
    ("reply", "status", "text"),
    [(StoreForbids(), 403, FORBIDDEN), (Unavailable("no worker is running"), 503, NOT_READY)],
)
@pytest.mark.parametrize("caller", [OPEN, ANONYMOUS])
def test_the_store_does_not_answer(caller: Identity, reply: AnyReply, status: int, text: str) -> None:
    scene = Scene()
    exchange = scene.call(caller=caller)
    scene.reply(reply)
    assert (exchange.status, exchange.body, exchange.answers[0].headers) == (status, text, (ERROR,))


@pytest.mark.parametrize(
    ("line", "status", "text", "short"),
    [
        ("GET /config/v1/agents", 400, "service.name is required", "invalid query"),
        ("POST /config/v1/agents", 400, "EOF", "invalid query"),
        ("PUT /config/v1/agents?service.name=shop", 405, "method not supported: PUT", "method not supported"),
        ("HEAD /config/v1/agents?service.name=shop", 405, "method not supported: HEAD", "method not supported"),
    ],
)
def test_requests_that_ask_nothing(line: str, status: int, text: str, short: str) -> None:
    for caller, expected in ((OPEN, text), (ANONYMOUS, short)):
        scene = Scene()
        exchange = scene.call(line, caller)
        assert (exchange.status, exchange.body, exchange.answers[0].headers) == (status, expected, (ERROR,))
        assert exchange.answers[0].detail == text
        assert scene.courier.asked == []


@pytest.mark.parametrize(
    ("caller", "service", "text", "agents"),
    [
        (ANONYMOUS, "shop", None, ("rum-js", "js-base")),
        (ANONYMOUS, "cart", 'unauthorized: anonymous access not permitted for service "cart"', None),
        (anonymous(("rum-js",), ()), "cart", None, ("rum-js",)),
        (
            Identity(Method.API_KEY, frozenset((EVENT_WRITE,))),
            "shop",
            'unauthorized: API Key not permitted action "config_agent:read"',
            None,
        ),
        (Identity(Method.API_KEY, frozenset((CONFIG_READ,))), "shop", None, None),
        (Identity(Method.TOKEN, frozenset((CONFIG_READ,)), ("java",)), "shop", None, None),
    ],
)
def test_who_may_ask(caller: Identity, service: str, text: str | None, agents: tuple[str, ...] | None) -> None:
    scene = Scene()
    exchange = scene.call(f"GET /config/v1/agents?service.name={service}", caller)
    if text is None:
        assert scene.reply(FOUND).agents == agents
        assert exchange.status == 200
    else:
        assert (exchange.status, exchange.body, exchange.answers[0].headers) == (403, text, (ERROR,))


@pytest.mark.parametrize(
    ("environment", "default", "asked"), [("", "", ""), ("", "prod", "prod"), ("qa", "prod", "qa"), ("qa", "", "qa")]
)
def test_a_missing_environment_is_the_default(environment: str, default: str, asked: str) -> None:
    scene = Scene(default_environment=default)
    scene.call(f"GET /config/v1/agents?service.name=shop&service.environment={environment}")
    assert scene.reply(FOUND) == FindConfiguration("shop", asked)


@pytest.mark.parametrize("compress", [gzip.compress, zlib.compress, bytes])
@pytest.mark.parametrize("encoding", [b"", b"gzip", b"deflate"])
def test_bodies_are_inflated(compress: Any, encoding: bytes) -> None:
    if encoding and compress is not (gzip.compress if encoding == b"gzip" else zlib.compress):
        return
    scene = Scene()
    exchange = scene.post(compress(SHOP), headers={b"content-encoding": encoding} if encoding else {})
    assert scene.reply(FOUND).service == "shop"
    assert exchange.status == 200


@pytest.mark.parametrize(
    ("body", "headers", "text"),
    [
        (b"{}", {}, "EOF"),
        (SHOP, {b"content-encoding": b"gzip"}, "gzip: invalid header"),
        (gzip.compress(SHOP, mtime=0)[:-3], {}, "unexpected EOF"),
        (b" " * (LONGEST_BODY + 1), {}, f"request body too large: more than {LONGEST_BODY} bytes"),
        (gzip.compress(bytes(1 << 24), mtime=0), {}, f"request body too large: more than {LONGEST_BODY} bytes"),
    ],
)
def test_bodies_that_cannot_be_read(body: bytes, headers: dict[bytes, bytes], text: str) -> None:
    exchange = Scene().post(body, headers=headers)
    assert (exchange.status, exchange.body) == (400, text)


def test_a_long_body_is_read_in_pieces() -> None:
    scene = Scene()
    exchange = scene.post(b'{"process":"' + b"x" * 200_000 + b'","service":{"name":"shop"}}')
    scene.reply(FOUND)
    assert exchange.status == 200


@pytest.mark.parametrize(
    ("event", "status"), [("lost", 503), ("expire", 503), ("broken", 400), ("failed", 0), ("late", 503)]
)
@pytest.mark.parametrize("asked", [False, True])
def test_every_end_has_one_answer(event: str, status: int, asked: bool) -> None:
    scene = Scene()
    exchange = scene.post(SHOP, end=asked)
    assert scene.sink is not None
    if event == "broken":
        scene.sink.broken("unexpected EOF")
    elif event == "late":
        scene.clock.advance(LONGEST_WAIT)
    else:
        getattr(scene.sink, event)()
    if asked:
        scene.reply(FOUND)
    expected = {"broken": 200 if asked else 400, "late": 503 if asked else 0}.get(event, status)
    assert [answer.outcome.value.status for answer in exchange.answers] == ([expected] if expected else [])


def test_the_same_question_is_asked_once_at_a_time() -> None:
    scene = Scene()
    exchanges = [scene.call() for _ in range(100)]
    other = scene.call(headers={b"if-none-match": b"e1"})
    assert len(scene.courier.asked) == 2
    scene.reply(FOUND)
    assert {exchange.status for exchange in exchanges} == {200}
    scene.reply(FOUND)
    assert other.status == 304
    assert scene.call().status == 200
    scene.clock.advance(look_ups.FRESH_S)
    assert scene.call().answers == []


def test_what_a_caller_may_see_is_part_of_the_question() -> None:
    scene = Scene()
    scene.call()
    scene.reply(FOUND)
    exchange = scene.call(caller=ANONYMOUS)
    assert exchange.answers == []
    assert scene.reply(NoConfiguration()).agents == ("rum-js", "js-base")
    assert exchange.body == {}


def test_a_failure_is_not_kept() -> None:
    scene = Scene()
    scene.call()
    scene.reply(Unavailable("a moment"))
    exchange = scene.call()
    scene.reply(FOUND)
    assert exchange.status == 200


def test_kept_answers_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(look_ups, "KEPT", 10)
    scene = Scene()
    for number in range(25):
        scene.call(f"GET /config/v1/agents?service.name=s{number}")
        scene.reply(FOUND)
    assert len(scene.configurations._known) <= 10
    assert scene.configurations._asked == {}


def test_the_first_worker_is_waited_for() -> None:
    scene = Scene()
    scene.courier.workers = 0
    exchanges = [scene.call() for _ in range(3)]
    gone = scene.call()
    assert scene.sink is not None
    scene.sink.lost()
    assert [exchange.answers for exchange in exchanges] == [[], [], []]
    scene.courier.workers = 1
    scene.courier.give(0)
    scene.reply(FOUND)
    assert [exchange.status for exchange in exchanges] == [200, 200, 200]
    assert (gone.status, scene.courier.asked) == (503, [])


def test_a_worker_that_does_not_come_is_not_waited_for_long() -> None:
    scene = Scene()
    scene.courier.workers = 0
    exchange = scene.call()
    scene.clock.advance(LONGEST_WAIT)
    assert (exchange.status, exchange.body, scene.courier.line) == (503, NOT_READY, [])


def test_a_worker_that_dies_with_the_question_has_a_successor() -> None:
    scene = Scene()
    exchange = scene.call()
    scene.courier.workers = 0
    scene.reply(Unavailable("the worker is gone"))
    assert exchange.answers == []
    scene.courier.workers = 1
    scene.courier.give(0)
    scene.reply(FOUND)
    assert exchange.status == 200
