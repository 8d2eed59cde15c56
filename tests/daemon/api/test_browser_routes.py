"""What pages in browsers are answered: preflights, origins, the switch, and what every answer carries."""

from __future__ import annotations

from typing import Any

import pytest
from http_fakes import FakeClock, FakeCourier, FakeExchange, make_part, new_tally
from tidegate.daemon.api.account import Account
from tidegate.daemon.api.bases import LONGEST_USER_AGENT, Bases
from tidegate.daemon.api.configurations import Configurations
from tidegate.daemon.api.doorkeeper import Doorkeeper
from tidegate.daemon.api.gate import Gate
from tidegate.daemon.api.key_desk import KeyDesk
from tidegate.daemon.api.routes import State, Wiring, routes_in_force, serve
from tidegate.daemon.auth.failures import Failures
from tidegate.daemon.auth.tokens import keyed_digest
from tidegate.daemon.h1.request_head import RequestHead
from tidegate.daemon.outcomes import RequestOutcome
from tidegate.daemon.settings.parts import AuthPart, BrowsersPart, TokenPart
from tidegate.daemon.wire.frames import RequestBase, unpack_base

PATHS = ("/intake/v2/rum/events", "/intake/v3/rum/events", "/shop/metrics")
ALLOWED = "Access-Control-Allow-Origin"
SHOP = (b"origin", b"https://shop.example")
Headers = list[tuple[bytes, bytes]]


def browsers(**changes: Any) -> BrowsersPart:
    values: dict[str, Any] = {
        "enabled": True,
        "allow_origins": ["https://*.example", "http://a"],
        "match_origins": "text",
        "allow_headers": ["X-Shop"],
        "response_headers": {"X-Rum": ["1", "2"]},
        "extra_paths": ["/shop/metrics"],
    }
    return BrowsersPart(**(values | changes))


def call(line: str, headers: Headers, part: BrowsersPart, *tokens: str) -> tuple[FakeExchange, FakeCourier]:
    settings = make_part(
        browsers=part, auth=AuthPart([TokenPart(token, "", [], []) for token in tokens], False, 100, None)
    )
    exchange, courier = FakeExchange(settings, FakeClock()), FakeCourier(at_once=True)
    digest = keyed_digest(b"key")
    doorkeeper = Doorkeeper(settings.auth, digest, KeyDesk(courier, digest, exchange.clock, 100), Failures(), None)
    method, target = line.split(" ")
    exchange.head = RequestHead(method.encode(), target.encode(), headers)
    routes = routes_in_force(settings)
    account = Account(new_tally())
    wiring = Wiring(
        courier, Gate(0), Bases(settings), State(), doorkeeper, Configurations(courier), routes, Gate(1), account
    )
    sink = serve(exchange, wiring)
    if sink is not None:
        sink.data(b'{"m":{}}\n')
        sink.end()
    return exchange, courier


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("enabled", [True, False])
@pytest.mark.parametrize(
    ("origin", "named"), [("https://shop.example", True), ("https://shop.evil", False), ("", False)]
)
def test_a_preflight_is_always_answered(path: str, enabled: bool, origin: str, named: bool) -> None:
    headers = [(b"origin", origin.encode())] if origin else []
    exchange, _ = call(f"OPTIONS {path}", headers, browsers(enabled=enabled))
    assert (exchange.status, exchange.body) == (200, None)
    assert exchange.answers[0].headers == (
        ("Access-Control-Max-Age", "3600"),
        ("Vary", "Origin"),
        ("Access-Control-Allow-Methods", "POST, OPTIONS"),
        ("Access-Control-Expose-Headers", "Etag"),
        ("Access-Control-Allow-Headers", "X-Shop, Content-Type, Content-Encoding, Accept"),
    )
    assert exchange.route_headers == (("X-Rum", "1"), ("X-Rum", "2"), *(((ALLOWED, origin),) if named else ()))


@pytest.mark.parametrize("path", PATHS)
def test_events_of_an_allowed_origin_are_taken(path: str) -> None:
    exchange, courier = call(f"POST {path}", [SHOP], browsers())
    assert exchange.status == 202
    assert exchange.route_headers[-1] == (ALLOWED, "https://shop.example")
    [parcel] = courier.parcels
    assert unpack_base(parcel.base).rum


