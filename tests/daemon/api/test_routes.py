"""The route table, its guards, and what is answered without a route."""

from __future__ import annotations

from typing import Any

import pytest
from http_fakes import FakeClock, FakeCourier, FakeExchange, make_part, new_tally
from tidegate.daemon.api.account import Account
from tidegate.daemon.api.bases import KEPT, Bases
from tidegate.daemon.api.configurations import Configurations
from tidegate.daemon.api.doorkeeper import Doorkeeper
from tidegate.daemon.api.gate import Gate
from tidegate.daemon.api.key_desk import KeyDesk
from tidegate.daemon.api.routes import ROUTES, Callers, Reads, Shows, State, Wiring, clean_path, routes_in_force, serve
from tidegate.daemon.auth.failures import Failures
from tidegate.daemon.auth.identity import PRIVILEGES
from tidegate.daemon.auth.tokens import keyed_digest
from tidegate.daemon.h1.request_head import RequestHead
from tidegate.daemon.h1.responses import Page
from tidegate.daemon.settings.parts import AuthPart, BrowsersPart, TokenPart
from tidegate.daemon.wire.frames import RequestBase, unpack_base


def call(line: str, headers: list[tuple[bytes, bytes]] | None = None, *tokens: str) -> FakeExchange:
    part = make_part(auth=AuthPart([TokenPart(token, "", [], []) for token in tokens], False, 100, None))
    exchange = FakeExchange(part, FakeClock())
    method, target = line.split(" ")
    exchange.head = RequestHead(method.encode(), target.encode(), headers or [])
    courier, digest = FakeCourier(at_once=True), keyed_digest(b"key")
    doorkeeper = Doorkeeper(part.auth, digest, KeyDesk(courier, digest, exchange.clock, 100), Failures(), None)
    routes = routes_in_force(part)
    account = Account(new_tally())
    wiring = Wiring(
        courier, Gate(0), Bases(part), State(), doorkeeper, Configurations(courier), routes, Gate(1), account
    )
    sink = serve(exchange, wiring)
    if sink is not None:
        sink.end()
    return exchange


INFO = {"build_date": "2026-01-02T03:04:05Z", "build_sha": "abc", "publish_ready": False, "version": "9.5.2"}
ELSEWHERE = (
    "method not supported: this is the server information endpoint; "
    "did you mean to send data to another endpoint instead?"
)
SWITCHED_OFF = (
    "forbidden request: RUM endpoint is disabled. Configure the `apm-server.rum` section in apm-server.yml to enable "
    "ingestion of RUM events. If you are not using the RUM agent, you can safely ignore this error."
)
NDJSON, TEXT = b"application/x-ndjson", b"text/plain"


def refused(message: str) -> dict[str, Any]:
    return {"accepted": 0, "errors": [{"message": message}]}


@pytest.mark.parametrize(
    ("line", "content_type", "status", "body"),
    [
        ("GET /", None, 200, INFO),
        ("HEAD /", None, 200, INFO),
        ("GET /?x=y", None, 200, INFO),
        ("GET http://here/", None, 200, INFO),
        ("POST /", NDJSON, 405, ELSEWHERE),
        ("GET /nothing", None, 404, "404 page not found"),
        ("POST /Intake/v2/events", NDJSON, 404, "404 page not found"),
        ("POST /intake/v2/events/", NDJSON, 404, "404 page not found"),
        ("POST /intake/v2/events", NDJSON, 202, None),
        ("POST /intake/v2/event%73", NDJSON, 202, None),
        ("POST /intake/v2/events?verbose", NDJSON + b"; charset=utf-8", 202, {"accepted": 0}),
        ("POST /intake/v2/events", b"", 202, None),
        ("POST /intake/v2/events", None, 202, None),
        ("POST /intake/v2/events", TEXT, 400, refused("invalid content type: 'text/plain'")),
        ("POST /intake/v2/events", b"x\xff", 400, refused("invalid content type: 'x\ufffd'")),
        ("GET /intake/v2/events", TEXT, 400, refused("only POST requests are supported")),
        ("PUT /config/v1/agents", None, 405, "method not supported: PUT"),
        ("GET /config/v1/rum/agents", None, 403, SWITCHED_OFF),
        ("OPTIONS /config/v1/rum/agents", None, 200, None),
        ("OPTIONS *", None, 200, None),
        ("GET *", None, 404, "404 page not found"),
    ],
)
def test_requests(line: str, content_type: bytes | None, status: int, body: object) -> None:
    exchange = call(line, [] if content_type is None else [(b"content-type", content_type)])
    assert (exchange.status, exchange.body) == (status, body)


def test_check_38_strangers_see_no_version() -> None:
    for credentials in ([], [(b"authorization", b"Bearer wrong")], [(b"authorization", b"Basic YTpi")]):
        exchange = call("GET /", credentials, "right")
        assert (exchange.status, exchange.body) == (200, None)
        assert "9.5.2" not in str(exchange.answers[0].headers)
    assert call("GET /", [(b"authorization", b"Bearer right")], "right").body == INFO


MISSING = (
    "authentication failed: missing or improperly formatted Authorization header: "
    "expected 'Authorization: Bearer secret_token' or 'Authorization: ApiKey base64(API key ID:API key)'"
)


