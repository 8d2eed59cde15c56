"""Rows of intake-to-documents.md 4.3 and of the shared objects of 4.1, as transactions have them."""

from __future__ import annotations

from typing import Any

import pytest
from tidegate.daemon.wire.frames import RequestBase

LEAST = {"id": "t", "trace_id": "r", "type": "request", "duration": 1, "span_count": {"started": 0}}
GET = {"method": "GET"}
METADATA = {
    "metadata": {
        "service": {
            "name": "shop",
            "version": "1",
            "environment": "prod",
            "agent": {"name": "python", "version": "6", "ephemeral_id": "e"},
            "language": {"name": "python", "version": "3"},
        },
        "user": {"id": "m", "email": "m@x"},
        "labels": {"team": "a", "n": 1},
        "cloud": {"provider": "aws"},
    }
}


def context(**parts: Any) -> dict[str, Any]:
    return {"context": parts}


def request(**parts: Any) -> dict[str, Any]:
    return context(request={**GET, **parts})


ROWS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "identity": (
        {"parent_id": "p", "name": "n", "result": "ok"},
        {"transaction/id": "t", "span": {"id": "t"}, "trace": {"id": "r"}, "parent": {"id": "p"}, "transaction/name": "n"},
    ),
    "empty strings are left out": (
        {"id": "", "trace_id": "", "name": "", "parent_id": "", "result": ""},
        {"transaction/id": None, "trace": None, "parent": None, "span": {}, "transaction/name": None, "transaction/result": None},
    ),
    "empty type": ({"type": ""}, {"transaction/type": "unknown"}),
    "duration is truncated ns": ({"duration": 32.592981}, {"event/duration": 32592981}),
    "no duration": ({"duration": 0}, {"event": {"outcome": "unknown"}}),
    "a duration beyond everything": ({"duration": 1e300}, {"event/duration": 2**63 - 1}),
    "no outcome": ({"outcome": ""}, {"event": {"duration": 1000000}}),
    "outcome as sent": ({"outcome": "failure", **context(response={"status_code": 200})}, {"event/outcome": "failure"}),
    "outcome of 500": (context(response={"status_code": 500}), {"event/outcome": "failure"}),
    "outcome of 499": (context(response={"status_code": 499}), {"event/outcome": "success"}),
    "outcome of -1": (context(response={"status_code": -1}), {"event/outcome": "success", "http/response/status_code": 4294967295}),
    "outcome of 0": (context(response={"status_code": 0}), {"event/outcome": "success", "http": {"response": {}}}),
    "not sampled is absence": ({"sampled": False, "sample_rate": 0, "context": {"service": {"agent": {"name": "rum-js"}}}}, {
        "transaction/sampled": None,
        "transaction/representative_count": None,
        "_index": "traces-apm.rum-default",
    }),
    "sampled": ({}, {"transaction/sampled": True, "transaction/representative_count": 1}),
    "a quarter": ({"sample_rate": 0.25}, {"transaction/representative_count": 4}),
    "a negative rate": ({"sample_rate": -1}, {"transaction/representative_count": None}),
    "a rate too small to divide by": ({"sample_rate": 5e-324}, {"transaction/representative_count": None}),
    "span counts keep 0 and wrap": (
        {"span_count": {"started": -1, "dropped": 0}},
        {"transaction/span_count": {"started": 4294967295, "dropped": 0}},
    ),
    "time of receipt": ({}, {"@timestamp": "2025-01-01T00:00:00.123Z", "timestamp": {"us": 1735689600123456}}),
    "time in µs": (
        {"timestamp": 1735725600123999},
        {"@timestamp": "2025-01-01T10:00:00.123Z", "timestamp": {"us": 1735725600123999}},
    ),
    "time as text": ({"timestamp": "2025-01-01T12:00:00.5+02:00"}, {"timestamp/us": 1735725600500000}),
    "time 0": ({"timestamp": 0}, {"@timestamp": "1970-01-01T00:00:00.000Z", "timestamp": None}),
    "negative time": ({"timestamp": -1}, {"@timestamp": "2554-07-21T23:34:33.709Z"}),
    "marks": (
        {"marks": {"a.b": {"c*d": 1.5, "n": None}, "empty": {}}},
        {"transaction/marks": {"a_b": {"c_d": 1.5, "n": 0}}},
    ),
    "links": (
        {"links": [{"trace_id": "a", "span_id": "b"}]},
        {"span/links": [{"trace": {"id": "a"}, "span": {"id": "b"}}]},
    ),
    "session": ({"session": {"id": "", "sequence": 2}}, {"session": {"id": "", "sequence": 2}}),
    "experience": (
        {"experience": {"cls": 0}},
        {"transaction/experience": {"cls": 0, "longtask": {"count": 0, "sum": 0, "max": 0}}},
    ),
    "longtask": (
        {"experience": {"longtask": {"count": 1, "sum": 2.5, "max": 2}}},
        {"transaction/experience": {"longtask": {"count": 1, "sum": 2.5, "max": 2}}},
    ),
    "dropped spans are not written": (
        {"dropped_spans_stats": [{"outcome": "success", "duration": {"count": 1}}]},
        {"transaction/dropped_spans_stats": None},
    ),
    "faas": (
        {"faas": {"id": "i", "execution": "x", "coldstart": False, "trigger": {"type": "http", "request_id": ""}}},
        {"faas": {"id": "i", "execution": "x", "coldstart": False, "trigger": {"type": "http"}}},
    ),
    "custom": (
        context(custom={"a.b": {"c.d": 1, "none": None, "empty": {}}, "gone": []}),
        {"transaction/custom": {"a_b": {"c.d": 1}}},
    ),
    "tags": (
        context(tags={"team": "b", "x.y": True, "n": 2, "f": 1.5, "none": None, "e": ""}),
        {"labels": {"team": "b", "x_y": "true", "e": ""}, "numeric_labels": {"n": 2, "f": 1.5}},
    ),
    "a text and a number of one name": (
        context(tags={"team": 7}),
        {"labels": {"team": "a"}, "numeric_labels": {"n": 1, "team": 7}},
    ),
    "cloud origin": (
        context(cloud={"origin": {"account": {"id": "1"}, "provider": "aws", "region": "r", "service": {"name": "sqs"}}}),
        {"cloud": {
            "provider": "aws",
            "origin": {"account": {"id": "1"}, "provider": "aws", "region": "r", "service": {"name": "sqs"}},
        }},
    ),
    "message": (
        context(message={"body": "b", "headers": {"x-a": "1"}, "queue": {"name": "q"}, "routing_key": "k", "age": {"ms": -1}}),
        {"transaction/message": {
            "body": "b",
            "headers": {"X-A": ["1"]},
            "queue": {"name": "q"},
            "routing_key": "k",
            "age": {"ms": 18446744073709551615},
        }},
    ),
    "user replaces user": (context(user={"username": "ann"}), {"user": {"name": "ann"}}),
    "user id is text": (context(user={"id": 99}), {"user": {"id": "99"}}),
    "an empty user replaces too": (context(user={"username": ""}), {"user": {}}),
    "no user": (context(user={"id": None}), {"user": {"id": "m", "email": "m@x"}}),
    "service name clears version": (
        context(service={"name": "other"}),
        {"service/name": "other", "service/version": None, "service/environment": "prod"},
    ),
    "service name with version": (context(service={"name": "other", "version": "2"}), {"service/version": "2"}),
    "version alone is ignored": (context(service={"version": "2"}), {"service/version": "1"}),
    "service leaves": (
        context(service={
            "environment": "dev",
            "framework": {"name": "flask"},
            "language": {"version": "4"},
            "node": {"configured_name": "n1"},
            "runtime": {"name": "CPython", "version": ""},
            "origin": {"id": "o", "name": "on"},
            "target": {"name": "tn"},
            "id": "dropped",
        }),
        {"service": {
            "name": "shop",
            "version": "1",
            "environment": "dev",
            "framework": {"name": "flask"},
            "language": {"name": "python", "version": "4"},
            "node": {"name": "n1"},
            "runtime": {"name": "CPython"},
            "origin": {"id": "o", "name": "on"},
            "target": {"name": "tn", "type": ""},
        }},
    ),
    "agent leaves": (
        context(service={"agent": {"name": "go", "version": ""}}),
        {"agent": {"name": "go", "ephemeral_id": "e"}, "service/name": "shop"},
    ),
    "request": (
        request(
            body="", http_version="2", cookies={"c": "1"}, env={"E": 1}, headers={"a-b": "1", "foo_bar": ["2"], "a b": "3"}
        ),
        {
            "http/version": "2",
            "http/request": {
                "method": "GET",
                "body": {"original": ""},
                "cookies": {"c": "1"},
                "env": {"E": 1},
                "headers": {"A-B": ["1"], "Foo_bar": ["2"], "a b": ["3"]},
            },
        },
    ),
    "one header in two spellings": (
        request(headers={"X-A": ["1"], "x-a": "2"}),
        {"http/request/headers": {"X-A": ["1", "2"]}},
    ),
    "an object as body": (request(body={"a": {"b": None}, "c": 1}), {"http/request/body": {"original": {"c": 1}}}),
    "an empty object as body": (request(body={}), {"http/request": {"method": "GET"}}),
    "url": (
        request(url={
            "full": "f", "hash": "#h", "hostname": "d", "pathname": "/p", "port": "8443", "protocol": "https:", "raw": "/r",
            "search": "?s",
        }),
        {"url": {
            "full": "f", "fragment": "#h", "domain": "d", "path": "/p", "port": 8443, "scheme": "https", "original": "/r",
            "query": "?s",
        }},
    ),
    "port 0": (request(url={"port": 0}), {"url": {}}),
    "port wraps": (request(url={"port": -1}), {"url": {"port": 4294967295}}),
    "one colon goes": (request(url={"protocol": "a::"}), {"url": {"scheme": "a:"}}),
    "response": (
        context(response={
            "headers": {"content-type": ["a", "b"]}, "transfer_size": 0, "decoded_body_size": 5, "encoded_body_size": -1,
            "finished": False, "headers_sent": False, "status_code": 204,
        }),
        {"http/response": {
            "headers": {"Content-Type": ["a", "b"]}, "transfer_size": 0, "decoded_body_size": 5,
            "encoded_body_size": 18446744073709551615, "finished": False, "headers_sent": False, "status_code": 204,
        }},
    ),
    "page": (
        context(page={"referer": "ref", "url": "https://shop.example/cart?x=1#top"}),
        {
            "http": {"request": {"referrer": "ref"}},
            "url": {
                "domain": "shop.example", "fragment": "top", "full": "https://shop.example/cart?x=1#top",
                "original": "https://shop.example/cart?x=1#top", "path": "/cart", "query": "x=1", "scheme": "https",
            },
        },
    ),
    "the request's url goes before the page's": (
        context(request={**GET, "url": {"raw": "/r"}}, page={"url": "http://p/", "referer": ""}),
        {"url": {"original": "/r"}, "http/request": {"method": "GET"}},
    ),
    "user agent": (request(headers={"user-agent": ["a", "b"]}), {"user_agent": {"original": "a, b"}}),
}  # fmt: skip


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
def test_row(row: tuple[dict[str, Any], dict[str, Any]], made: Any, agrees: Any) -> None:
    sent, expected = row
    [document] = made({"transaction": {**LEAST, **sent}}, METADATA)
    agrees(document, expected)


