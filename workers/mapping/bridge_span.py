"""Attributes of a bridged span: the client-span rules of intake-to-documents.md 10.4."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from tidegate.workers.mapping.address import is_address
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
from tidegate.workers.mapping.go_url import GoUrl, UrlError, parse_url
from tidegate.workers.mapping.integers import U32

if TYPE_CHECKING:
    from tidegate.workers.mapping.stream import Stream

_TEXTS: dict[str, tuple[str, str]] = {
    "http.method": ("method", "http"),
    "http.request.method": ("method", "http"),
    "http.url": ("url", "http"),
    "url.full": ("url", "http"),
    "http.target": ("target", "http"),
    "url.path": ("path", "http"),
    "url.query": ("query", "http"),
    "http.host": ("http_host", "http"),
    "http.scheme": ("scheme", "http"),
    "url.scheme": ("scheme", "http"),
    "db.statement": ("statement", "database"),
    "db.query.text": ("statement", "database"),
    "sql.query": ("statement", "database"),
    "db.name": ("instance", "database"),
    "db.namespace": ("instance", "database"),
    "db.instance": ("instance", "database"),
    "db.elasticsearch.cluster.name": ("instance", "database"),
    "db.system": ("db_type", "database"),
    "db.type": ("db_type", "database"),
    "db.user": ("db_user", "database"),
    "net.peer.name": ("peer_name", ""),
    "peer.hostname": ("peer_name", ""),
    "server.address": ("peer_name", ""),
    "net.peer.ip": ("peer_ip", ""),
    "net.sock.peer.addr": ("peer_ip", ""),
    "network.peer.address": ("peer_ip", ""),
    "peer.ipv4": ("peer_ip", ""),
    "peer.ipv6": ("peer_ip", ""),
    "peer.address": ("peer_address", ""),
    "peer.service": ("peer_service", ""),
    "messaging.destination": ("queue", "messaging"),
    "messaging.destination.name": ("queue", "messaging"),
    "message_bus.destination": ("queue", "messaging"),
    "messaging.operation": ("operation", "messaging"),
    "messaging.operation.type": ("operation", "messaging"),
    "messaging.system": ("messaging_system", "messaging"),
    "rpc.system": ("rpc_system", "rpc"),
    "rpc.service": ("rpc_service", "rpc"),
    "rpc.method": ("dropped", ""),
    "gen_ai.system": ("genai_system", "genai"),
    "code.stacktrace": ("code_stacktrace", ""),
    "session.id": ("session", ""),
    "span.kind": ("dropped", ""),
}
"""Attribute → what is found, and the protocol that it proves."""

_INTEGERS: dict[str, tuple[str, str]] = {
    "http.status_code": ("status", "http"),
    "http.response.status_code": ("status", "http"),
    "net.peer.port": ("peer_port", ""),
    "server.port": ("peer_port", ""),
    "peer.port": ("peer_port", ""),
}

_NOT_CUT = ("statement", "code_stacktrace")
_TEMPORARY = ("messaging.temp_destination", "messaging.destination.temporary")
_DEFAULT_PORTS = {"http": 80, "https": 443}


class _Peer(NamedTuple):
    """The other side of a span."""

    address: str
    port: int
    service: str
    """`span.destination.service.name`"""
    resource: str
    """`span.destination.service.resource`"""
    http_target: str
    """`host:port` of the URL."""


def add_span_attributes(document: dict[str, Any], attributes: dict[str, Any], span_kind: str, stream: Stream) -> None:
    """Writes what the attributes say over the mapped span."""
    found, protocols = _sorted(document, attributes, stream)
    peer = _peer(found)
    if "http" in protocols:
        peer = _add_http(document, found, peer)
    target, service, resource = _classify(document, found, protocols, span_kind, peer)
    if peer.address:
        document["destination"] = {"address": peer.address}
        if is_address[peer.address]:
            document["destination"]["ip"] = peer.address
        if port := peer.port & U32:
            document["destination"]["port"] = port
    if service or resource:
        fields = {"type": document["span"]["type"], "name": service, "resource": resource}
        document["span"]["destination"] = {"service": {name: value for name, value in fields.items() if value}}
    if target["type"] or target.get("name"):
        own = document["service"] if isinstance(document.get("service"), dict) else stream.service
        document["service"] = {**own, "target": target}
    if found.get("session"):
        document["session"] = {"id": found["session"]}
    if found.get("code_stacktrace"):
        document["code"] = {"stacktrace": found["code_stacktrace"]}
    if document["event"].get("outcome") == "unknown":
        document["event"]["outcome"] = "success"


def _sorted(document: dict[str, Any], attributes: dict[str, Any], stream: Stream) -> tuple[dict[str, Any], set[str]]:
    """What is found by name, and the protocols proved; what is neither becomes a label or its own field at once."""
    found: dict[str, Any] = {}
    protocols: set[str] = set()
    labels = BridgedLabels()
    for key, full in attributes_of(attributes):
        kind = type(full)
        value = full[:LIMIT] if kind is str else full
        row = _TEXTS.get(key) if kind is str else _INTEGERS.get(key) if kind is int else None
        if key == "rpc.grpc.status_code" and kind in (str, int):
            row, value = ("rpc_system", "rpc"), "grpc"
        if row is not None:
            found[row[0]] = full if row[0] in _NOT_CUT else value
            protocols.add(row[1])
            if key == "sql.query":
                found.setdefault("db_type", "sql")
        elif key in NETWORK and kind is str:
            add_network(document, NETWORK[key], value, stream)
        elif key in DATA_STREAM and kind is str:
            choose_data_stream(document, DATA_STREAM[key], value)
        else:
            if key == "messaging.operation.name" and kind is str:
                protocols.add("messaging")
            if key in _TEMPORARY and value is True:
                found["temporary"] = True
            labels.add(key, value)
    labels.write(document, stream)
    return found, protocols


def _peer(found: dict[str, Any]) -> _Peer:
    name, peer_address = found.get("peer_name", ""), found.get("peer_address", "")
    if not name and (":" not in peer_address or is_address[peer_address]):
        name = peer_address
    service = found.get("peer_service", "")
    address = name or found.get("peer_ip", "")
    return _Peer(address, found.get("peer_port", 0), service, peer_address or service, "")


def _add_http(document: dict[str, Any], found: dict[str, Any], peer: _Peer) -> _Peer:
    """Writes `http` and `url`; the peer as the URL has it."""
    http: dict[str, Any] = {}
    if found.get("method"):
        http["request"] = {"method": found["method"]}
    if status := found.get("status", 0) & U32:
        http["response"] = {"status_code": status}
        if document["event"].get("outcome") == "unknown":
            document["event"]["outcome"] = "failure" if status >= 400 else "success"
    if http:
        document["http"] = http
    url, text = _called_url(found, peer)
    document["url"] = {"original": text} if text else {}
    if url is None:
        return peer
    host, written_port = url.hostname()[:LIMIT], url.port()
    default = _DEFAULT_PORTS.get(url.scheme, 0)
    port = int(written_port[:9]) if written_port else default
    peer = peer._replace(address=host, port=port or peer.port)
    if not host:
        return peer
    resource = join_host_port(host, port) if port else url.host
    peer = peer._replace(http_target=resource)
    if not found.get("peer_service"):
        shown = url.host.removesuffix(f":{written_port}") if port and port == default else url.host
        peer = peer._replace(service=f"{url.scheme}://{shown}" if url.scheme else f"//{shown}", resource=resource)
    return peer


def _called_url(found: dict[str, Any], peer: _Peer) -> tuple[GoUrl | None, str]:
    """The URL, if it is one, and its text: as given, or put together of its parts."""
    try:
        if found.get("url"):
            return parse_url(found["url"]), found["url"]
        query = found.get("query")
        target = found.get("target") or found.get("path", "") + (f"?{query}" if query else "")
        if not target:
            return None, ""
        url = parse_url(target)
    except UrlError:
        return None, found.get("url", "")
    host = found.get("http_host")
    if not host:
        host = join_host_port(peer.address, peer.port) if peer.port > 0 else peer.address
    url = url._replace(scheme=found.get("scheme") or "http", host=host)
    return url, url.text()


def _classify(
    document: dict[str, Any], found: dict[str, Any], protocols: set[str], span_kind: str, peer: _Peer
) -> tuple[dict[str, str], str, str]:
    """Writes type, subtype and action by the first protocol that matches; the target, and name and resource of the
    destination service."""
    span = document["span"]
    service, resource = peer.service, peer.resource
    name = found.get("peer_service", "")
    kind = ""
    if "database" in protocols:
        kind = found.get("db_type", "")
        _set_type(span, "db", kind)
        span["db"] = _database(found)
        if kind and not service:
            service = resource = kind
        name, kind = found.get("instance") or name, kind or "db"
    elif "messaging" in protocols:
        kind, queue = found.get("messaging_system", ""), found.get("queue", "")
        operation = found.get("operation") or ("send" if span_kind == "PRODUCER" else "")
        _set_type(span, "messaging", kind)
        span.pop("action", None)
        if operation:
            span["action"] = operation
        span["message"] = {"queue": {"name": queue}} if queue else {}
        if kind and not service:
            service = resource = kind
        if resource and queue:
            resource += f"/{queue}"
        if queue and not found.get("temporary"):
            name = queue
        kind = kind or "messaging"
    elif "rpc" in protocols:
        kind = found.get("rpc_system", "")
        _set_type(span, "external", kind)
        if not service:
            service = resource = join_host_port(peer.address, peer.port)
        name, kind = found.get("rpc_service") or name, kind or "external"
    elif "http" in protocols:
        _set_type(span, "external", "http")
        name, kind = peer.http_target or name, "http"
    elif "genai" in protocols:
        _set_type(span, "genai", found.get("genai_system", ""))
        kind = "genai"
    elif not span.get("type"):
        _set_type(span, *(("app", "internal") if span_kind == "INTERNAL" else ("unknown", span.get("subtype", ""))))
    return ({"type": kind, "name": name} if name else {"type": kind}), service, resource


def _set_type(span: dict[str, Any], kind: str, subtype: str) -> None:
    span["type"] = kind
    if subtype:
        span["subtype"] = subtype
    else:
        span.pop("subtype", None)


def _database(found: dict[str, Any]) -> dict[str, Any]:
    database = {"statement": found.get("statement"), "instance": found.get("instance"), "type": found.get("db_type")}
    mapped: dict[str, Any] = {name: value for name, value in database.items() if value}
    if found.get("db_user"):
        mapped["user"] = {"name": found["db_user"]}
    return mapped
