"""What a request for agent configuration asks."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tidegate.daemon.api.agent_query import LONGEST_NAME, InvalidQuery, Query, query_of_body, query_of_target
from tidegate.daemon.h1.request_head import RequestHead

BY_HEADER = [(b"if-none-match", b'"e1"')]


def head(query: str = "", headers: list[tuple[bytes, bytes]] | None = None) -> RequestHead:
    return RequestHead(b"GET", f"/config/v1/agents?{query}".encode(), headers or [])


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("service.name=a", Query("a", "", "")),
        ("service.name=a&service.environment=b&ifnonematch=c", Query("a", "b", "c")),
        ("service.name=a&service.name=b", Query("a", "", "")),
        ("service%2Ename=%C3%A9+x&service.environment=pro%64", Query("é x", "prod", "")),
        ("service.name=%FF", Query("\ufffd", "", "")),
        ("x;service.name=b&service.name=a", Query("a", "", "")),
        ("service.name=a&ifnonematch=%22e1%22", Query("a", "", '"e1"')),
        ("&&service.name=a=b&", Query("a=b", "", "")),
    ],
)
def test_queries(query: str, expected: Query) -> None:
    assert query_of_target(head(query)) == expected


@pytest.mark.parametrize("query", ["", "service.name", "service.name=", "Service.Name=a", "service.environment=b"])
def test_a_name_is_required(query: str) -> None:
    with pytest.raises(InvalidQuery, match=r"^service\.name is required$"):
        query_of_target(head(query))


@pytest.mark.parametrize(
    ("value", "etag"),
    [(b'"e1"', "e1"), (b"e1", "e1"), (b'W/"e1"', "W/e1"), (b'"a", "e1"', "a, e1"), (b"", "q"), (b'""', "")],
)
def test_the_header_wins_and_loses_its_quotes(value: bytes, etag: str) -> None:
    found = query_of_target(head("service.name=a&ifnonematch=q", [(b"if-none-match", value)]))
    assert found.etag == etag


def test_texts_that_can_match_no_rule_are_cut() -> None:
    found = query_of_target(
        head(f"service.name={'n' * 5000}&service.environment={'e' * 5000}&ifnonematch={'i' * 5000}")
    )
    assert {len(text) for text in found} == {LONGEST_NAME + 1}


@pytest.mark.parametrize(
    ("body", "service", "environment"),
    [
        (b'{"service":{"name":"a","environment":"b"}}', "a", "b"),
        (b' {"service":{"name":"a","agent":{"name":"java"}},"process":{},"etag":"e1"}\n', "a", ""),
        (b'{"service":{"name":"a","environment":null}}', "a", ""),
        (b'{"service":{"name":"a"}} and more', "a", ""),
        (b'{"service":{"name":"a"}}{"service":{"name":"b"}}', "a", ""),
        (b'{"service":{"name":"\xff"}}', "\ufffd", ""),
        (b'{"service":{"name":"\\ud800"}}', "\ufffd", ""),
        (b'{"service":{"name":"a"},"deep":' + b"[" * 900 + b"]" * 900 + b"}", "a", ""),
    ],
)
def test_bodies(body: bytes, service: str, environment: str) -> None:
    assert query_of_body(head("service.name=other", BY_HEADER), body) == Query(service, environment, "e1")


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b"", "EOF"),
        (b" \n", "EOF"),
        (b'{"service":', "unexpected EOF"),
        (b"null", "service.name is required"),
        (b"{}", "service.name is required"),
        (b'{"service":null}', "service.name is required"),
        (b'{"service":{"name":""}}', "service.name is required"),
        (b"no JSON", "invalid character 'n' at offset 0: Expecting value"),
        (b'{"service":{"name":5}}', "Expected `str | null`, got `int` - at `$.service.name`"),
        (b'{"service":[]}', "Expected `object | null`, got `array` - at `$.service`"),
        (b"[]", "Expected `object`, got `array`"),
        (b"[" * 100_000, "exceeded max depth"),
        (b"1" * 5000, "invalid number"),
    ],
)
def test_bodies_that_ask_nothing(body: bytes, text: str) -> None:
    with pytest.raises(InvalidQuery) as raised:
        query_of_body(head(), body)
    assert str(raised.value) == text


@settings(deadline=None)
@given(st.binary())
def test_any_body_asks_or_is_invalid(body: bytes) -> None:
    try:
        query_of_body(head(), body).service.encode()
    except InvalidQuery:
        pass


@settings(deadline=None)
@given(st.text(min_size=1, max_size=50), st.text(max_size=50))
def test_what_is_sent_is_read(service: str, environment: str) -> None:
    body = json.dumps({"service": {"name": service, "environment": environment}}).encode()
    assert query_of_body(head(), body) == Query(service, environment, "")
