"""The route table: every path that the intake port answers, who may call it, and what guards it (http-surface.md 1).

No route reads an event back: handlers get an exchange and what `Wiring` holds, and the courier only takes.
"""

from __future__ import annotations

import html
import posixpath
from collections.abc import Callable, Mapping
from enum import Enum
from functools import partial
from typing import NamedTuple
from urllib.parse import quote

from tidegate.daemon.api.account import Account
from tidegate.daemon.api.agent_config import begin_look_up
from tidegate.daemon.api.bases import Bases
from tidegate.daemon.api.configurations import Configurations
from tidegate.daemon.api.cross_origin import ask_origin, browser_headers
from tidegate.daemon.api.doorkeeper import Doorkeeper
from tidegate.daemon.api.gate import Gate
from tidegate.daemon.api.guards import Guard, browsers_may_send, events_are_ndjson, events_are_posted, reads_only
from tidegate.daemon.api.health import answer_health, only_asked
from tidegate.daemon.api.info import answer_info
from tidegate.daemon.api.intake import begin_stream
from tidegate.daemon.api.sourcemaps import begin_upload
from tidegate.daemon.auth.identity import CONFIG_READ, EVENT_WRITE, SOURCEMAP_WRITE
from tidegate.daemon.h1.exchange import BodySink, Exchange
from tidegate.daemon.h1.request_head import RequestHead
from tidegate.daemon.h1.responses import Answer, Page
from tidegate.daemon.outcomes import RequestOutcome, RouteGroup
from tidegate.daemon.settings.parts import AcceptorPart
from tidegate.daemon.wire.courier import Courier

SOURCE_MAPS = "/assets/v1/sourcemaps"


class State:
    """What the acceptor is told while it runs."""

    __slots__ = ("draining", "publish_ready", "refusing")

    def __init__(self) -> None:
        self.publish_ready = False
        self.draining = False
        self.refusing = False
        """The workers' spools have just taken nothing."""


class Wiring(NamedTuple):
    """What handlers may use."""

    courier: Courier
    gate: Gate
    bases: Bases
    state: State
    doorkeeper: Doorkeeper
    configurations: Configurations
    routes: Mapping[str, Route]
    """By path: `routes_in_force`."""
    uploads: Gate
    account: Account


class Callers(Enum):
    """Who may call a route."""

    EVERYBODY = "no credentials are asked for, but what is answered may depend on them"
    AGENTS = "agents in services; with credentials, once a method of authentication is configured"
    PIPELINES = "build pipelines; with credentials, once a method of authentication is configured, never without any"
    BROWSERS = "pages of allowed origins, once browsers are switched on: without credentials, where anonymous senders are let in"


class Shows(Enum):
    """The most that an answer of a route can tell, beside refusals and their reasons; `tidegate exposure` prints it."""

    NOTHING = "the status alone"
    SERVER = "version, build, whether events can be stored; to strangers an empty page"
    COUNTS = "how many events were taken; why a line was not, with the beginning of that same line"
    CONFIGURATION = "what agents of the service that is asked for shall change, as an operator has set it"


class Reads(Enum):
    """What a route reads of a request's body; which limits hold for it follows from that."""

    NOTHING = "no body"
    EVENTS = "a stream of events"
    QUESTION = "one short question"
    MAP = "a source map and what it is the map of"


_GROUPS = {
    Shows.SERVER: RouteGroup.INFO,
    Shows.COUNTS: RouteGroup.INTAKE,
    Shows.CONFIGURATION: RouteGroup.CONFIG,
}


class Route(NamedTuple):
    """One path."""

    path: str
    methods: tuple[str, ...]
    callers: Callers
    guards: tuple[Guard, ...]
    """In the order in which they are asked; the first refusal is the answer (http-surface.md 1.4). The doorkeeper comes
    before all of them: its errors win over a wrong method or content type."""
    handler: Callable[[Exchange, Wiring], BodySink | None]
    reads: Reads
    shows: Shows
    privilege: str = ""
    """That an API key needs; empty: any that is good will do."""
    first_guards: tuple[Guard, ...] = ()
    """Those that are asked before authentication."""
    headers: Callable[[RequestHead, AcceptorPart], tuple[tuple[str, str], ...]] | None = None
    """What every answer of this route carries, refusals included."""


def _info(exchange: Exchange, wiring: Wiring) -> BodySink | None:
    answer_info(exchange, wiring.state.publish_ready)
    return None


def _health(exchange: Exchange, wiring: Wiring) -> BodySink | None:
    answer_health(exchange, draining=wiring.state.draining, refusing=wiring.state.refusing)
    return None


def health_route(path: str) -> Route:
    """For load balancers."""
    return Route(path, ("GET", "HEAD"), Callers.EVERYBODY, (only_asked,), _health, Reads.NOTHING, Shows.NOTHING)


def _intake(exchange: Exchange, wiring: Wiring) -> BodySink | None:
    return begin_stream(exchange, wiring.courier, wiring.gate, wiring.account, wiring.bases.backend(exchange))


def _browser_intake(exchange: Exchange, wiring: Wiring) -> BodySink | None:
    return begin_stream(exchange, wiring.courier, wiring.gate, wiring.account, wiring.bases.browser(exchange))


