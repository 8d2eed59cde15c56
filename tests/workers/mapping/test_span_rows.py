"""Rows of intake-to-documents.md 4.4."""

from __future__ import annotations

from typing import Any

import pytest

LEAST = {"id": "s", "trace_id": "r", "parent_id": "p", "name": "n", "type": "t", "duration": 1, "start": 0}


def context(**parts: Any) -> dict[str, Any]:
    return {"context": parts}


def destination(resource: str) -> dict[str, Any]:
    return context(destination={"service": {"resource": resource}})


ROWS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "identity": (
        {"transaction_id": "t", "child_ids": ["a", "b"], "sync": False},
        {
            "span/id": "s", "trace": {"id": "r"}, "parent": {"id": "p"}, "transaction": {"id": "t"}, "span/name": "n",
            "child": {"id": ["a", "b"]}, "span/sync": False, "_index": "traces-apm-default",
        },
    ),
    "start": ({"start": 50.5}, {"@timestamp": "2025-01-01T00:00:00.173Z", "timestamp/us": 1735689600173956}),
    "start before the receipt": ({"start": -0.5}, {"timestamp/us": 1735689600122956}),
    "timestamp goes before start": ({"start": 5, "timestamp": 1}, {"timestamp/us": 1}),
    "type split": (
        {"type": "db.postgresql.query.more"},
        {"span/type": "db", "span/subtype": "postgresql", "span/action": "query.more"},
    ),
    "type of two parts": ({"type": "db.x"}, {"span/type": "db", "span/subtype": "x", "span/action": None}),
    "type not split": ({"type": "a.b", "action": "q"}, {"span/type": "a.b", "span/subtype": None, "span/action": "q"}),
    "type not split, subtype empty": ({"type": "a.b", "subtype": ""}, {"span/type": "a.b", "span/subtype": None}),
    "empty type": ({"type": ""}, {"span/type": "unknown"}),
    "type of a dot": ({"type": ".x"}, {"span/type": "unknown", "span/subtype": "x"}),
    "outcome of the deprecated status": (context(http={"status_code": 400}), {"event/outcome": "failure"}),
    "outcome below": (
        context(http={"status_code": 399}), {"event/outcome": "success", "http/response/status_code": 399},
    ),
    "outcome not of the response": (
        context(http={"response": {"status_code": 500}}),
        {"event/outcome": "unknown", "http/response/status_code": 500},
    ),
    "rate": ({"sample_rate": 0.5}, {"span/representative_count": 2}),
    "composite": (
        {"composite": {"count": 2, "sum": 1.2345, "compression_strategy": "exact_match"}},
        {"span/composite": {"count": 2, "sum": {"us": 1234}, "compression_strategy": "exact_match"}},
    ),
    "composite of another strategy": (
        {"composite": {"count": 3, "sum": 0, "compression_strategy": "x"}}, {"span/composite": {"count": 3}},
    ),
    "db": (
        context(db={"instance": "i", "statement": "s", "type": "t", "link": "l", "user": "u", "rows_affected": 0}),
        {"span/db": {"instance": "i", "statement": "s", "type": "t", "link": "l", "user": {"name": "u"}, "rows_affected": 0}},
    ),
    "destination": (
        context(destination={"address": "::1", "port": 0, "service": {"resource": "", "name": "n", "type": "t"}}),
        {
            "destination": {"address": "::1", "ip": "::1"}, "span/destination/service": {"name": "n", "type": "t"},
            "service/target": {"type": ""},
        },
    ),
    "destination by name": (
        context(destination={"address": "db-1", "port": -1}),
        {"destination": {"address": "db-1", "port": 4294967295}, "span/destination": None, "service/target": None},
    ),
    "target of a resource": (destination("postgresql"), {"service/target": {"type": "postgresql"}}),
    "target with a name": (destination("mysql/my_db1"), {"service/target": {"type": "mysql", "name": "my_db1"}}),
    "target: a minus": (destination("mysql/my-db"), {"service/target": {"type": "", "name": "mysql/my-db"}}),
    "target: upper case": (destination("Redis"), {"service/target": {"type": "", "name": "Redis"}}),
    "target: a url": (destination("http://x:80"), {"service/target": {"type": "", "name": "http://x:80"}}),
    "target: nothing behind": (destination("a/"), {"service/target": {"type": "", "name": "a/"}}),
    "target: two slashes": (destination("rabbitmq/q/sub"), {"service/target": {"type": "", "name": "rabbitmq/q/sub"}}),
    "target: a newline": (destination("redis\n"), {"service/target": {"type": "", "name": "redis\n"}}),
    "an explicit target": (
        context(service={"target": {"type": "x", "name": "y"}}, destination={"service": {"resource": "redis"}}),
        {"service/target": {"type": "x", "name": "y"}, "service/name": "shop"},
    ),
    "an explicit target's name is lost": (
        context(service={"target": {"name": "y"}, "name": "o"}, destination={"service": {"resource": "redis"}}),
        {"service/target": {"type": "redis"}, "service/name": "o"},
    ),
    "http": (
        context(http={
            "method": "PUT", "url": "http://h/p?q", "request": {"id": "i", "body": [1, {"a": None}]},
            "response": {"headers": {"a": "b"}, "transfer_size": 1, "status_code": 1}, "status_code": 302,
        }),
        {
            "http": {
                "request": {"method": "PUT", "id": "i", "body": {"original": [1, None]}},
                "response": {"headers": {"A": ["b"]}, "transfer_size": 1, "status_code": 302},
            },
            "url": {"original": "http://h/p?q"},
        },
    ),
    "status 0": (context(http={"status_code": 0, "response": {"status_code": 200}}), {"http/response": {}}),
    "a number as body": (context(http={"request": {"body": 0}}), {"http/request/body": {"original": 0}}),
    "message": (context(message={"queue": {"name": "q"}}), {"span/message": {"queue": {"name": "q"}}}),
    "tags": (context(tags={"a": "b"}), {"labels": {"a": "b"}}),
    "stack": (
        {"stacktrace": [
            {
                "filename": "f", "abs_path": "a", "classname": "c", "context_line": "l", "function": "fn", "module": "m",
                "post_context": ["p"], "pre_context": [], "lineno": 0, "colno": -1, "library_frame": False,
                "vars": {"a.b": {"c": 1, "d": None}},
            },
            {"classname": "", "library_frame": True, "pre_context": ["x"], "post_context": ["y"], "colno": 3},
            {"filename": "g", "context_line": "l"},
        ]},
        {"span/stacktrace": [
            {
                "exclude_from_grouping": False, "filename": "f", "abs_path": "a", "classname": "c", "function": "fn",
                "module": "m", "line": {"number": 0, "column": 4294967295, "context": "l"}, "context": {"post": ["p"]},
                "vars": {"a.b": {"c": 1}},
            },
            {
                "exclude_from_grouping": False, "library_frame": True, "context": {"pre": ["x"], "post": ["y"]},
                "line": {"column": 3},
            },
            {"exclude_from_grouping": False, "filename": "g", "line": {"context": "l"}},
        ]},
    ),
}  # fmt: skip


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
def test_row(row: tuple[dict[str, Any], dict[str, Any]], made: Any, agrees: Any) -> None:
    sent, expected = row
    [document] = made({"span": {**LEAST, **sent}})
    agrees(document, expected)
