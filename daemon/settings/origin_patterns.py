"""Which origins of pages may send (`apm-server.rum.allow_origins`): as texts, like the original, or part by part. Pure."""

from __future__ import annotations

import re
from typing import NamedTuple

_DEFAULT_PORTS = {"http": "80", "https": "443"}
_ORIGIN = re.compile(r"(?:([a-z][a-z0-9+.-]*)://)?(\[[0-9a-f:.]+\]|[a-z0-9._*-]+)(?::([0-9]{1,5}|\*))?", re.ASCII)
"""Scheme, host, port (RFC 6454), in lower case; the asterisks are for patterns."""
_HOST_PATTERN = re.compile(r"\*|(?:\*\.)?[^*]+")


class OriginPattern(NamedTuple):
    """A pattern, or an origin, part by part."""

    scheme: str
    """"" for any."""
    host: str
    """`*.` before it: every host below it, but not itself. `*`: every host."""
    port: str
    """`*` for any."""


def text_matches(pattern: str, text: str) -> bool:
    """Whether the pattern fits the whole text; `*` is any run of characters. Takes time in proportion to the text."""
    first, *others = pattern.split("*")
    if not others:
        return pattern == text
    *middle, last = others
    if len(text) < len(first) + len(last) or not text.startswith(first) or not text.endswith(last):
        return False
    at, end = len(first), len(text) - len(last)
    for piece in middle:
        at = text.find(piece, at, end)
        if at < 0:
            return False
        at += len(piece)
    return True


def read_origin_pattern(text: str) -> OriginPattern | None:
    """`*`, or `[scheme://]host[:port]` where `*` stands for all of the host, its left-most labels, or all of the port.
    None for anything else. Without a port, it is the scheme's own."""
    if text == "*":
        return OriginPattern("", "*", "*")
    parts = _ORIGIN.fullmatch(text.lower())
    if parts is None or not _HOST_PATTERN.fullmatch(parts[2]):
        return None
    scheme = parts[1] or ""
    return OriginPattern(scheme, parts[2], parts[3] or _DEFAULT_PORTS.get(scheme, ""))


def origin_matches(pattern: OriginPattern, text: str) -> bool:
    """Whether the pattern fits an origin as a browser sends it. `null` and what is no origin fit only `*`."""
    if pattern.host == "*" and not pattern.scheme and pattern.port == "*":
        return True
    parts = _ORIGIN.fullmatch(text.lower())
    if parts is None or not parts[1] or "*" in text:
        return False
    scheme, host = parts[1], parts[2]
    own = _DEFAULT_PORTS.get(scheme, "")
    if pattern.scheme and pattern.scheme != scheme:
        return False
    if pattern.port != "*" and (pattern.port or own) != (parts[3] or own):
        return False
    if pattern.host.startswith("*"):
        return host.endswith(pattern.host[1:]) and len(host) >= len(pattern.host)
    return pattern.host == host
