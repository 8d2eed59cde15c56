"""Answers as bytes (http-surface.md 1.3)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from email.utils import formatdate
from http import HTTPStatus
from typing import NamedTuple

import orjson
from tidegate.daemon.h1.connection import ClientError
from tidegate.daemon.outcomes import RequestOutcome

_REASONS = {status.value: status.phrase for status in HTTPStatus}
NOT_MODIFIED = RequestOutcome.NOT_MODIFIED.value.status
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


class Page(NamedTuple):
    """A body that is no JSON."""

    content_type: str
    data: bytes


class Answer(NamedTuple):
    """What a handler answers."""

    outcome: RequestOutcome
    body: object = None
    """A JSON value, a `Page`, or None for no body. A str is an error's text."""
    headers: tuple[tuple[str, str], ...] = ()
    routed: bool = True
    """Whether a route gave it: then it has the configured response headers and a line in the request log."""
    detail: str = ""
    """`error.message` of the request log."""
    message: str = ""
    """The request log's message where it is not the outcome's."""
    ends_connection: bool = False
    """Whether the connection is closed after it, whatever the client wishes."""


CONNECTION_CLOSE = (("Connection", "Close"),)
"""On errors of intake. Spelled so, and the connection stays nevertheless, as in the original."""

ACCEPTED = Answer(RequestOutcome.ACCEPTED)
"""The one answer that matters for speed; its bytes are kept for a second."""


class Responder:
    """Renders answers with the configured response headers; made anew when the settings change."""

    __slots__ = ("_accepted", "_accepted_at", "_configured", "_date", "_date_at")

    def __init__(self, response_headers: Mapping[str, Sequence[str]]) -> None:
        lines = [_line(_canonical(name), value) for name, values in response_headers.items() for value in values]
        self._configured = "".join(lines)
        self._date = ""
        self._date_at = -1
        self._accepted = b""
        self._accepted_at = -1

    def render(self, answer: Answer, accept: bytes, head_only: bool, close: bool, now: int) -> bytes:
        """Head and body of an answer. `accept`: the request's Accept header, or b"". `head_only`: the request was HEAD.
        `close`: the connection ends after it. `now`: seconds since the epoch."""
        if answer is ACCEPTED and not close:
            if self._accepted_at != now:
                self._accepted = self._build(answer, accept, head_only, close, now)
                self._accepted_at = now
            return self._accepted
        return self._build(answer, accept, head_only, close, now)

    def _build(self, answer: Answer, accept: bytes, head_only: bool, close: bool, now: int) -> bytes:
        status = answer.outcome.value.status
        body = answer.body
        content_type = ""
        data = b""
        if isinstance(body, Page):
            content_type, data = body
        elif body is not None:
            indented = b"*/*" in accept or b"application/json" in accept
            content_type = "application/json" if indented else "text/plain; charset=utf-8"
            data = go_json({"error": body} if isinstance(body, str) else body, indented)
        lines = [f"HTTP/1.1 {status} {_REASONS.get(status, '')}\r\n"]
        if answer.routed:
            lines.append(self._configured)
        lines.extend(_line(name, value) for name, value in answer.headers)
        if close and not any(name == "Connection" for name, _ in answer.headers):
            lines.append("Connection: close\r\n")
        if content_type:
            lines.append(f"Content-Type: {content_type}\r\n")
        lines.append(f"X-Content-Type-Options: nosniff\r\nDate: {self._today(now)}\r\n")
        # A 304 has no body, and a length would be that of the answer it stands for (RFC 9110, 8.6).
        lines.append("\r\n" if status == NOT_MODIFIED else f"Content-Length: {len(data)}\r\n\r\n")
        head = "".join(lines).encode("utf-8")
        return head if head_only else head + data

    def _today(self, now: int) -> str:
        if self._date_at != now:
            self._date = formatdate(now, usegmt=True)
            self._date_at = now
        return self._date


def render_client_error(error: ClientError) -> bytes:
    """The answer to what is no HTTP request; the connection ends after it (http-surface.md 2.7)."""
    data = error.text.encode("ascii")
    kind = "Content-Type: text/plain; charset=utf-8\r\n" if data else ""
    head = f"HTTP/1.1 {error.status} {_REASONS[error.status]}\r\n{kind}Connection: close\r\nContent-Length: {len(data)}\r\n\r\n"
    return head.encode("ascii") + data


def go_json(value: object, indented: bool) -> bytes:
    """JSON as the original writes it: compact or indented by two spaces, one newline at the end, and the letters that
    HTML or JavaScript could take for their own as escapes. (Outside strings JSON has none of them.)"""
    data = orjson.dumps(value, option=orjson.OPT_INDENT_2 if indented else None)
    for letter, escape in _ESCAPES:
        if letter in data:
            data = data.replace(letter, escape)
    return data + b"\n"


_ESCAPES = (
    (b"<", b"\\u003c"),
    (b">", b"\\u003e"),
    (b"&", b"\\u0026"),
    ("\u2028".encode(), b"\\u2028"),
    ("\u2029".encode(), b"\\u2029"),
)


def _canonical(name: str) -> str:
    """`x-some-header` as `X-Some-Header`."""
    return "-".join(part[:1].upper() + part[1:].lower() for part in name.split("-"))


def _line(name: str, value: str) -> str:
    """A header line; control characters are dropped, so that a setting cannot end a head early."""
    return f"{_CONTROL.sub('', name)}: {_CONTROL.sub('', value)}\r\n"
