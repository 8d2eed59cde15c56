"""The route table as somebody outside meets it, with these settings. Pure; taken from the table that serves."""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum
from typing import NamedTuple

from tidegate.daemon.api.routes import Callers, Reads, Route, Shows, routes_in_force
from tidegate.daemon.auth.identity import anonymous
from tidegate.daemon.settings.parts import AcceptorPart


class Strangers(Enum):
    """What becomes of a request without credentials."""

    YES = "served"
    """Nothing is asked for."""
    EMPTY = "empty"
    """Served, with an empty page."""
    LIMITED = "limited"
    """Served as an anonymous sender: named agents and services, so much and no more."""
    REFUSED = "refused"
    """401, or 403 where anonymous senders may do other things only."""
    OFF = "off"
    """Refused whoever asks: browsers are switched off, or source maps."""


class Row(NamedTuple):
    """One path."""

    path: str
    methods: tuple[str, ...]
    strangers: Strangers
    api_key: str | None
    """The privilege that an API key needs, `any` for one that is good; None where keys are not accepted."""
    reads: Reads
    shows: Shows


def rows(part: AcceptorPart) -> Iterator[Row]:
    """Every path that is answered; all others are 404."""
    for route in routes_in_force(part).values():
        keys = (route.privilege or "any") if part.auth.api_keys else None
        yield Row(route.path, route.methods, strangers(route, part), keys, route.reads, route.shows)


def strangers(route: Route, part: AcceptorPart) -> Strangers:
    """What the doorkeeper and the guards do with somebody who shows nothing."""
    if route.callers is Callers.BROWSERS and not part.browsers.enabled:
        return Strangers.OFF
    if route.callers is Callers.PIPELINES and not part.upload.mapping:
        return Strangers.OFF
    if not (part.auth.tokens or part.auth.api_keys):
        return Strangers.YES
    if route.callers is Callers.EVERYBODY:
        return Strangers.EMPTY if route.shows is Shows.SERVER else Strangers.YES
    let_in = part.auth.anonymous
    if let_in is None or (let_in.rum_only and route.callers is not Callers.BROWSERS):
        return Strangers.REFUSED
    return Strangers.LIMITED if route.privilege in anonymous((), ()).privileges else Strangers.REFUSED
