"""Under which paths a source map is looked for (http-surface.md 5.5, "Frame match"). Pure."""

from __future__ import annotations

import posixpath
from typing import NamedTuple

from tidegate.workers.mapping.go_url import GoUrl, UrlError, escape_path, parse_url, unescape_path

_ROUNDS = 8
"""Shortening a path is over after two or three rounds; this is for a text that nobody thought of."""


def cleaned(abs_path: str) -> str:
    """A frame's `abs_path` without `.` and `..` in the path of its URL; as it is, if it is no URL."""
    try:
        url = parse_url(abs_path)
    except UrlError:
        return abs_path
    path = clean_path(url.path)
    if path != url.path:
        url = url._replace(path=path, escaped_path=escape_path(path))
    return url.text()


class Lookup(NamedTuple):
    """What is looked for on behalf of a frame."""

    paths: tuple[str, ...]
    """As the cleaned path is, its path component, then the same without query and fragment; in this order."""
    named: str
    """The path that the error text names when none is known: without query and fragment."""


def lookup_of(path: str) -> Lookup:
    """What is looked for, for a frame with this cleaned path."""
    found: dict[str, None] = {}
    for _ in range(_ROUNDS):
        found[path] = None
        try:
            url = parse_url(path)
        except UrlError:
            break
        found[url.path] = None
        shorter = _joined(url._replace(query="", fragment="")).text()
        if shorter == path:
            break
        path = shorter
    return Lookup(tuple(found), path)


def aliases(stored: str) -> list[str]:
    """Under which other paths a map is found that is stored with a URL: without query and fragment, and by its path
    component, so that it serves frames from any host."""
    try:
        url = parse_url(stored)
    except UrlError:
        return []
    if url.text() == url.path:
        return []
    short = url._replace(query="", fragment="")
    text = short.text()
    return [short.path] if text == stored else [text, short.path]


def clean_path(path: str) -> str:
    """As Go's `path.Clean`: POSIX, but two leading slashes are one too."""
    clean = posixpath.normpath(path)
    return clean[1:] if clean.startswith("//") else clean


def _joined(url: GoUrl) -> GoUrl:
    """As Go's `URL.JoinPath` without further elements: the escaped path cleaned, a slash at its end kept."""
    escaped = url.escaped_path
    relative = not escaped.startswith("/")
    if relative:
        escaped = f"/{escaped}"
    clean = clean_path(escaped)
    if relative:
        clean = clean[1:]
    if escaped.endswith("/") and not clean.endswith("/"):
        clean += "/"
    return url._replace(path=unescape_path(clean), escaped_path=clean)
