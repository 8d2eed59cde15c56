"""Answers as bytes (http-surface.md 1.3)."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tidegate.daemon.h1.connection import ClientError
from tidegate.daemon.h1.request_head import query_names, wire_text
from tidegate.daemon.h1.responses import ACCEPTED, Answer, Responder, go_json, render_client_error
from tidegate.daemon.outcomes import RequestOutcome

NOW = 1_700_000_000


def render(
    answer: Answer,
    accept: bytes = b"",
    head_only: bool = False,
    close: bool = False,
    headers: dict[str, list[str]] | None = None,
) -> str:
    return Responder(headers or {}).render(answer, accept, head_only, close, NOW).decode()


def test_accepted() -> None:
    assert render(ACCEPTED) == (
        "HTTP/1.1 202 Accepted\r\nX-Content-Type-Options: nosniff\r\n"
        "Date: Tue, 14 Nov 2023 22:13:20 GMT\r\nContent-Length: 0\r\n\r\n"
    )
    assert "\r\nConnection: close\r\n" in render(ACCEPTED, close=True)


def test_the_kept_bytes_follow_the_time() -> None:
    responder = Responder({})
    first = responder.render(ACCEPTED, b"", False, False, NOW)
    assert responder.render(ACCEPTED, b"*/*", False, False, NOW) is first
    assert b"22:13:21" in responder.render(ACCEPTED, b"", False, False, NOW + 1)


@pytest.mark.parametrize(
    ("accept", "indented"),
    [
        (b"", False),
        (b"*/*", True),
        (b"application/json", True),
        (b"text/html, application/json;q=0.9", True),
        (b"application/*", False),
        (b"text/html", False),
        (b"application/x-ndjson", False),
    ],
)
def test_the_form_follows_accept(accept: bytes, indented: bool) -> None:
    text = render(Answer(RequestOutcome.NOT_FOUND, "no <b>"), accept)
    kind = "application/json" if indented else "text/plain; charset=utf-8"
    body = '{\n  "error": "no \\u003cb\\u003e"\n}\n' if indented else '{"error":"no \\u003cb\\u003e"}\n'
    assert f"\r\nContent-Type: {kind}\r\n" in text
    assert text.endswith(f"\r\nContent-Length: {len(body)}\r\n\r\n{body}")


def test_head_has_the_length_and_no_body() -> None:
    answer = Answer(RequestOutcome.OK, {"a": 1})
    assert render(answer, head_only=True) == render(answer).removesuffix('{"a":1}\n')


def test_configured_headers_are_on_routed_answers_and_cannot_end_the_head() -> None:
    headers = {"x-one": ["a", "b"], "ETAG": ["c\r\n\r\nd"]}
    text = render(ACCEPTED, headers=headers)
    assert "\r\nX-One: a\r\nX-One: b\r\nEtag: cd\r\n" in text
    assert "X-One" not in render(Answer(RequestOutcome.NOT_FOUND, routed=False), headers=headers)


def test_an_answers_own_connection_header_stays_alone() -> None:
    text = render(Answer(RequestOutcome.INVALID, "x", (("Connection", "Close"),)), close=True)
    assert "Connection: Close\r\n" in text
    assert "close" not in text


def test_client_errors() -> None:
    text = render_client_error(ClientError(431, "431 Request Header Fields Too Large")).decode()
    assert text.startswith(
        "HTTP/1.1 431 Request Header Fields Too Large\r\nContent-Type: text/plain; charset=utf-8\r\n"
    )
    assert text.endswith("\r\n\r\n431 Request Header Fields Too Large")
    assert b"Content-Type" not in render_client_error(ClientError(417, ""))


@given(st.dictionaries(st.text(), st.text() | st.integers(-(2**53), 2**53) | st.none()), st.booleans())
def test_json_means_the_same(value: dict[str, object], indented: bool) -> None:
    data = go_json(value, indented)
    assert json.loads(data) == value
    assert not {b"<", b">", b"&"} & {bytes([byte]) for byte in data}


@given(st.binary())
def test_any_bytes_become_text_that_can_be_written(data: bytes) -> None:
    go_json(wire_text(data), False)


def test_each_bad_byte_becomes_one_replacement() -> None:
    assert wire_text(b"a\xe2\x82b\xff") == "a\ufffd\ufffdb\ufffd"


@pytest.mark.parametrize(
    ("query", "verbose"),
    [
        ("verbose", True),
        ("verbose=", True),
        ("a=b&verbose=false", True),
        ("%76erbose", True),
        ("Verbose", False),
        ("x=verbose", False),
    ],
)
def test_query_names(query: str, verbose: bool) -> None:
    assert ("verbose" in query_names(query)) is verbose
