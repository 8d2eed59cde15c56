"""The OpenTelemetry bridge: intake-to-documents.md 4.9, with 10.3 and 10.4 as far as it uses them."""

from __future__ import annotations

from typing import Any

import pytest

TRANSACTION = {"id": "t", "trace_id": "r", "type": "", "duration": 1, "span_count": {"started": 0}}
SPAN = {"id": "s", "trace_id": "r", "parent_id": "p", "name": "n", "type": "", "duration": 1, "start": 0}
METADATA = {
    "metadata": {
        "service": {"name": "shop", "agent": {"name": "a", "version": "1"}},
        "system": {"detected_hostname": "web-7"},
        "labels": {"team": "a"},
    }
}
TRANSACTIONS: dict[str, tuple[dict[str, Any], dict[str, Any], dict[str, Any]]] = {
    "kind alone": (
        {}, {"span_kind": "PRODUCER"},
        {
            "span": {"id": "t", "kind": "PRODUCER"}, "transaction/type": "unknown", "event/outcome": "success",
            "transaction/result": "Success",
        },
    ),
    "http": (
        {}, {"attributes": {
            "http.method": "GET", "http.status_code": 503, "http.url": "http://h:81/p?q#f", "http.flavor": "1.1",
            "user_agent.original": "ua",
        }},
        {
            "transaction/type": "request", "transaction/result": "HTTP 5xx", "event/outcome": "failure", "span/kind": "SERVER",
            "http": {"request": {"method": "GET"}, "response": {"status_code": 503}, "version": "1.1"},
            "url": {
                "original": "http://h:81/p?q#f", "full": "http://h:81/p?q#f", "scheme": "http", "domain": "h", "port": 81,
                "path": "/p", "query": "q", "fragment": "f",
            },
            "user_agent": {"original": "ua"},
        },
    ),
    "http of parts": (
        {"type": "x"}, {"attributes": {"url.path": "/p", "url.query": "a=b", "url.scheme": "https", "server.port": 444}},
        {
            "transaction/type": "x", "span/kind": "INTERNAL",
            "url": {
                "original": "/p?a=b", "full": "https://web-7:444/p?a=b", "scheme": "https", "domain": "web-7", "port": 444,
                "path": "/p", "query": "a=b",
            },
        },
    ),
    "status as text": (
        {}, {"attributes": {"http.status_code": "404", "http.protocol": "HTTP/2"}},
        {"transaction/result": "HTTP 4xx", "event/outcome": "success", "http": {"response": {"status_code": 404}, "version": "2"}},
    ),
    "strange status": (
        {}, {"attributes": {"http.status_code": 999}}, {"transaction/result": "HTTP 999", "event/outcome": "failure"},
    ),
    "messaging": (
        {}, {"attributes": {"messaging.system": "kafka", "messaging.destination": "q"}},
        {
            "transaction/type": "messaging", "transaction/message": {"queue": {"name": "q"}}, "span/kind": "CONSUMER",
            "labels": {"team": "a", "messaging_system": "kafka"},
        },
    ),
    "rpc": (
        {}, {"attributes": {"rpc.system": "grpc", "rpc.grpc.status_code": 5, "rpc.method": "m"}},
        {"transaction/type": "request", "transaction/result": "NotFound", "labels": {"team": "a"}},
    ),
    "rpc status out of range": ({}, {"attributes": {"rpc.grpc.status_code": -1}}, {"transaction/result": "Code(4294967295)"}),
    "labels": (
        {"context": {"tags": {"t": "u"}}},
        {"attributes": {
            "a.b": "c" * 1100, "on": False, "n": 1, "f": 1.5, "list": ["x", 1, "y"], "numbers": [1, 2.5, 3], "none": None,
            "object": {"a": 1}, "empty": [], "aws.dynamodb.provisioned_read_capacity": 3,
        }},
        {
            "labels": {"team": "a", "t": "u", "a_b": "c" * 1024, "on": "false", "list": ["x", "y"]},
            "numeric_labels": {"n": 1, "f": 1.5, "numbers": [1, 3], "aws_dynamodb_provisioned_read_capacity": 3},
        },
    ),
    "addresses": (
        {}, {"attributes": {"net.peer.ip": "10.0.0.1", "client.port": 7, "client.address": "c"}},
        {
            "source": {"ip": "10.0.0.1", "port": 7, "domain": "c"}, "client": {"ip": "10.0.0.1", "port": 7, "domain": "c"},
        },
    ),
    "client address": (
        {}, {"attributes": {"http.client_ip": "10.0.0.2", "net.peer.ip": "x"}}, {"client": {"ip": "10.0.0.2"}, "source": None},
    ),
    "others": (
        {"session": {"id": "a", "sequence": 3}},
        {"attributes": {
            "type": "custom", "session.id": "b", "service.version": "9", "network.carrier.name": "o2",
            "elastic.profiler_stack_trace_ids": ["i", 1],
        }},
        {
            "transaction/type": "custom", "session": {"id": "b", "sequence": 3}, "service/version": "9",
            "network": {"carrier": {"name": "o2"}}, "transaction/profiler_stack_trace_ids": ["i"],
        },
    ),
    "data stream": (
        {}, {"attributes": {"data_stream.dataset": "My-Set", "data_stream.namespace": "Na-me"}},
        {"_index": "traces-my_set-na-me", "data_stream": {"type": "traces", "dataset": "my_set", "namespace": "na-me"}},
    ),
    "nothing in it": ({}, {"attributes": {}}, {"span": {"id": "t"}, "event/outcome": "unknown"}),
}  # fmt: skip


