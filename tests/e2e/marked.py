"""What the walk for marked events needs: events, settings and maps that carry marks, and requests of every kind."""

from __future__ import annotations

import http.client
import itertools
import json
from base64 import b64encode
from collections.abc import Iterator
from typing import Any, NamedTuple

MARK = "zqmark7f3"
"""In every text of every event, in names of keys, maps, files and folders. No request of the walk has it, but in the
credential."""
RULE_MARK = "zqrule5d1"
"""In what is configured for agents."""
CONFIGURED = "configured"
"""The service for which that is."""
TOKEN = f"{MARK}-token-0123456789"
ORIGIN = "https://shop.example"
LIMITED_TOKEN = f"{MARK}-limited-0123456789"

FRAME = {
    "filename": f"{MARK}.py",
    "abs_path": f"/srv/{MARK}.py",
    "function": f"{MARK}()",
    "module": MARK,
    "classname": MARK,
    "lineno": 1,
    "colno": 2,
    "context_line": MARK,
    "pre_context": [MARK],
    "post_context": [MARK],
    "vars": {MARK: MARK},
}
CONTEXT = {
    "custom": {MARK: {MARK: MARK}},
    "tags": {MARK: MARK},
    "user": {"id": MARK, "username": MARK, "email": f"{MARK}@example.org", "domain": MARK},
    "request": {
        "method": "POST",
        "url": {"full": f"http://shop.example/{MARK}?q={MARK}#{MARK}", "pathname": f"/{MARK}", "search": MARK},
        "headers": {"cookie": MARK, "x-mark": [MARK]},
        "cookies": {MARK: MARK},
        "env": {MARK: MARK},
        "body": {MARK: MARK},
    },
    "response": {"status_code": 200, "headers": {"set-cookie": MARK}},
    "message": {"queue": {"name": MARK}, "body": MARK, "headers": {MARK: MARK}},
    "page": {"referer": MARK, "url": f"http://shop.example/{MARK}"},
}
METADATA = {
    "service": {
        "name": f"{MARK} shop",
        "version": MARK,
        "environment": MARK,
        "node": {"configured_name": MARK},
        "language": {"name": MARK, "version": MARK},
        "runtime": {"name": MARK, "version": MARK},
        "framework": {"name": MARK, "version": MARK},
        "agent": {"name": "python", "version": MARK},
    },
    "process": {"pid": 1, "title": MARK, "argv": [MARK]},
    "system": {"hostname": MARK, "architecture": MARK, "platform": MARK, "kubernetes": {"namespace": MARK}},
    "user": {"id": MARK, "username": MARK, "email": MARK},
    "cloud": {"provider": MARK, "region": MARK, "account": {"id": MARK, "name": MARK}},
    "labels": {MARK: MARK},
}
TRACE, SPAN = "0123456789abcdef0123456789abcdef", "0123456789abcdef"
EVENTS: list[dict[str, Any]] = [
    {"metadata": METADATA},
    {
        "transaction": {
            "id": SPAN,
            "trace_id": TRACE,
            "name": MARK,
            "type": MARK,
            "result": MARK,
            "duration": 1,
            "span_count": {"started": 1},
            "context": CONTEXT,
            "marks": {"agent": {MARK: 1}},
        }
    },
    {
        "span": {
            "id": SPAN,
            "trace_id": TRACE,
            "transaction_id": SPAN,
            "parent_id": SPAN,
            "name": MARK,
            "type": MARK,
            "subtype": MARK,
            "action": MARK,
            "start": 0,
            "duration": 1,
            "stacktrace": [FRAME],
            "context": {
                "db": {"statement": MARK, "instance": MARK, "type": "sql", "user": MARK},
                "http": {"url": f"http://{MARK}.example/"},
                "destination": {"address": MARK, "service": {"resource": MARK, "name": MARK, "type": MARK}},
                "tags": {MARK: MARK},
            },
        }
    },
    {
        "error": {
            "id": TRACE,
            "trace_id": TRACE,
            "transaction_id": SPAN,
            "parent_id": SPAN,
            "culprit": MARK,
            "context": CONTEXT,
            "exception": {
                "message": MARK,
                "type": MARK,
                "module": MARK,
                "attributes": {MARK: MARK},
                "stacktrace": [FRAME],
            },
            "log": {"message": MARK, "logger_name": MARK, "level": MARK, "param_message": MARK, "stacktrace": [FRAME]},
        }
    },
    {"metricset": {"samples": {MARK: {"value": 1}}, "tags": {MARK: MARK}}},
    {"log": {"message": MARK, "log.level": MARK, "labels": {MARK: MARK}}},
]
BROWSER_EVENTS: list[dict[str, Any]] = [
    {
        "m": {
            "se": {"n": "my-site", "ve": MARK, "en": MARK, "a": {"n": "rum-js", "ve": MARK}},
            "u": {"id": MARK},
            "l": {MARK: MARK},
        }
    },
    {
        "x": {
            "id": SPAN,
            "tid": TRACE,
            "n": MARK,
            "t": MARK,
            "d": 1,
            "yc": {"sd": 1},
            "c": {
                "p": {"rf": MARK, "url": f"{ORIGIN}/{MARK}"},
                "cu": {MARK: MARK},
                "u": {"id": MARK, "em": MARK, "un": MARK},
            },
        }
    },
    {
        "e": {
            "id": TRACE,
            "cl": MARK,
            "ex": {"mg": MARK, "t": MARK, "st": [{"f": f"{ORIGIN}/{MARK}.js", "li": 1, "co": 1}]},
        }
    },
]


