"""What `tidegate check --connect` makes of Elasticsearch's answers: by tables, and against a cluster that plays each part."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from tidegate.cli import connect
from tidegate.cli.main import main
from tidegate.daemon.errors import EXIT_FAILURE, EXIT_OK
from tidegate.workers.setup.abilities import ALL
from tidegate.workers.setup.streams import EVENT_PATTERNS, STREAMS
from tidegate.workers.setup.templates import all_templates

RIGHTS = {
    "cluster": {"monitor": True},
    "index": {
        **{name: {"auto_configure": True, "create_doc": True} for name in EVENT_PATTERNS},
        ".apm-agent-configuration": {"read": True},
        ".apm-source-map": {"read": True},
    },
}
FORBIDDEN = {"error": {"type": "security_exception", "reason": "action is unauthorized"}, "status": 403}
OURS = {
    "index_templates": [
        {"name": stream.template, "index_template": body} for stream, body in all_templates(ALL, {}).items()
    ]
}
STACK = {
    "index_templates": [
        {"name": name, "index_template": {"index_patterns": [f"{name}-*-*"], "priority": 100, "data_stream": {}}}
        for name in ("logs", "metrics")
    ]
}


def rights(**denied: str) -> dict[str, Any]:
    answer = json.loads(json.dumps(RIGHTS))
    for privilege, index in denied.items():
        if index:
            answer["index"][index][privilege] = False
        else:
            answer["cluster"][privilege] = False
    return {**answer, "has_all_requested": not denied}


@pytest.mark.parametrize(
    ("status", "answer", "is_finding", "words"),
    [
        (200, rights(), False, "may do all that Tidegate does"),
        (200, rights(monitor=""), True, "lack monitor"),
        (200, rights(create_doc="logs-apm*"), True, "lack create_doc on logs-apm*"),
        (200, rights(create_doc="logs-apm*"), True, "tidegate setup --print-role"),
        (200, rights(read=".apm-source-map"), True, "read on .apm-source-map"),
        (400, {"error": "no handler found for uri [/_security/user/_has_privileges]"}, False, "security is off"),
        (401, {"error": {"type": "security_exception", "reason": "unable"}}, True, "(401)"),
        (200, "<html>", True, "does not say"),
        (200, {}, True, "does not say"),
    ],
)
def test_privileges(status: int, answer: Any, is_finding: bool, words: str) -> None:
    remark = connect.privileges(status, answer)
    assert remark.is_finding == is_finding
    assert words in remark.text


@pytest.mark.parametrize(
    ("status", "answer", "findings", "words"),
    [
        (200, OURS, 0, "are there for all"),
        (200, {}, 1, "no index template makes data streams for any of APM's data streams"),
        (200, {"index_templates": OURS["index_templates"][1:]}, 1, f"for {STREAMS[0].pattern}: "),
        (200, {"index_templates": OURS["index_templates"][6:]}, 1, " and 2 more: their events"),
        (200, STACK, 2, "only a general template (logs, metrics) is there for logs-apm.error-*"),
        (403, FORBIDDEN, 0, "may not look at index templates"),
        (500, {"error": "broken"}, 1, "does not show its index templates"),
    ],
)
def test_templates(status: int, answer: Any, findings: int, words: str) -> None:
    remarks = list(connect.templates(status, answer, "default"))
    assert sum(remark.is_finding for remark in remarks) == findings
    assert any(words in remark.text for remark in remarks), remarks


class Cluster(HTTPServer):
    """Answers questions as it is told, and notes what was asked."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked: list[str] = []
        self.answers: dict[str, tuple[int, Any]] = {
            "/": (200, {"cluster_uuid": "abc", "version": {"number": "9.2.0"}}),
            "/_security/user/_has_privileges": (200, rights()),
            "/_index_template": (200, OURS),
        }

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    server: Cluster

    def do_GET(self) -> None:
        length = int(self.headers.get("content-length") or 0)
        asked = self.rfile.read(length)
        path = self.path.partition("?")[0]
        self.server.asked.append(f"{self.command} {path}")
        status, answer = self.server.answers[path]
        if b'"cluster":[]' in asked:  # the question about reading
            answer = {"index": {"traces-apm*": {"read": False}}, "has_all_requested": False}
        body = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("x-elastic-product", "Elasticsearch")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_GET

    def log_message(self, *_: Any) -> None: ...


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    with Cluster() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def check(cluster: Cluster, *more: str) -> int:
    return main(["check", "--connect", "-E", f"output.elasticsearch.hosts={cluster.url}", *more])


@pytest.mark.usefixtures("alone")
def test_all_is_well(cluster: Cluster, capsys: pytest.CaptureFixture[str]) -> None:
    assert check(cluster, "-E", "output.elasticsearch.api_key=id:key") == EXIT_OK
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "Config OK"
    assert lines[1] == f"good: Elasticsearch at {cluster.url} can be reached and takes the credentials"
    assert len(lines) == 4 and all(line.startswith("good: ") for line in lines[1:])
    allowed = {"GET /", "GET /_index_template", "POST /_security/user/_has_privileges"}
    assert set(cluster.asked) == allowed, "nothing is stored or changed"


@pytest.mark.usefixtures("alone")
def test_each_host_is_asked(cluster: Cluster, capsys: pytest.CaptureFixture[str]) -> None:
    hosts = f"[{cluster.url}, 'http://127.0.0.1:1']"
    assert main(["check", "--connect", "-E", f"output.elasticsearch.hosts={hosts}"]) == EXIT_FAILURE
    lines = capsys.readouterr().out.splitlines()
    assert [line.partition(":")[0] for line in lines[1:]] == ["good", "finding", "good", "good"]
    assert "127.0.0.1:1 " in lines[2]


@pytest.mark.usefixtures("alone")
@pytest.mark.parametrize(
    ("path", "answer", "words"),
    [
        ("/", (401, {"error": {"type": "security_exception"}}), "check output.elasticsearch.api_key"),
        ("/", (200, {"hello": "world"}), "has not formed"),
        ("/_security/user/_has_privileges", (200, rights(create_doc="logs-apm*")), "lack create_doc on logs-apm*"),
        ("/_index_template", (200, {}), "`tidegate setup` installs what is missing"),
    ],
)
def test_findings(
    cluster: Cluster, capsys: pytest.CaptureFixture[str], path: str, answer: tuple[int, Any], words: str
) -> None:
    cluster.answers[path] = answer
    assert check(cluster) == EXIT_FAILURE
    findings = [line for line in capsys.readouterr().out.splitlines() if line.startswith("finding: ")]
    assert len(findings) == 1
    assert words in findings[0]
