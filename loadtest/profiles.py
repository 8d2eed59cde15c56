"""What can be sent: one table."""

from __future__ import annotations

import gzip
from collections.abc import Sequence
from enum import Enum
from pathlib import Path
from random import Random
from typing import NamedTuple

from tidegate.loadtest.browser_events import pages, short_pages
from tidegate.loadtest.events import Shop, backend, only
from tidegate.loadtest.traces import Maker

BACKEND_PATH = "/intake/v2/events"
BROWSER_PATH = "/intake/v2/rum/events"
SHORT_BROWSER_PATH = "/intake/v3/rum/events"
DISTINCT = 48
"""Requests that are made ready and sent in turn: enough that nothing is cached whole, few MB of memory."""


class Manner(Enum):
    """How the clients of a group behave."""

    REQUESTS = "one request after the other, each with its length"
    STREAMS = "long chunked requests, as real agents keep them open"
    SLOW = "requests whose bytes come slowly"
    HOSTILE = "what attackers and broken clients send"


class Body(NamedTuple):
    """One request."""

    lines: list[bytes]
    """The first is metadata."""
    packed: bytes
    """The same, gzip."""
    events: int


class Group(NamedTuple):
    """Clients of one kind."""

    name: str
    path: str
    manner: Manner
    make: Maker
    events: int
    """Of one request, unless the command line says otherwise."""
    share: float = 1.0
    """Of the connections."""
    paced: bool = True
    """Whether the rate of the command line is theirs; others go as fast as they are answered."""
    plain: bool = False
    """Sent without compression, as old browsers do."""


class Profile(NamedTuple):
    """What `--profile` names."""

    help: str
    groups: tuple[Group, ...]


def _backend(
    name: str = "backend", manner: Manner = Manner.REQUESTS, make: Maker = backend, events: int = 100
) -> Group:
    return Group(name, BACKEND_PATH, manner, make, events)


_SLOW = _backend("slow", Manner.SLOW, events=20)._replace(paced=False)
_HOSTILE = _backend("hostile", Manner.HOSTILE)._replace(paced=False)

PROFILES: dict[str, Profile] = {
    "backend": Profile("the mix of events that backend agents send, a hundred to a request", (_backend(),)),
    "agents": Profile(
        "the same in long chunked requests, flushed now and then, as real agents send them",
        (_backend("agents", Manner.STREAMS),),
    ),
    "rum": Profile(
        "browsers: page loads in version 2 (the server must have RUM enabled)",
        (Group("rum", BROWSER_PATH, Manner.REQUESTS, pages, 10, plain=True),),
    ),
    "rum3": Profile(
        "browsers: page loads in the short form of version 3",
        (Group("rum3", SHORT_BROWSER_PATH, Manner.REQUESTS, short_pages, 10, plain=True),),
    ),
    "errors": Profile("nothing but errors with stack traces", (_backend("errors", make=only(Shop.error), events=50),)),
    "huge": Profile("events of 250 KB, near the limit", (_backend("huge", make=only(Shop.huge), events=4),)),
    "slow": Profile("agents behind bad links: bytes trickle", (_SLOW,)),
    "hostile": Profile("malformed, oversized, bombs, stalled: all is refused", (_HOSTILE,)),
    "siege": Profile(
        "good clients among hostile and slow ones; the report tells them apart",
        (
            _backend("good", events=20)._replace(share=0.25),
            _SLOW._replace(share=0.35),
            _HOSTILE._replace(share=0.4),
        ),
    ),
}


def make_bodies(group: Group, seed: int, now_us: int, events: int | None = None) -> list[Body]:
    """The requests that the group sends in turn."""
    lines = group.make(Random(f"{seed} {group.name}"), now_us)
    return [_body(lines(events or group.events)) for _ in range(DISTINCT)]


def _body(lines: list[bytes]) -> Body:
    # Version 3 has several events in a line: a page, and each of its spans.
    events = sum(1 + line.count(b'"t":"resource"') if line.startswith(b'{"x"') else 1 for line in lines[1:])
    return Body(lines, gzip.compress(b"".join(lines), 6), events)


def read_mix(folder: Path) -> list[Body]:
    """Requests from a folder of *.gz (NDJSON, metadata first). Raises OSError, ValueError."""
    bodies = []
    for path in sorted(folder.glob("*.gz")):
        packed = path.read_bytes()
        lines = gzip.decompress(packed).splitlines(keepends=True)
        if len(lines) < 2:
            raise ValueError(f"{path.name} has no events")
        bodies.append(Body(lines, packed, len(lines) - 1))
    if not bodies:
        raise ValueError(f"{folder} has no *.gz")
    return bodies


def shares(groups: Sequence[Group], connections: int) -> list[int]:
    """Connections for each group, at least one each; together `connections` where there are enough."""
    numbers = [max(1, int(group.share * connections)) for group in groups]
    numbers[0] = max(1, numbers[0] + connections - sum(numbers))
    return numbers