@pytest.mark.parametrize(
    ("line", "authorization", "status", "body"),
    [
        ("GET /", None, 200, None),
        ("GET /", b"Bearer wrong", 200, None),
        ("GET /", b"Bearer new", 200, INFO),
        ("GET /", b"Bearer old", 200, INFO),
        ("POST /", None, 405, ELSEWHERE),
        ("GET /nothing", None, 404, "404 page not found"),
        ("POST /intake/v2/events", b"Bearer new", 202, None),
        ("POST /intake/v2/events", b"Bearer wrong", 401, "authentication failed"),
        ("POST /intake/v2/events", b"ApiKey YTpi", 401, "authentication failed"),
        ("POST /intake/v2/events", None, 401, MISSING),
        ("GET /intake/v2/events", None, 401, MISSING),
        ("POST /intake/v2/events?secret_token=new", None, 401, MISSING),
    ],
)
def test_with_secret_tokens(line: str, authorization: bytes | None, status: int, body: object) -> None:
    exchange = call(line, [] if authorization is None else [(b"authorization", authorization)], "old", "new")
    assert (exchange.status, exchange.body) == (status, body)


@pytest.mark.parametrize(
    ("path", "location"),
    [
        ("/intake//v2/events?x=1", "/intake/v2/events?x=1"),
        ("/config/./v1/agents", "/config/v1/agents"),
        ("/a/../intake/v2/events", "/intake/v2/events"),
        ("//evil.example/..", "/"),
        ("//evil.example", "/evil.example"),
        ("/%2f/a", "/a"),
        ("/..", "/"),
        ("/a/b/../", "/a/"),
    ],
)
def test_paths_are_cleaned_by_redirection(path: str, location: str) -> None:
    exchange = call(f"GET {path}")
    assert (exchange.status, exchange.answers[0].headers) == (307, (("Location", location),))
    assert isinstance(exchange.body, Page)
    assert call(f"POST {path}").body is None


@pytest.mark.parametrize("path", ["/", "/a", "/a/", "/a.b/c", "/a..b", "/.well-known"])
def test_clean_paths_stay(path: str) -> None:
    assert clean_path(path) == path


def test_check_37_one_table_of_unique_paths_that_say_who_may_call_and_what_they_tell() -> None:
    assert len({route.path for route in ROUTES}) == len(ROUTES)
    for route in ROUTES:
        assert isinstance(route.callers, Callers)
        assert isinstance(route.reads, Reads)
        assert isinstance(route.shows, Shows)
    assert all(route.methods and route.privilege in ("", *PRIVILEGES) for route in ROUTES)


def test_configured_paths_stand_in_the_table_and_replace_none() -> None:
    browsers = BrowsersPart(True, ["*"], "text", [], {}, ["/notes", "/intake/v2/events"])
    routes = routes_in_force(make_part(browsers=browsers))
    assert set(routes) == {route.path for route in ROUTES} | {"/notes"}
    assert routes["/notes"].callers is Callers.BROWSERS
    assert routes["/intake/v2/events"].callers is Callers.AGENTS


def test_the_base_carries_what_request_and_settings_add() -> None:
    part = make_part(namespace="n", default_environment="e", hostname="h", version="1")
    exchange = FakeExchange(part, FakeClock(), [(b"x-forwarded-for", b"203.0.113.7")])
    bases = Bases(part)
    packed = bases.backend(exchange)
    assert bases.backend(exchange) is packed
    assert unpack_base(packed) == RequestBase(
        namespace="n", default_environment="e", observer_hostname="h", observer_version="1", host_ip="203.0.113.7"
    )


def test_without_personal_data_there_is_no_address() -> None:
    part = make_part(capture_personal_data=False)
    assert unpack_base(Bases(part).backend(FakeExchange(part, FakeClock()))).host_ip == ""


def test_kept_bases_are_bounded() -> None:
    part = make_part()
    bases = Bases(part)
    for number in range(KEPT + 10):
        address = f"10.0.{number // 256}.{number % 256}".encode()
        bases.backend(FakeExchange(part, FakeClock(), [(b"x-real-ip", address)]))
    assert len(bases._backend) <= KEPT


@pytest.mark.parametrize(
    ("line", "draining", "refusing", "status"),
    [
        ("GET /healthz", False, False, 200),
        ("HEAD /healthz", False, False, 200),
        ("GET /healthz", True, False, 503),
        ("GET /healthz", False, True, 503),
        ("POST /healthz", False, False, 405),
        ("GET /healthz/", False, False, 404),
    ],
)
def test_health_is_told_to_everybody_and_is_empty(line: str, draining: bool, refusing: bool, status: int) -> None:
    part = make_part(health_path="/healthz", auth=AuthPart([TokenPart("secret", "", [], [])], False, 100, None))
    exchange = FakeExchange(part, FakeClock())
    method, target = line.split(" ")
    exchange.head = RequestHead(method.encode(), target.encode(), [])
    courier, digest, state = FakeCourier(), keyed_digest(b"key"), State()
    state.draining, state.refusing = draining, refusing
    doorkeeper = Doorkeeper(part.auth, digest, KeyDesk(courier, digest, exchange.clock, 100), Failures(), None)
    account = Account(new_tally())
    wiring = Wiring(
        courier,
        Gate(0),
        Bases(part),
        state,
        doorkeeper,
        Configurations(courier),
        routes_in_force(part),
        Gate(1),
        account,
    )
    serve(exchange, wiring)
    assert exchange.status == status
    if status != 404:
        assert exchange.body is None


def test_without_the_setting_there_is_no_health_path() -> None:
    assert call("GET /healthz").status == 404