ADDRESSES: dict[str, tuple[dict[str, Any], Any, Any]] = {
    "socket": ({"socket": {"remote_address": "192.0.2.44"}}, {"ip": "192.0.2.44"}, {"ip": "192.0.2.44"}),
    "socket with port": (
        {"socket": {"remote_address": "192.0.2.44:81"}}, {"ip": "192.0.2.44", "port": 81}, {"ip": "192.0.2.44"},
    ),
    "nothing": ({}, None, None),
    "a name is no address": ({"socket": {"remote_address": "localhost"}}, None, None),
    "forwarded outranks the socket": (
        {"socket": {"remote_address": "10.0.0.1"}, "headers": {"x-forwarded-for": "203.0.113.9, 10.0.0.2"}},
        {"ip": "203.0.113.9", "nat": {"ip": "10.0.0.1"}},
        {"ip": "203.0.113.9"},
    ),
    "with a port": (
        {"headers": {"forwarded": 'proto=http;For="[2001:DB8::1]:47011";by=x, for=9.9.9.9'}},
        {"ip": "2001:db8::1", "port": 47011},
        {"ip": "2001:db8::1", "port": 47011},
    ),
    "the first usable header": (
        {"headers": {"forwarded": "for=unknown", "x-real-ip": "198.51.100.7", "x-forwarded-for": "1.1.1.1"}},
        {"ip": "198.51.100.7"},
        {"ip": "198.51.100.7"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("row", ADDRESSES.values(), ids=ADDRESSES)
def test_addresses_of_a_backend_request(row: tuple[dict[str, Any], Any, Any], made: Any, agrees: Any) -> None:
    sent, source, client = row
    [document] = made({"transaction": {**LEAST, **request(**sent)}})
    agrees(document, {"source": source, "client": client})


def test_a_browsers_own_addresses_stay(made: Any, agrees: Any) -> None:
    base = RequestBase(rum=True, client_ip="10.0.0.1", source_ip="10.0.0.1", source_port=5, source_nat_ip="10.9.9.9")
    sent = request(socket={"remote_address": "1.1.1.1"}, headers={"x-forwarded-for": "2.2.2.2"})
    [document] = made({"transaction": {**LEAST, **sent}}, base=base)
    agrees(document, {"client": {"ip": "10.0.0.1"}, "source": {"ip": "10.0.0.1", "port": 5, "nat": {"ip": "10.9.9.9"}}})