def browser_route(path: str) -> Route:
    """Events of pages; every such path takes the long (v2) and the short (v3) names of fields."""
    return Route(
        path,
        ("POST", "OPTIONS"),
        Callers.BROWSERS,
        (browsers_may_send, events_are_posted, events_are_ndjson),
        _browser_intake,
        Reads.EVENTS,
        Shows.COUNTS,
        EVENT_WRITE,
        first_guards=(ask_origin,),
        headers=browser_headers,
    )


def _agent_config(exchange: Exchange, wiring: Wiring) -> BodySink | None:
    return begin_look_up(exchange, wiring.configurations)


def _source_map(exchange: Exchange, wiring: Wiring) -> BodySink | None:
    return begin_upload(exchange, wiring.courier, wiring.uploads)


ROUTES = (
    Route("/", ("GET", "HEAD"), Callers.EVERYBODY, (reads_only,), _info, Reads.NOTHING, Shows.SERVER),
    Route(
        "/intake/v2/events",
        ("POST",),
        Callers.AGENTS,
        (events_are_posted, events_are_ndjson),
        _intake,
        Reads.EVENTS,
        Shows.COUNTS,
        EVENT_WRITE,
    ),
    browser_route("/intake/v2/rum/events"),
    browser_route("/intake/v3/rum/events"),
    # Other methods are refused by the handler: in which words, depends on who asks.
    Route(
        "/config/v1/agents",
        ("GET", "POST"),
        Callers.AGENTS,
        (),
        _agent_config,
        Reads.QUESTION,
        Shows.CONFIGURATION,
        CONFIG_READ,
    ),
    Route(
        "/config/v1/rum/agents",
        ("GET", "POST", "OPTIONS"),
        Callers.BROWSERS,
        (browsers_may_send,),
        _agent_config,
        Reads.QUESTION,
        Shows.CONFIGURATION,
        CONFIG_READ,
        first_guards=(ask_origin,),
        headers=browser_headers,
    ),
    # Methods and the like are refused by the handler, after who may not do this at all.
    Route(
        SOURCE_MAPS,
        ("POST",),
        Callers.PIPELINES,
        (),
        _source_map,
        Reads.MAP,
        Shows.NOTHING,
        SOURCEMAP_WRITE,
    ),
)

NOT_FOUND = Answer(RequestOutcome.NOT_FOUND, RequestOutcome.NOT_FOUND.value.message, routed=False)


def routes_in_force(part: AcceptorPart) -> dict[str, Route]:
    """Every path that is answered with these settings, the configured ones too; all others are 404."""
    # Extra paths are there since the usual ones are known to ad blockers. They take the place of none.
    extra = [browser_route(path) for path in part.browsers.extra_paths]
    health = [health_route(part.health_path)] if part.health_path else []
    closed = () if part.upload.enabled else (SOURCE_MAPS,)
    return {route.path: route for route in (*extra, *health, *ROUTES) if route.path not in closed}


def serve(exchange: Exchange, wiring: Wiring) -> BodySink | None:
    """Answers a request, or returns the sink for its body."""
    head, part = exchange.head, exchange.part
    route = wiring.routes.get(head.path)
    if route is None:
        exchange.answer(_without_route(head))
        return None
    exchange.group = _GROUPS.get(route.shows, RouteGroup.OTHER)
    if route.headers is not None:
        exchange.route_headers = route.headers(head, part)
    for guard in route.first_guards:
        refused = guard(head, part)
        if refused is not None:
            exchange.answer(refused)
            return None
    tolerant = route.callers is Callers.EVERYBODY
    browsers = route.callers is Callers.BROWSERS
    return wiring.doorkeeper.admit(exchange, tolerant, browsers, partial(_let_in, route, exchange, wiring))


def _let_in(route: Route, exchange: Exchange, wiring: Wiring) -> BodySink | None:
    """What follows once it is known as whom the request is served."""
    for guard in route.guards:
        refused = guard(exchange.head, exchange.part)
        if refused is not None:
            exchange.answer(refused)
            return None
    return route.handler(exchange, wiring)


def _without_route(head: RequestHead) -> Answer:
    if head.target == "*" and head.method == "OPTIONS":
        return Answer(RequestOutcome.OK, routed=False)
    cleaned = clean_path(head.path)
    if cleaned == head.path:
        return NOT_FOUND
    location = quote(cleaned, safe="/:@!$&'()*+,;=~") + (f"?{head.query}" if head.query else "")
    body = None
    if head.method in ("GET", "HEAD"):
        text = f'<a href="{html.escape(location)}">Temporary Redirect</a>.\n\n'
        body = Page("text/html; charset=utf-8", text.encode())
    return Answer(RequestOutcome.REDIRECTED, body, (("Location", location),), routed=False)


def clean_path(path: str) -> str:
    """The path without `//`, `/./` and `/../`; a slash at its end stays. What is no path stays as it is."""
    if not path.startswith("/") or ("//" not in path and "/." not in path):
        return path
    cleaned = posixpath.normpath("/" + path.lstrip("/"))
    if path.endswith(("/", "/.", "/..")) and cleaned != "/":
        cleaned += "/"
    return cleaned