def lines(events: list[dict[str, Any]]) -> bytes:
    """As an agent sends them."""
    return b"".join(json.dumps(event).encode() + b"\n" for event in events)


class Credential(NamedTuple):
    """Who the walk comes as."""

    name: str
    header: str
    """Of `Authorization`; empty for none."""
    reads_rules: bool
    """Whether it may be told what is configured for the service that it asks for."""


class Sent(NamedTuple):
    """One request of the walk."""

    method: str
    target: str
    credential: Credential
    headers: dict[str, str]
    body: bytes

    def __str__(self) -> str:
        return f"{self.method} {self.target} as {self.credential.name} with {self.headers}"


def words(text: str) -> tuple[str, ...]:
    """What stands between spaces."""
    return tuple(text.split())


METHODS = words(
    """
    GET HEAD POST PUT DELETE PATCH OPTIONS TRACE CONNECT PROPFIND SEARCH COPY LINK VIEW REPORT PURGE
    """
)
FEW_METHODS = words("GET POST OPTIONS TRACE SEARCH")
NEIGHBOURS = words(
    """
    /intake/v2/events/ /intake/v3/events /intake/v2/rum/transactions /config /config/v1 /config/v1/agents/
    /debug/vars /debug/pprof/ /debug/pprof/heap /metrics /state /stats /status /health /healthz /readyz
    /_search /_all/_search /traces-apm*/_search?q=* /logs-apm.error-default/_doc/1 /_cat/indices /_bulk /_sql?query=x
    /_security/_authenticate /.apm-agent-configuration/_search /.apm-source-map/_search /api/apm/services /kibana
    /store.sqlite3 /spool /spool/0 /dead-letters /dead-letters/0 /api-keys.json /admin.sock /tidegate.yml /etc/passwd
    /proc/self/environ /favicon.ico /robots.txt /assets/v1/sourcemaps /v1/traces /v1/logs /sourcemaps /events /traces /export
    """
)
TWISTS = words(
    """
    //{path} /.{path} /x/..{path} {path}/. {path}/.. {path}%2f {path}%00 {path};a=b {path}%2e%2e/ /%2e%2e{path}
    {path}/../../../../etc/passwd {path}..%2f..%2fstore.sqlite3 {path}?service.name=* {path}?q=*&size=1000&pretty
    {path}?verbose&ifnonematch=* {path}?path=../../store.sqlite3 {path}?trace.id={trace} {path}#x http://127.0.0.1{path}
    http://[::1]:9200/_search
    """
)
TRICKS: tuple[dict[str, str], ...] = (
    {"Range": "bytes=0-65535"},
    {"X-HTTP-Method-Override": "GET"},
    {"X-Original-URL": "/_search", "X-Rewrite-URL": "/debug/vars"},
    {"Forwarded": "for=127.0.0.1;host=localhost;proto=https", "X-Forwarded-For": "127.0.0.1, ::1"},
    {"X-Forwarded-Host": "localhost", "X-Forwarded-Prefix": "/admin", "X-Real-Ip": "127.0.0.1"},
    {"Accept": "application/vnd.elasticsearch+json;compatible-with=8"},
    {"Accept": "text/html", "Accept-Language": "*", "Accept-Encoding": "gzip, br, zstd"},
    {"Expect": "100-continue"},
    {"If-None-Match": "*", "If-Modified-Since": "Thu, 01 Jan 1970 00:00:00 GMT"},
    {"If-None-Match": '"-"'},
    {"Upgrade": "h2c", "Connection": "Upgrade, HTTP2-Settings", "HTTP2-Settings": "AAMAAABkAAQAoAAAAAIAAAAA"},
    {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Key": "x3JJHMbDL1EzLkh9GBhXDw=="},
    {"Content-Type": "application/json"},
    {"Content-Encoding": "gzip"},
    {"Host": "localhost:9200"},
    {"Cookie": "sid=admin", "es-security-runas-user": "elastic", "kbn-xsrf": "true"},
    {"Origin": ORIGIN, "Access-Control-Request-Method": "GET", "Access-Control-Request-Headers": "authorization"},
    {"Max-Forwards": "0", "Te": "trailers", "Via": "1.1 x"},
    {"Debug": "true", "X-Debug": "1", "Traceparent": f"00-{TRACE}-{SPAN}-01"},
)
BODIES = (
    b"",
    b'{"query":{"match_all":{}},"size":1000}',
    b'{"service":{"name":"configured"}}',
    b'{"metadata":{"service":{"name":"my-site","agent":{"name":"rum-js","version":"1"}}}}\n{"transaction":{}}\n',
)


def walk(paths: list[str], credentials: list[Credential]) -> Iterator[Sent]:
    """Every path with every method and credential; in every twisted form; with every trick. What is no path of ours, with
    fewer: nothing is known of it, whoever asks."""
    asked = f"?service.name={CONFIGURED}&agent.name=rum-js"
    page = {"Origin": ORIGIN}
    for path, method, credential in itertools.product(paths, METHODS, credentials):
        body = BODIES[len(path) % len(BODIES)] if method in ("POST", "PUT", "PATCH") else b""
        yield Sent(method, path + asked, credential, page, body)
    few = [one for one in credentials if one.name in ("nobody", "token")]
    for path, credential in itertools.product(paths, few):
        for twist in TWISTS:
            yield Sent("GET", twist.format(path=path, trace=TRACE), credential, page, b"")
        for trick, (method, body) in itertools.product(
            TRICKS, [("GET", BODIES[1]), *(("POST", body) for body in BODIES)]
        ):
            yield Sent(method, path + asked, credential, page | trick, body)
    for path, method, credential in itertools.product(NEIGHBOURS, FEW_METHODS, few):
        yield Sent(method, path, credential, page, b"")
    for path, trick in itertools.product(NEIGHBOURS, TRICKS):
        yield Sent("GET", path, few[-1], trick, b"")


class Walker:
    """Sends requests, on the same connection while it lasts."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._connection: http.client.HTTPConnection | None = None

    def send(self, sent: Sent) -> tuple[int, bytes]:
        """Status, and all that came back: status line, headers, body."""
        for _ in range(2):
            fresh = self._connection is None
            connection = self._connection or http.client.HTTPConnection("127.0.0.1", self._port, timeout=20)
            self._connection = connection
            try:
                return self._exchange(connection, sent)
            except (ConnectionError, http.client.BadStatusLine) as problem:
                # Closed after the last answer, before it was noticed; a fresh one is another matter.
                self.close()
                if fresh:
                    raise AssertionError(f"no answer: {sent}") from problem
        raise AssertionError(f"no answer: {sent}")

    def _exchange(self, connection: http.client.HTTPConnection, sent: Sent) -> tuple[int, bytes]:
        connection.putrequest(sent.method, sent.target, skip_host="Host" in sent.headers, skip_accept_encoding=True)
        for name, value in sent.headers.items():
            connection.putheader(name, value)
        if sent.credential.header:
            connection.putheader("Authorization", sent.credential.header)
        connection.putheader("Content-Length", str(len(sent.body)))
        connection.endheaders(sent.body)
        response = connection.getresponse()
        head = f"{response.reason}\n" + "".join(f"{name}: {value}\n" for name, value in response.getheaders())
        body = response.read()
        if response.will_close or response.getheader("Connection", "").lower() == "close":
            self.close()
        return response.status, head.encode() + body

    def close(self) -> None:
        """Closes the connection."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def key(identity: str, secret: str) -> str:
    """An `Authorization` header."""
    return "ApiKey " + b64encode(f"{identity}:{secret}".encode()).decode()
