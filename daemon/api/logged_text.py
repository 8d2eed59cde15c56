"""What of a client's words may stand in the log: never a secret from a query string, never contents of an event. Pure."""

from __future__ import annotations

import re

MASK = "***"

_SHOWN = ("service.name", "service.environment", "ifnonematch")
"""Parameters of the protocol whose values help an operator and are no secrets (http-surface.md 6.1)."""
_FLAGS = ("verbose",)
"""Parameters of the protocol that count by their name alone (http-surface.md 2.1)."""

_USER_INFO = re.compile(r"//[^/?#]*@")
_QUOTES_CONTENT = re.compile(
    r"did not recognize object type:"  # the line's first key
    r"|, error found in "  # then follow up to a hundred bytes of the line
    r"| but found | unexpected char "  # a byte of it
    r"| parsing | overflow: | for key "  # a value, a key
)


def masked_target(target: str) -> str:
    """A request target without what could be a secret: of its query only parameters that the protocol knows are shown.

    A list of suspicious names would let through whatever it forgot (`?apikey=`, `?sig=`, a bare `?TOKEN`).
    """
    path, question, query = target.partition("?")
    if not path.startswith("/"):
        path = _USER_INFO.sub(f"//{MASK}@", path, count=1)
    path = path.partition("#")[0]
    return path + question + "&".join(map(_masked, query.split("&"))) if query else path + question


def _masked(parameter: str) -> str:
    name, equals, _ = parameter.partition("=")
    if name in _SHOWN:
        return parameter.partition("#")[0]
    if name in _FLAGS:
        return f"{name}={MASK}" if equals and len(parameter) > len(name) + 1 else parameter
    return MASK if parameter else ""


def without_content(message: str) -> str:
    """A line error's text up to where it begins to quote the line; the client's answer has the whole."""
    found = _QUOTES_CONTENT.search(message)
    return message if found is None else message[: found.start()] + found.group().rstrip() + " …"
