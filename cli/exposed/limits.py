"""Which limits hold, with their values and the settings that change them. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from tidegate.daemon.api.agent_config import LONGEST_BODY
from tidegate.daemon.api.routes import Reads
from tidegate.daemon.api.sourcemaps import UPLOADS
from tidegate.daemon.api.stream import MOST_BAD_LINES
from tidegate.daemon.auth.failures import AT_ONCE, RATE
from tidegate.daemon.h1.connection import MAX_HEADER_LINES
from tidegate.daemon.settings import auth, rum, server, source_maps, tidegate_section
from tidegate.daemon.settings.effective import Settings
from tidegate.daemon.settings.shown import in_words
from tidegate.daemon.tls.handshakes import HANDSHAKE_SECONDS, MOST_HANDSHAKES

NO_LIMIT = "no limit"


class Limit(NamedTuple):
    """One bound."""

    name: str
    value: str
    key: str
    """The setting; empty where the number is fixed."""
    reads: Reads | None
    """The routes for which it holds; None: all."""


def limits(settings: Settings) -> Iterator[Limit]:
    """All of them; numbers are those of the whole server."""
    part = settings.acceptor_part()
    yield Limit(
        "head of a request",
        f"{_size(part.max_header_size)}, {MAX_HEADER_LINES} lines",
        server.MAX_HEADER_SIZE.key,
        None,
    )
    yield Limit("connections", _count(settings[server.MAX_CONNECTIONS]), server.MAX_CONNECTIONS.key, None)
    crowd = part.max_connections_per_address * settings.acceptors
    yield Limit("connections of one address", _count(crowd), auth.MAX_CONNECTIONS_PER_ADDRESS.key, None)
    if part.tls is not None:
        yield Limit("TLS handshake", f"{HANDSHAKE_SECONDS:g}s, {MOST_HANDSHAKES} at a time", "", None)
    yield Limit("time to read a request", _time(part.read_timeout), server.READ_TIMEOUT.key, None)
    yield Limit("time to answer", _time(part.write_timeout), server.WRITE_TIMEOUT.key, None)
    yield Limit("idle connection", _time(part.idle_timeout), server.IDLE_TIMEOUT.key, None)
    if part.auth.tokens or part.auth.api_keys:
        yield Limit("wrong credentials of one address", f"{AT_ONCE} at once, then one in {1 / RATE:g}s", "", None)
    yield Limit("one event", _size(part.max_event_size), server.MAX_EVENT_SIZE.key, Reads.EVENTS)
    yield Limit("body, decompressed", _bytes(part.max_body_size), tidegate_section.MAX_BODY_SIZE.key, Reads.EVENTS)
    yield Limit("lines that are no events", str(MOST_BAD_LINES), "", Reads.EVENTS)
    yield Limit("wait for a worker", _time(part.queue_timeout), tidegate_section.QUEUE_TIMEOUT.key, Reads.EVENTS)
    yield Limit("body of a question", _size(LONGEST_BODY), "", Reads.QUESTION)
    yield Limit("body of an upload", _size(part.upload.max_upload), source_maps.MAX_UPLOAD.key, Reads.MAP)
    yield Limit("source map, decompressed", _size(part.upload.max_map_size), rum.MAX_SOURCEMAP_SIZE.key, Reads.MAP)
    yield Limit("uploads at a time", str(UPLOADS * settings.acceptors), "", Reads.MAP)
    if (anonymous := part.auth.anonymous) is not None:
        rate = f"{anonymous.event_limit} a second and address, {3 * anonymous.event_limit} at once"
        yield Limit("events without credentials", rate, auth.EVENT_LIMIT.key, Reads.EVENTS)
        yield Limit("addresses kept apart", str(part.address_limit), auth.IP_LIMIT.key, None)
        agents, services = ", ".join(anonymous.allow_agents), ", ".join(anonymous.allow_services)
        yield Limit("agents without credentials", agents, auth.ALLOW_AGENT.key, None)
        some = f"any, at most {settings[auth.MAX_SERVICES]}"
        yield Limit("services without credentials", services or some, auth.ALLOW_SERVICE.key, None)


def of_route(all_limits: list[Limit], reads: Reads) -> list[str]:
    """Names of those that hold for a route."""
    return [one.name for one in all_limits if one.reads in (None, reads)]


def _size(count: int) -> str:
    return in_words("size", count)


def _bytes(count: int) -> str:
    return _size(count) if count else NO_LIMIT


def _count(number: int) -> str:
    return str(number) if number else NO_LIMIT


def _time(seconds: float) -> str:
    return in_words("duration", seconds)
