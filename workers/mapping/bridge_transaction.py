"""Attributes of a bridged transaction: the server-span rules of intake-to-documents.md 10.3, with status "unset"."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from tidegate.workers.mapping.address import canonical_address
from tidegate.workers.mapping.bridge_attributes import (
    DATA_STREAM,
    LIMIT,
    NETWORK,
    BridgedLabels,
    add_network,
    attributes_of,
    choose_data_stream,
    join_host_port,
)
from tidegate.workers.mapping.integers import U32
from tidegate.workers.mapping.url import map_page_url

if TYPE_CHECKING:
    from tidegate.workers.mapping.stream import Stream

_TEXTS: dict[str, tuple[str, str]] = {
    "http.method": ("method", "http"),
    "http.request.method": ("method", "http"),
    "http.url": ("url", "http"),
    "url.full": ("url", "http"),
    "http.target": ("url", "http"),
    "http.path": ("url", "http"),
    "url.path": ("path", "http"),
    "url.query": ("query", "http"),
    "http.host": ("http_host", "http"),
    "http.server_name": ("server_name", "http"),
    "net.host.name": ("net_host", ""),
    "server.address": ("net_host", ""),
    "http.scheme": ("scheme", "http"),
    "url.scheme": ("scheme", "http"),
    "http.flavor": ("version", "http"),
    "messaging.destination": ("queue", "messaging"),
    "messaging.destination.name": ("queue", "messaging"),
    "message_bus.destination": ("queue", "messaging"),
    "rpc.system": ("rpc", "rpc"),
    "rpc.grpc.status_code": ("rpc", "rpc"),
    "rpc.service": ("dropped", ""),
    "rpc.method": ("dropped", ""),
    "type": ("type", ""),
    "service.version": ("service_version", ""),
    "session.id": ("session", ""),
    "user_agent.original": ("user_agent", ""),
    "http.user_agent": ("user_agent", ""),
    "http.client_ip": ("client_ip", ""),
    "net.peer.ip": ("source_ip", ""),
    "net.sock.peer.addr": ("source_ip", ""),
    "net.peer.name": ("source_domain", ""),
    "client.address": ("source_domain", ""),
}
"""Attribute → what is found, and the protocol that it proves."""

_INTEGERS: dict[str, tuple[str, str]] = {
    "http.status_code": ("status", "http"),
    "http.response.status_code": ("status", "http"),
    "net.host.port": ("host_port", ""),
    "server.port": ("host_port", ""),
    "net.peer.port": ("source_port", ""),
    "client.port": ("source_port", ""),
    "rpc.grpc.status_code": ("grpc_status", "rpc"),
}

_MESSAGING_LABELS = ("messaging.system", "messaging.operation", "messaging.operation.type", "messaging.operation.name")
_INTEGER = re.compile(r"[+-]?[0-9]{1,18}", re.ASCII)
_GRPC_STATUS = (
    "OK",
    "Canceled",
    "Unknown",
    "InvalidArgument",
    "DeadlineExceeded",
    "NotFound",
    "AlreadyExists",
    "PermissionDenied",
    "ResourceExhausted",
    "FailedPrecondition",
    "Aborted",
    "OutOfRange",
    "Unimplemented",
    "Internal",
    "Unavailable",
    "DataLoss",
    "Unauthenticated",
)


def add_transaction_attributes(document: dict[str, Any], attributes: dict[str, Any], stream: Stream) -> None:
    """Writes what the attributes say over the mapped transaction."""
    found, protocols = _sorted(document, attributes, stream)
    transaction = document["transaction"]
    if kind := found.get("type"):
        transaction["type"] = kind
    elif not transaction.get("type"):
        transaction["type"] = _inferred_type(protocols)
    if "grpc_status" in found:
        code = found["grpc_status"] & U32
        transaction["result"] = _GRPC_STATUS[code] if code < len(_GRPC_STATUS) else f"Code({code})"
    if "http" in protocols:
        _add_http(document, found, stream)
    if "messaging" in protocols:
        transaction["message"] = {"queue": {"name": found["queue"]}} if found.get("queue") else {}
    if found.get("service_version"):
        document["service"] = {**document.get("service", stream.service), "version": found["service_version"]}
    if found.get("session"):
        document["session"] = {**document.get("session", {}), "id": found["session"]}
    if found.get("user_agent"):
        document["user_agent"] = {"original": found["user_agent"]}
    _add_addresses(document, found, stream)
    _settle_outcome(document)


def _sorted(document: dict[str, Any], attributes: dict[str, Any], stream: Stream) -> tuple[dict[str, Any], set[str]]:
    """What is found by name, and the protocols proved; what is neither becomes a label or its own field at once."""
    found: dict[str, Any] = {}
    protocols: set[str] = set()
    labels = BridgedLabels()
    for key, full in attributes_of(attributes):
        kind = type(full)
        value = full[:LIMIT] if kind is str else full
        row = _TEXTS.get(key) if kind is str else _INTEGERS.get(key) if kind is int else None
        if key in ("http.status_code", "http.response.status_code") and kind is str and _INTEGER.fullmatch(full):
            row, value = _INTEGERS[key], int(full)
        if key == "http.protocol" and kind is str and value.startswith("HTTP/"):
            row, value = ("version", "http"), value.removeprefix("HTTP/")
        if row is not None:
            found[row[0]] = value
            protocols.add(row[1])
        elif key in NETWORK and kind is str:
            add_network(document, NETWORK[key], value, stream)
        elif key in DATA_STREAM and kind is str:
            choose_data_stream(document, DATA_STREAM[key], value)
        elif key == "elastic.profiler_stack_trace_ids" and kind is list:
            document["transaction"]["profiler_stack_trace_ids"] = [one for one in value if type(one) is str]
        else:
            if key in _MESSAGING_LABELS and kind is str:
                protocols.add("messaging")
            labels.add(key, value)
    labels.write(document, stream)
    return found, protocols


def _inferred_type(protocols: set[str]) -> str:
    if "messaging" in protocols:
        return "messaging"
    return "request" if protocols & {"http", "rpc"} else "unknown"


def _add_http(document: dict[str, Any], found: dict[str, Any], stream: Stream) -> None:
    http: dict[str, Any] = {}
    if found.get("method"):
        http["request"] = {"method": found["method"]}
    status = found.get("status", 0) & U32
    if status:
        http["response"] = {"status_code": status}
    if found.get("version"):
        http["version"] = found["version"]
    if http:
        document["http"] = http
    if status:
        event, transaction = document["event"], document["transaction"]
        if event.get("outcome") == "unknown":
            event["outcome"] = "failure" if status >= 500 else "success"
        if not transaction.get("result"):
            transaction["result"] = f"HTTP {status // 100}xx" if 100 <= status < 600 else f"HTTP {status}"
    document["url"] = map_page_url(_url_text(found), found.get("scheme") or "http", _host(found, stream))


def _url_text(found: dict[str, Any]) -> str:
    text: str = found.get("url", "")
    if text:
        return text
    text = found.get("path", "")
    return f"{text}?{found['query']}" if found.get("query") else text


def _host(found: dict[str, Any], stream: Stream) -> str:
    host: str = found.get("http_host", "")
    if host:
        return host
    host = found.get("server_name") or found.get("net_host") or stream.constants.get("host", {}).get("hostname", "")
    port = found.get("host_port", 0)
    return join_host_port(host, port) if host and port > 0 else host


def _add_addresses(document: dict[str, Any], found: dict[str, Any], stream: Stream) -> None:
    source = dict(document.get("source", stream.source or {}))
    if address := canonical_address(found.get("source_ip", "")):
        source["ip"] = address
    if found.get("source_domain"):
        source["domain"] = found["source_domain"]
    if port := found.get("source_port", 0) & U32:
        source["port"] = port
    if source != document.get("source", stream.source or {}):
        document["source"] = source
    if address := canonical_address(found.get("client_ip", "")):
        document["client"] = {**document.get("client", stream.client or {}), "ip": address}
    elif source and "client" not in document and stream.client is None:
        document["client"] = {name: source[name] for name in ("ip", "port", "domain") if name in source}


def _settle_outcome(document: dict[str, Any]) -> None:
    if document["event"].get("outcome") == "unknown":
        document["event"]["outcome"] = "success"
        if not document["transaction"].get("result"):
            document["transaction"]["result"] = "Success"
