"""`tidegate setup` against a stand-in for Elasticsearch that keeps templates, data streams and keys."""

from __future__ import annotations

import json
import threading
from base64 import b64decode
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from tidegate.cli.main import main
from tidegate.cli.setup_actions import advise
from tidegate.cli.setup_identity import NoPassword, identified
from tidegate.daemon.settings.effective import Settings
from tidegate.daemon.settings.loader import load_settings
from tidegate.daemon.settings.parts import ElasticsearchPart
from tidegate.workers.setup.abilities import ALL
from tidegate.workers.setup.existing import Found
from tidegate.workers.setup.streams import STREAMS
from tidegate.workers.setup.templates import all_templates

MODULES = ["mapper-extras", "constant-keyword", "x-pack-analytics", "x-pack-aggregate-metric"]
Answer = tuple[int, Any]


class Cluster:
    """What is in the stand-in, and how it behaves."""

    def __init__(self) -> None:
        self.url = ""
        self.templates: dict[str, Any] = {"theirs": {"index_patterns": ["books-*"]}}
        self.data_streams: list[dict[str, Any]] = []
        self.modules = [*MODULES, "x-pack-apm-data"]
        self.refused: dict[str, int] = {}
        """Method → status with which it is refused."""
        self.lacking = False
        self.asked: list[str] = []
        self.users: set[str] = set()

    def answer(self, method: str, path: str, body: Any) -> Answer:
        path = path.partition("?")[0]
        self.asked.append(f"{method} {path}")
        if method in self.refused:
            return self.refused[method], {"error": {"reason": "no", "caused_by": {"reason": "not today"}}}
        if path == "/_nodes":
            modules = [{"name": name} for name in self.modules]
            return 200, {"nodes": {"a": {"version": "9.2.0", "modules": modules}}}
        if path.startswith("/_index_template"):
            return self._template(method, path.rpartition("/")[2], body)
        if path.startswith("/_data_stream"):
            return self._data_stream(method, path, body)
        if path == "/_security/api_key":
            assert body["role_descriptors"]["tidegate"]["cluster"] == ["monitor"]
            return 200, {"id": "the-id", "name": body["name"], "api_key": "the-key"}
        if path == "/_security/user/_has_privileges":
            return 200, {
                "has_all_requested": not self.lacking,
                "index": {"traces-apm*": {"create_doc": not self.lacking}},
            }
        return 400, {"error": f"no handler found for uri [{path}]"}

    def _template(self, method: str, name: str, body: Any) -> Answer:
        if method == "GET":
            listed = [{"name": key, "index_template": value} for key, value in self.templates.items()]
            return 200, {"index_templates": listed}
        if method == "PUT":
            self.templates[name] = body
        else:
            del self.templates[name]
        return 200, {"acknowledged": True}

    def _data_stream(self, method: str, path: str, body: Any) -> Answer:
        if method == "GET":
            return 200, {"data_streams": self.data_streams}
        name = path.split("/")[2]
        next(one for one in self.data_streams if one["name"] == name)["lifecycle"] = body
        return 200, {"acknowledged": True}


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    state = Cluster()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            length = int(self.headers.get("Content-Length", 0))
            body = json.loads(self.rfile.read(length)) if length else None
            state.users.add(self.headers.get("Authorization", ""))
            status, answer = state.answer(self.command, self.path, body)
            data = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_PUT = do_POST = do_DELETE = do_GET

        def log_message(self, format: str, *arguments: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        state.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        yield state
        server.shutdown()
        thread.join()


@pytest.fixture(autouse=True)
def nobody(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No settings file, and no credentials of whoever runs the tests."""
    monkeypatch.chdir(tmp_path)
    for name in ("TIDEGATE_SETUP_PASSWORD", "TIDEGATE_SETUP_API_KEY"):
        monkeypatch.delenv(name, raising=False)


def setup(cluster: Cluster, *options: str) -> int:
    return main(["setup", "-E", f"output.elasticsearch.hosts={cluster.url}", *options])


def test_set_up_again_and_removed(cluster: Cluster, capsys: pytest.CaptureFixture[str]) -> None:
    assert setup(cluster, "--dry-run") == 0
    assert "dry run: nothing was changed; 19 would be" in capsys.readouterr().out
    assert cluster.templates.keys() == {"theirs"} and not any(asked.startswith("PUT") for asked in cluster.asked)
    assert setup(cluster) == 0
    assert "done: 19 created" in capsys.readouterr().out
    assert cluster.templates.keys() == {"theirs", *(stream.template for stream in STREAMS)}
    cluster.asked.clear()
    assert setup(cluster) == 0
    assert "nothing changed: 19 unchanged" in capsys.readouterr().out
    assert not any(asked.startswith("PUT") for asked in cluster.asked)
    assert setup(cluster, "--remove", "--dry-run") == 0
    assert "19 would be" in capsys.readouterr().out and len(cluster.templates) == 20
    assert setup(cluster, "--remove") == 0
    assert "done: 19 removed" in capsys.readouterr().out
    assert cluster.templates.keys() == {"theirs"}
    assert setup(cluster, "--remove") == 0
    assert "nothing changed: no template is ours" in capsys.readouterr().out


def test_retention_is_changed_kept_and_told_to_data_streams(
    cluster: Cluster, capsys: pytest.CaptureFixture[str]
) -> None:
    def period(name: str) -> str:
        return str(cluster.templates[f"tidegate-{name}"]["template"]["lifecycle"]["data_retention"])

    setup(cluster)
    cluster.data_streams = [
        {"name": "traces-apm-a", "template": "tidegate-traces-apm", "lifecycle": {"data_retention": "10d"}},
        {"name": "logs-apm.error-a", "template": "tidegate-logs-apm.error", "lifecycle": {"data_retention": "10d"}},
    ]
    capsys.readouterr()
    assert setup(cluster, "--retention", "traces=30d", "--dry-run") == 0
    assert "would retain" in capsys.readouterr().out
    assert period("traces-apm") == "10d"
    assert setup(cluster, "--retention", "traces=30d") == 0
    assert "done: 1 updated, 18 unchanged" in capsys.readouterr().out
    assert (period("traces-apm"), period("logs-apm.error")) == ("30d", "10d")
    assert [one["lifecycle"]["data_retention"] for one in cluster.data_streams] == ["30d", "10d"]
    assert setup(cluster) == 0
    assert "nothing changed" in capsys.readouterr().out and period("traces-apm") == "30d"
    assert setup(cluster, "--retention", "traces=next year") == 2
    assert "is no period" in capsys.readouterr().err


def test_a_cluster_with_templates_of_its_own_is_left_alone(
    cluster: Cluster, capsys: pytest.CaptureFixture[str]
) -> None:
    for stream in STREAMS:
        cluster.templates[f"{stream.name}@template"] = {
            "index_patterns": [stream.pattern],
            "priority": 210,
            "data_stream": {},
        }
    before = dict(cluster.templates)
    assert setup(cluster) == 0
    output = capsys.readouterr().out
    assert "nothing changed: 19 left to the cluster's own" in output and "warning" not in output
    assert cluster.templates == before


def test_field_types_are_those_that_the_cluster_has(cluster: Cluster) -> None:
    cluster.modules = ["x-pack-core"]
    assert setup(cluster) == 0
    made = json.dumps(cluster.templates)
    assert "scaled_float" not in made and "constant_keyword" not in made and "aggregate_metric_double" not in made
    cluster.modules = [*MODULES]
    assert setup(cluster) == 0, "more modules since: the templates follow"
    assert "scaled_float" in json.dumps(cluster.templates)


REFUSALS = {
    "not known": ({"GET": 401}, "password is wrong"),
    "no right to look": ({"GET": 403}, "--print-setup-role"),
    "in trouble": ({"GET": 503}, "answers 503. not today"),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_refusals(cluster: Cluster, capsys: pytest.CaptureFixture[str], case: str) -> None:
    cluster.refused, words = REFUSALS[case]
    assert setup(cluster) == 1
    assert words in capsys.readouterr().err


def test_what_fails_is_told_and_the_rest_is_tried(cluster: Cluster, capsys: pytest.CaptureFixture[str]) -> None:
    cluster.refused = {"PUT": 403}
    assert setup(cluster) == 1
    output = capsys.readouterr().out
    assert "nothing changed: 19 failed" in output and output.count("--print-setup-role") == 19
    assert sum(asked.startswith("PUT") for asked in cluster.asked) == 19


def test_a_cluster_that_is_not_there(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["setup", "-E", "output.elasticsearch.hosts=http://127.0.0.1:1"]) == 1
    assert "cannot be reached" in capsys.readouterr().err
    assert main(["setup"]) == 1
    assert "local store" in capsys.readouterr().err


def test_what_is_printed_is_json_and_needs_no_cluster(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["setup", "--print", "--retention", "errors=1d"]) == 0
    requests = json.loads(capsys.readouterr().out)
    assert [one["path"] for one in requests] == [f"/_index_template/{stream.template}" for stream in STREAMS]
    assert {one["method"] for one in requests} == {"PUT"}
    assert requests[3]["body"]["template"]["lifecycle"] == {"data_retention": "1d"}
    assert main(["setup", "--print-role"]) == 0
    assert json.loads(capsys.readouterr().out)["cluster"] == ["monitor"]
    assert main(["setup", "--print-setup-role"]) == 0
    assert "manage_index_templates" in json.loads(capsys.readouterr().out)["cluster"]


def test_a_key_is_created_tried_and_printed_alone(cluster: Cluster, capsys: pytest.CaptureFixture[str]) -> None:
    assert setup(cluster, "--create-api-key") == 0
    assert capsys.readouterr().out == "the-id:the-key\n"
    decoded = {b64decode(user.partition(" ")[2]).decode() for user in cluster.users if user.startswith("ApiKey")}
    assert decoded == {"the-id:the-key"}, "its rights are asked for as the key"
    cluster.lacking = True
    assert setup(cluster, "--create-api-key", "other") == 1
    captured = capsys.readouterr()
    assert captured.out == "the-id:the-key\n" and "create_doc on traces-apm*" in captured.err
    cluster.asked.clear()
    assert setup(cluster, "--create-api-key", "--dry-run") == 0
    assert cluster.asked == [] and json.loads(capsys.readouterr().out)["path"] == "/_security/api_key"


def settings_of(**more: str) -> Settings:
    pairs = [("output.elasticsearch.hosts", "http://h:1"), ("output.elasticsearch.api_key", "a:b"), *more.items()]
    return load_settings(None, pairs, {"HOME": str(Path.cwd())}, Path.cwd())


def part() -> ElasticsearchPart:
    found = (
        settings_of(**{"output.elasticsearch.headers": "{Authorization: Basic x, x-y: z}"}).worker_part(0).elasticsearch
    )
    assert found is not None
    return found


def test_as_whom_it_comes() -> None:
    given = part()
    assert identified(given, "", {}) is given
    person = identified(given, "elastic", {"TIDEGATE_SETUP_PASSWORD": "p", "TIDEGATE_SETUP_API_KEY": "c:d"})
    assert (person.username, person.password, person.api_key) == ("elastic", "p", "")
    assert set(person.headers) == {"x-y"}, "a header with credentials would win"
    assert identified(given, "elastic", {}, lambda question: f"{question}!").password == "password of elastic: !"
    keyed = identified(given, "", {"TIDEGATE_SETUP_API_KEY": "c:d"})
    assert (keyed.username, keyed.api_key) == ("", "c:d") and set(keyed.headers) == {"x-y"}
    with pytest.raises(NoPassword, match="TIDEGATE_SETUP_PASSWORD"):
        identified(given, "elastic", {})


@pytest.mark.parametrize(
    ("ours", "module", "form", "documents", "words"),
    [
        (True, False, "complete", "auto", ""),
        (True, False, "complete", "complete", ""),
        (True, False, "complete", "raw", "does not complete documents"),
        (True, True, "raw", "auto", "not its templates"),
        (True, False, None, "auto", "does not complete documents"),
        (False, True, "raw", "auto", ""),
        (False, True, "raw", "complete", "completes documents itself"),
        (False, False, "complete", "complete", ""),
    ],
)
def test_advice_on_the_form_of_documents(ours: bool, module: bool, form: Any, documents: str, words: str) -> None:
    found = [Found(stream.template, body) for stream, body in all_templates(ALL, {}).items()] if ours else []
    (text,) = advise(found, "default", ALL._replace(apm_data=module), form, documents) or [""]
    assert words in text and bool(words) == bool(text)
