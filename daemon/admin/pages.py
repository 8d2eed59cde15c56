"""What the admin socket is asked and answers: one table of routes. Pure."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, NamedTuple

import msgspec


class Request(NamedTuple):
    """What somebody on this machine asks."""

    method: str
    path: str
    query: str
    """What follows the `?`, as it came; empty without one."""
    body: bytes


class Reply(NamedTuple):
    """What is answered."""

    status: int
    body: bytes
    content_type: str = "application/json"


Handler = Callable[[Request], Awaitable[Reply]]
"""May take its time: whoever asks waits. What it raises is logged and answered 500."""
Routes = Mapping[tuple[str, str], Handler]
"""By method and path. `GET` answers `HEAD`, too."""


def json_reply(content: Any, status: int = 200) -> Reply:
    """A reply in JSON; `content` is anything that msgspec encodes."""
    return Reply(status, msgspec.json.encode(content) + b"\n")


def find(routes: Routes, request: Request) -> Handler | Reply:
    """Who answers the request, or the refusal: 404 for an unknown path, 405 for another method than the path has."""
    method = "GET" if request.method == "HEAD" else request.method
    handler = routes.get((method, request.path))
    if handler is not None:
        return handler
    methods = [known for known, path in routes if path == request.path]
    if methods:
        return json_reply({"error": f"{request.path} takes {', '.join(methods)}"}, 405)
    paths = ", ".join(sorted({path for _, path in routes}))
    return json_reply({"error": f"there is no {request.path[:200]} here; there are {paths}"}, 404)
