"""What a request for agent configuration asks: service, environment, and the etag that the agent has (http-surface.md 6.1)."""

from __future__ import annotations

import json
import re
from typing import Any, NamedTuple

import msgspec
from tidegate.daemon.h1.request_head import RequestHead, query_values, wire_text

LONGEST_NAME = 1024
"""Letters. Intake takes no service with a longer name, so no rule can be for one."""

_SURROGATES = re.compile("[\ud800-\udfff]")


class InvalidQuery(Exception):
    """The request asks nothing; the text is for the client."""


class Query(NamedTuple):
    """Whose configuration is wanted. Texts are cut after one letter more than they may have, and so match no rule."""

    service: str
    environment: str
    """Empty: not said."""
    etag: str
    """Empty: the agent has none."""


class _Service(msgspec.Struct):
    name: str | None = None
    environment: str | None = None


class _Body(msgspec.Struct):
    service: _Service | None = None


_decode = msgspec.json.Decoder(_Body).decode
_decoder = json.JSONDecoder()


def query_of_target(head: RequestHead) -> Query:
    """That of a GET. Raises InvalidQuery."""
    values = query_values(head.query)
    return _query(values.get("service.name"), values.get("service.environment"), _etag(head, values))


def query_of_body(head: RequestHead, body: bytes) -> Query:
    """That of a POST; other members than the service's name and environment are ignored. Raises InvalidQuery."""
    try:
        found = _decode(body)
    except (msgspec.MsgspecError, RecursionError, ValueError):
        found = _decode_leniently(body)
    service = found.service or _Service()
    return _query(service.name, service.environment, _etag(head, query_values(head.query)))


def _query(service: str | None, environment: str | None, etag: str) -> Query:
    if not service:
        raise InvalidQuery("service.name is required")
    return Query(service[: LONGEST_NAME + 1], (environment or "")[: LONGEST_NAME + 1], etag[: LONGEST_NAME + 1])


def _etag(head: RequestHead, values: dict[str, str]) -> str:
    """From the header, else the query. All quotes are taken from a header, none from a query, as in the original."""
    header = head.text(b"if-none-match")
    return header.replace('"', "") if header else values.get("ifnonematch", "")


def _decode_leniently(body: bytes) -> _Body:
    """As the original's decoder: it takes the first value and what is no UTF-8 as U+FFFD. Raises InvalidQuery."""
    text = wire_text(body)
    start = len(text) - len(text.lstrip(" \t\r\n"))
    if start == len(text):
        raise InvalidQuery("EOF")
    try:
        value, _ = _decoder.raw_decode(text, start)
    except json.JSONDecodeError as problem:
        at = problem.pos
        if at >= len(text):
            raise InvalidQuery("unexpected EOF") from None
        raise InvalidQuery(f"invalid character {text[at]!r} at offset {at}: {problem.msg}") from None
    except RecursionError:
        raise InvalidQuery("exceeded max depth") from None
    except ValueError:  # a number of thousands of digits
        raise InvalidQuery("invalid number") from None
    try:
        return msgspec.convert(_as_sent(value), _Body)
    except msgspec.ValidationError as problem:
        raise InvalidQuery(str(problem)) from None


def _as_sent(value: Any) -> Any:
    """The two texts that count, without halves of surrogate pairs, which cannot be sent on."""
    if not isinstance(value, dict):
        return {} if value is None else value
    service = value.get("service")
    if not isinstance(service, dict):
        return {"service": service}
    return {
        "service": {
            name: _SURROGATES.sub("\ufffd", text) if isinstance(text := service.get(name), str) else text
            for name in ("name", "environment")
        }
    }