@pytest.mark.parametrize("row", TRANSACTIONS.values(), ids=TRANSACTIONS)
def test_transaction(row: tuple[dict[str, Any], dict[str, Any], dict[str, Any]], made: Any, agrees: Any) -> None:
    sent, otel, expected = row
    [document] = made({"transaction": {**TRANSACTION, **sent, "otel": otel}}, METADATA)
    agrees(document, expected)


SPANS: dict[str, tuple[dict[str, Any], dict[str, Any], dict[str, Any]]] = {
    "kind alone": (
        {"type": "app"}, {"span_kind": "SERVER"}, {"span/kind": "SERVER", "span/type": "app", "event/outcome": "success"},
    ),
    "no type": ({}, {"span_kind": "INTERNAL"}, {"span/kind": "INTERNAL", "span/type": "app", "span/subtype": "internal"}),
    "no type, no kind": ({}, {"attributes": {"a": 1}}, {"span/kind": "INTERNAL", "span/type": "unknown"}),
    "storage": ({"type": "storage"}, {"attributes": {"a": 1}}, {"span/kind": "CLIENT", "numeric_labels": {"a": 1}}),
    "database": (
        {}, {"attributes": {"db.system": "mysql", "db.name": "shop", "net.peer.name": "db-2", "net.peer.port": 3306, "db.user": "u",
                            "db.statement": "x" * 2000}},
        {
            "span/kind": "CLIENT", "span/type": "db", "span/subtype": "mysql",
            "span/db": {"instance": "shop", "type": "mysql", "user": {"name": "u"}, "statement": "x" * 2000},
            "destination": {"address": "db-2", "port": 3306},
            "span/destination/service": {"type": "db", "name": "mysql", "resource": "mysql"},
            "service/target": {"type": "mysql", "name": "shop"}, "service/name": "shop",
        },
    ),
    "sql": ({}, {"attributes": {"sql.query": "q", "peer.service": "ps"}}, {
        "span/subtype": "sql", "span/db": {"statement": "q", "type": "sql"}, "service/target": {"type": "sql", "name": "ps"},
        "span/destination/service": {"type": "db", "name": "ps", "resource": "ps"},
    }),
    "messaging": (
        {}, {"span_kind": "PRODUCER", "attributes": {"messaging.system": "kafka", "messaging.destination": "mails"}},
        {
            "span/kind": "PRODUCER", "span/type": "messaging", "span/subtype": "kafka", "span/action": "send",
            "span/message": {"queue": {"name": "mails"}}, "service/target": {"type": "kafka", "name": "mails"},
            "span/destination/service": {"type": "messaging", "name": "kafka", "resource": "kafka/mails"},
        },
    ),
    "a temporary queue": (
        {}, {"attributes": {"messaging.system": "k", "message_bus.destination": "q", "messaging.temp_destination": True}},
        {"service/target": {"type": "k"}, "labels": {"team": "a", "messaging_temp_destination": "true"}, "span/action": None},
    ),
    "rpc": (
        {}, {"attributes": {"rpc.system": "grpc", "rpc.service": "S", "net.peer.ip": "10.0.0.1", "net.peer.port": 90}},
        {
            "span/type": "external", "span/subtype": "grpc", "service/target": {"type": "grpc", "name": "S"},
            "destination": {"address": "10.0.0.1", "ip": "10.0.0.1", "port": 90},
            "span/destination/service": {"type": "external", "name": "10.0.0.1:90", "resource": "10.0.0.1:90"},
        },
    ),
    "rpc without a peer": (
        {}, {"attributes": {"rpc.system": "x"}},
        {"destination": None, "span/destination/service": {"type": "external", "name": ":0", "resource": ":0"}},
    ),
    "http": (
        {}, {"attributes": {"http.method": "GET", "http.url": "https://api.example.com:8443/x?y=1", "http.status_code": 404}},
        {
            "span/type": "external", "span/subtype": "http", "event/outcome": "failure",
            "http": {"request": {"method": "GET"}, "response": {"status_code": 404}},
            "url": {"original": "https://api.example.com:8443/x?y=1"},
            "destination": {"address": "api.example.com", "port": 8443},
            "span/destination/service": {
                "type": "external", "name": "https://api.example.com:8443", "resource": "api.example.com:8443",
            },
            "service/target": {"type": "http", "name": "api.example.com:8443"},
        },
    ),
    "http on the default port": (
        {}, {"attributes": {"url.full": "http://h:80/", "peer.service": "ps"}},
        {
            "destination": {"address": "h", "port": 80}, "service/target": {"type": "http", "name": "h:80"},
            "span/destination/service": {"type": "external", "name": "ps", "resource": "ps"},
        },
    ),
    "http without port": (
        {}, {"attributes": {"http.url": "https://h/"}},
        {
            "destination": {"address": "h", "port": 443},
            "span/destination/service": {"type": "external", "name": "https://h", "resource": "h:443"},
        },
    ),
    "http of parts": (
        {}, {"attributes": {"http.target": "/p?q=1", "net.peer.name": "h", "net.peer.port": 81}},
        {"url": {"original": "http://h:81/p?q=1"}, "destination": {"address": "h", "port": 81}},
    ),
    "http without url": ({}, {"attributes": {"http.method": "GET"}}, {"url": {}, "service/target": {"type": "http"}}),
    "generative": (
        {}, {"attributes": {"gen_ai.system": "x"}},
        {"span/type": "genai", "span/subtype": "x", "service/target": {"type": "genai"}},
    ),
    "peer service alone": (
        {"type": "app"}, {"attributes": {"peer.service": "ps", "peer.address": "jdbc:x"}},
        {
            "service/target": {"type": "", "name": "ps"}, "destination": None,
            "span/destination/service": {"type": "app", "name": "ps", "resource": "jdbc:x"},
        },
    ),
    "dropped and others": (
        {"type": "app"}, {"attributes": {"span.kind": "x", "rpc.method": "m", "code.stacktrace": "st", "session.id": "i"}},
        {"labels": {"team": "a"}, "code": {"stacktrace": "st"}, "session": {"id": "i"}, "span/type": "app"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("row", SPANS.values(), ids=SPANS)
def test_span(row: tuple[dict[str, Any], dict[str, Any], dict[str, Any]], made: Any, agrees: Any) -> None:
    sent, otel, expected = row
    [document] = made({"span": {**SPAN, **sent, "otel": otel}}, METADATA)
    agrees(document, expected)