@pytest.mark.parametrize(
    ("line", "headers", "part", "text"),
    [
        ("POST", [(b"origin", b"http://b")], browsers(enabled=False), "origin: 'http://b' is not allowed"),
        ("GET", [], browsers(), "origin: '' is not allowed"),
        ("POST", [(b"origin", b"\xff")], browsers(), "origin: '\ufffd' is not allowed"),
        ("GET", [SHOP], browsers(enabled=False), "RUM endpoint is disabled."),
        ("POST", [], browsers(enabled=False, allow_origins=["*"]), "RUM endpoint is disabled."),
        ("POST", [SHOP], browsers(match_origins="host"), "origin: 'https://shop.example' is not allowed"),
    ],
)
def test_check_27_what_is_refused_before_the_body_is_read(
    line: str, headers: Headers, part: BrowsersPart, text: str
) -> None:
    if part.match_origins == "host":
        part = browsers(match_origins="host", allow_origins=["https://*.shop.example"])
    exchange, courier = call(f"{line} /intake/v2/rum/events", headers, part)
    assert exchange.answers[0].outcome is RequestOutcome.FORBIDDEN
    assert isinstance(exchange.body, str)
    assert exchange.body.startswith("forbidden request: ")
    assert text in exchange.body
    assert courier.parcels == []
    assert not [name for name, _ in exchange.route_headers if "Credentials" in name]


@pytest.mark.parametrize(
    ("line", "origin", "credentials", "enabled", "status"),
    [
        ("OPTIONS", b"https://shop.example", b"", False, 200),
        ("POST", b"https://shop.evil", b"", True, 403),
        ("POST", b"https://shop.example", b"", False, 401),
        ("POST", b"https://shop.example", b"Bearer wrong", True, 401),
        ("PUT", b"https://shop.example", b"", True, 401),
        ("POST", b"https://shop.example", b"Bearer secret", False, 403),
        ("PUT", b"https://shop.example", b"Bearer secret", True, 400),
        ("POST", b"https://shop.example", b"Bearer secret", True, 202),
    ],
)
def test_the_origin_comes_first_then_credentials_then_the_switch(
    line: str, origin: bytes, credentials: bytes, enabled: bool, status: int
) -> None:
    headers = [(b"origin", origin)] + ([(b"authorization", credentials)] if credentials else [])
    exchange, _ = call(f"{line} /intake/v2/rum/events", headers, browsers(enabled=enabled), "secret")
    assert exchange.status == status
    assert (ALLOWED in dict(exchange.route_headers)) == (origin == b"https://shop.example")


@pytest.mark.parametrize(("line", "status"), [("PUT", 400), ("POST", 202)])
def test_without_an_origin_none_is_named(line: str, status: int) -> None:
    exchange, _ = call(f"{line} /intake/v2/rum/events", [], browsers(allow_origins=["*"]))
    assert exchange.status == status
    assert ALLOWED not in dict(exchange.route_headers)


@pytest.mark.parametrize("path", ["/shop/metrics/", "/shop", "/Shop/metrics"])
def test_extra_paths_are_exact(path: str) -> None:
    exchange, _ = call(f"POST {path}", [SHOP], browsers())
    assert (exchange.status, exchange.route_headers) == (404, ())


@pytest.mark.parametrize(
    ("headers", "personal", "expected"),
    [
        ([], True, {"client_ip": "192.0.2.1", "source_ip": "192.0.2.1", "source_port": 5555}),
        (
            [(b"x-forwarded-for", b"203.0.113.7, 10.0.0.1"), (b"user-agent", b"A"), (b"user-agent", b"B\xff")],
            True,
            {
                "client_ip": "203.0.113.7",
                "source_ip": "203.0.113.7",
                "source_nat_ip": "192.0.2.1",
                "user_agent": "A, B\ufffd",
            },
        ),
        ([(b"user-agent", b"x" * 9999)], True, {"user_agent": "x" * LONGEST_USER_AGENT}),
        ([(b"x-forwarded-for", b"203.0.113.7"), (b"user-agent", b"A")], False, {}),
    ],
)
def test_the_base_of_a_page(headers: Headers, personal: bool, expected: dict[str, Any]) -> None:
    part = make_part(hostname="h", version="1", capture_personal_data=personal)
    exchange = FakeExchange(part, FakeClock(), headers)
    found = unpack_base(Bases(part).browser(exchange))
    base = RequestBase(rum=True, observer_hostname="h", observer_version="1")
    assert (found.rum, found.namespace, found.host_ip) == (base.rum, base.namespace, base.host_ip)
    assert {name: getattr(found, name) for name in expected} == expected
    if not personal:
        assert found == base
