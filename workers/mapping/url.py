"""`url.*` of requests (intake-to-documents.md 4.1.3) and of pages (4.1.6)."""

from __future__ import annotations

import re
from typing import Any

from tidegate.workers.decode.model import Url
from tidegate.workers.mapping.go_url import UrlError, parse_url
from tidegate.workers.mapping.integers import U32

_LIMIT = 1024
"""Code points; section 4.1.6, step 5."""

_INTEGER = re.compile(r"[+-]?[0-9]{1,19}", re.ASCII)


def map_url(url: Url) -> dict[str, Any] | None:
    """The URL as the agent took it apart; None when no leaf is set. Nothing is parsed."""
    mapped: dict[str, Any] = {}
    if text := url.full:
        mapped["full"] = text
    if text := url.hostname:
        mapped["domain"] = text
    if text := url.pathname:
        mapped["path"] = text
    if text := url.search:
        mapped["query"] = text
    if text := url.protocol:
        scheme = text.removesuffix(":")
        if scheme:
            mapped["scheme"] = scheme
    if text := url.raw:
        mapped["original"] = text
    if text := url.hash:
        mapped["fragment"] = text
    if (port := url.port) is not None and (number := _number(port) & U32):
        mapped["port"] = number
    if not mapped and all(getattr(url, name) is None for name in url.__struct_fields__):
        return None
    return mapped


def _number(port: str | int) -> int:
    if type(port) is int:
        return port
    text = str(port)
    plain = len(text) < 6 and text.isascii() and text.isdigit()
    return int(text) if plain or _INTEGER.fullmatch(text) else 0


def map_page_url(text: str, scheme: str = "http", host: str = "") -> dict[str, Any]:
    """A whole URL taken apart; what cannot be parsed is only `original`. `scheme` and `host` stand in for missing ones."""
    original = text[:_LIMIT]
    mapped: dict[str, Any] = {"original": original} if original else {}
    try:
        url = parse_url(original)
    except UrlError:
        return mapped
    url = url._replace(scheme=url.scheme or scheme, host=url.host or host)
    fields = {
        "scheme": url.scheme,
        "full": url.text()[:_LIMIT],
        "domain": url.hostname()[:_LIMIT],
        "path": url.path[:_LIMIT],
        "query": url.query[:_LIMIT],
        "fragment": url.fragment,
    }
    mapped.update((name, value) for name, value in fields.items() if value)
    port = url.port()
    if _INTEGER.fullmatch(port) and (number := int(port) & U32):
        mapped["port"] = number
    return mapped
