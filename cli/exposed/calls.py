"""What is asked of a running server: each route with each method, and paths that must lead nowhere. Pure.

Nothing is stored by it: bodies are empty, and no request carries a credential that is good.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from tidegate.cli.exposed.rows import Row

FOREIGN_ORIGIN = "https://tidegate-exposure.invalid"
"""No page has it (RFC 2606)."""
METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "TRACE")
NEIGHBOURS = (
    "/debug/vars",
    "/debug/pprof/",
    "/debug/pprof/cmdline",
    "/metrics",
    "/state",
    "/stats",
    "/status",
    "/_search",
    "/_cat/indices",
    "/traces-apm-default/_search",
    "/intake/v2/events/",
    "/.env",
)
"""Paths that must lead nowhere: the original's debug pages, what monitoring looks for, Elasticsearch's own."""


class Call(NamedTuple):
    """One request."""

    method: str
    path: str
    origin: str = ""
    credential: str = ""

    def __str__(self) -> str:
        extra = [f"origin {self.origin}"] if self.origin else []
        extra += ["a wrong token"] if self.credential else []
        told = f" ({', '.join(extra)})" if extra else ""
        return f"{self.method} {self.path}{told}"


class Answered(NamedTuple):
    """What came back."""

    call: Call
    status: int
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes


def calls(rows: Iterable[Row], wrong_token: str, *, browsers: bool) -> Iterator[Call]:
    """All requests of the walk: each path with each method, from a page of a foreign origin, with a wrong token once."""
    for row in rows:
        for method in METHODS:
            yield Call(method, row.path)
        if browsers and "OPTIONS" in row.methods:
            yield Call("POST", row.path, origin=FOREIGN_ORIGIN)
        yield Call(row.methods[0], row.path, credential=wrong_token)
    for path in NEIGHBOURS:
        yield Call("GET", path)
