"""`tidegate setup` and the daemon on a real Elasticsearch with security on: nobody has more rights than the printed roles."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import time
import urllib.error
import urllib.request
from base64 import b64encode
from collections.abc import Iterator
from typing import Any

import pytest
from e2e.clusters import KEEPER, PASSWORD, Unavailable
from e2e.clusters_with_keys import ElasticsearchWithKeys
from e2e.conftest import MakeDaemon
from e2e.daemons import COMMAND, Daemon
from e2e.presence import absent
from e2e.processes import wait_until

RUNNER, OWNER = "runner", "owner"
STORED_S = 30.0
QUICK_BACKOFF = {"output.elasticsearch.backoff.init": "100ms", "output.elasticsearch.backoff.max": "500ms"}

pytestmark = [pytest.mark.elasticsearch, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def cluster() -> Iterator[ElasticsearchWithKeys]:
    """A cluster without templates; its users `runner` and `owner` have exactly the roles that are printed."""
    roles = {RUNNER: printed("--print-role"), OWNER: printed("--print-setup-role")}
    try:
        with ElasticsearchWithKeys(roles) as started:
            yield started
    except Unavailable as what:
        absent(str(what))


def printed(option: str) -> dict[str, Any]:
    """The role that the command prints."""
    result = subprocess.run([COMMAND, "setup", option], capture_output=True, text=True, timeout=30, check=True)
    role: dict[str, Any] = json.loads(result.stdout)
    return role


def set_up(cluster: ElasticsearchWithKeys, *options: str, code: int = 0, user: str = OWNER) -> str:
    """Runs the command as the user with the role for setting up; returns what it printed on stdout."""
    result = subprocess.run(
        [COMMAND, "setup", "-E", f"output.elasticsearch.hosts={cluster.url}", "--as", user, *options],
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, "TIDEGATE_SETUP_PASSWORD": PASSWORD},
        check=False,
    )
    assert result.returncode == code, f"{result.stdout}\n{result.stderr}"
    return result.stdout


def events(trace_id: str) -> list[dict[str, Any]]:
    """One of each kind of event."""
    now = time.time_ns() // 1000
    stack = [{"filename": "app.py", "lineno": 3, "vars": {"password": "x" * 40_000}}]
    here = {"trace_id": trace_id, "timestamp": now}
    return [
        {
            "metadata": {
                "service": {"name": "Shop 1", "agent": {"name": "python", "version": "6.22.0"}},
                "labels": {"place": "here", "number": 1.5},
            }
        },
        {
            "transaction": {
                **here,
                "id": "00000000000000a1",
                "type": "request",
                "name": "GET /",
                "duration": 12.5,
                "span_count": {"started": 1},
                "marks": {"agent": {"first": 1}},
                "context": {
                    "request": {
                        "method": "GET",
                        "body": {"a": 1},
                        "headers": {"x-long": "y" * 40_000},
                        "socket": {"remote_address": "192.0.2.1"},
                    },
                    "response": {"status_code": 200},
                    "custom": {"anything": {"goes": [1, "two"]}},
                },
            }
        },
        {
            "span": {
                **here,
                "id": "00000000000000b1",
                "parent_id": "00000000000000a1",
                "transaction_id": "00000000000000a1",
                "type": "db.sqlite.query",
                "name": "SELECT",
                "duration": 1.5,
                "stacktrace": stack,
            }
        },
        {
            "error": {
                **here,
                "id": "c1" * 16,
                "parent_id": "00000000000000a1",
                "transaction_id": "00000000000000a1",
                "exception": {
                    "message": "broken",
                    "type": "ValueError",
                    "stacktrace": stack,
                    "attributes": {"deep": {"er": 1}},
                },
            }
        },
        {"log": {"message": "hello", "log.level": "info", "trace.id": trace_id, "@timestamp": now}},
        {
            "metricset": {
                "timestamp": now,
                "samples": {
                    "orders.open": {"value": 3},
                    "orders.size": {"type": "histogram", "values": [1, 2.5], "counts": [3, 4]},
                },
            }
        },
        {"metricset": {"timestamp": now, "samples": {"orders.open": {"value": 3.25}}}},
        {"metricset": {"timestamp": now, "samples": {"system.memory.total": {"value": 8_000_000_000}}}},
    ]


STORED = 7  # documents of these events
NEEDED = {
    "traces-apm": """@timestamp timestamp.us agent.name service.name processor.event trace.id parent.id transaction.id
        transaction.duration.us transaction.name transaction.type transaction.sampled span.id span.type span.name
        span.duration.us""",
    "logs-apm.error": "timestamp.us agent.name service.name processor.event trace.id error.id error.grouping_key",
}
"""What Kibana must be able to search for; without a field among these it shows nothing (experiments.md section 4)."""


def run(daemon: MakeDaemon, cluster: ElasticsearchWithKeys, namespace: str, **credentials: str) -> Daemon:
    """A daemon that writes to the cluster with the least role."""
    who = credentials or {"username": RUNNER, "password": PASSWORD}
    settings: dict[str, object] = {
        "output.elasticsearch.hosts": [cluster.url],
        "apm-server.data_streams.namespace": namespace,
        **QUICK_BACKOFF,
    }
    running = daemon(settings | {f"output.elasticsearch.{key}": value for key, value in who.items()}).start()
    form = "documents are written in the complete form"  # before it is known, documents would be raw
    wait_until(lambda: form in running.output(), "the form of documents is known", 20, running.output)
    return running


def stored(cluster: ElasticsearchWithKeys, namespace: str) -> int:
    """The number of documents of a namespace."""
    where = f"*-{namespace}"
    cluster.request("POST", f"/{where}/_refresh?ignore_unavailable=true")
    return int(cluster.request("GET", f"/{where}/_count?ignore_unavailable=true")["count"])


def wait_stored(cluster: ElasticsearchWithKeys, running: Daemon, namespace: str, number: int = STORED) -> None:
    """Until so many documents are stored; never more."""
    wait_until(lambda: stored(cluster, namespace) >= number, "events are stored", STORED_S, running.output)
    assert stored(cluster, namespace) == number


def waits_with(running: Daemon, *words: str) -> None:
    """Until the log says why documents wait, in these words."""

    def said() -> bool:
        lines = [str(one["message"]) for one in running.records() if one.get("log.logger") == "tidegate.sink"]
        return any(all(word in line for word in words) for line in lines)

    wait_until(said, f"the log says {words}", 15, running.output)


def test_from_a_bare_cluster_to_stored_events(cluster: ElasticsearchWithKeys, daemon: MakeDaemon) -> None:
    """First of all: events come before anybody has set up the cluster."""
    cluster.request("PUT", "/_index_template/somebody-elses", {"index_patterns": ["books-*"]})
    before = cluster.templates()
    assert not [name for name in before if "apm" in name], (
        "this test must come first: data streams hold their templates"
    )

    namespace, trace_id = "first", secrets.token_hex(16)
    running = run(daemon, cluster, namespace)
    assert running.send_events(events(trace_id)).status == 202
    waits_with(running, f"-{namespace}", "index_not_found_exception", "tidegate setup")
    assert running.send_events(events(trace_id)).status == 202, "intake goes on meanwhile"
    assert stored(cluster, namespace) == 0

    assert "19 would be" in set_up(cluster, "--dry-run")
    assert cluster.templates() == before
    assert "done: 19 created" in set_up(cluster)
    assert "nothing changed: 19 unchanged" in set_up(cluster)
    wait_stored(cluster, running, namespace, 2 * STORED)
    assert running.complaints() == []
    running.stop()

    assert {
        f"{name}-{namespace}" for name in ("traces-apm", "logs-apm.error", "metrics-apm.internal")
    } <= cluster.data_streams()
    for stream, fields in NEEDED.items():
        found = set(cluster.request("GET", f"/{stream}-{namespace}/_field_caps?fields=*")["fields"])
        assert set(fields.split()) <= found
    query = {
        "bool": {"filter": [{"term": {"trace.id": trace_id}}, {"range": {"transaction.duration.us": {"gte": 12_500}}}]}
    }
    assert len(cluster.search(f"traces-apm-{namespace}", query)) == 2
    assert len(cluster.search(f"traces-apm-{namespace}", {"term": {"client.ip": "192.0.2.0/24"}})) == 2
    app = f"metrics-apm.app.shop_1-{namespace}"
    assert len(cluster.search(app, {"term": {"orders.open": 3.25}})) == 2, (
        "a first whole value makes no field of whole numbers"
    )
    for stream, name in (
        (f"traces-apm-{namespace}", "span.stacktrace"),
        (f"logs-apm.error-{namespace}", "error.exception.stacktrace"),
    ):
        assert f"{name}.filename" not in cluster.request("GET", f"/{stream}/_field_caps?fields=*")["fields"]


def test_an_api_key_of_setup_writes_events_and_reads_none(cluster: ElasticsearchWithKeys, daemon: MakeDaemon) -> None:
    set_up(cluster)
    key = set_up(cluster, "--create-api-key", "for-a-test").strip()
    namespace = "keyed"
    running = run(daemon, cluster, namespace, api_key=key)
    assert running.send_events(events(secrets.token_hex(16))).status == 202
    wait_stored(cluster, running, namespace)
    assert running.complaints() == []
    running.stop()
    stream = f"traces-apm-{namespace}"
    document = cluster.search(stream, {"match_all": {}})[0]
    refused = {
        "search": ("GET", f"/{stream}/_search"),
        "get": ("GET", f"/{document['_index']}/_doc/{document['_id']}"),
        "delete": ("DELETE", f"/{document['_index']}/_doc/{document['_id']}"),
        "change": ("POST", f"/{document['_index']}/_update/{document['_id']}"),
        "read mappings": ("GET", f"/{stream}/_mapping"),
        "write elsewhere": ("POST", "/elsewhere/_doc"),
        "make a template": ("PUT", "/_index_template/mine"),
        "make another key": ("POST", "/_security/api_key"),
        "read keys": ("GET", "/_security/_query/api_key"),
    }
    statuses = {what: as_key(cluster, key, *request) for what, request in refused.items()}
    assert set(statuses.values()) == {403}, statuses
    everything = "/traces-apm*,logs-apm*,metrics-apm*/_count?allow_no_indices=false"
    assert as_key(cluster, key, "GET", everything) == 404, "for it there are no indices with events"
    for index in (".apm-agent-configuration", ".apm-source-map"):
        assert as_key(cluster, key, "GET", f"/{index}/_search") == 404, "it may look; there is none yet"


BODIES = {"/_index_template/mine": {"index_patterns": ["x-*"]}}


def as_key(cluster: ElasticsearchWithKeys, key: str, method: str, path: str) -> int:
    """The status of a request with an API key."""
    body = (
        None
        if method in ("GET", "DELETE")
        else json.dumps({"doc": {}} if "/_update/" in path else BODIES.get(path, {"name": "x"})).encode()
    )
    headers = {"Authorization": f"ApiKey {b64encode(key.encode()).decode()}", "Content-Type": "application/json"}
    request = urllib.request.Request(cluster.url + path, body, headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=10) as response:
            return int(response.status)
    except urllib.error.HTTPError as problem:
        return problem.code


IN_THE_WAY: dict[str, dict[str, Any]] = {
    "a template of ordinary indices": {"index_patterns": ["traces-apm-ordinary"], "priority": 500},
    "a template that forbids them": {
        "index_patterns": ["traces-apm-forbidden"],
        "priority": 501,
        "data_stream": {},
        "allow_auto_create": False,
    },
    "an ordinary index": {"index_patterns": ["traces-apm-index"], "priority": 502},
}


@pytest.mark.parametrize("what", IN_THE_WAY)
def test_what_is_in_the_way_is_told_and_costs_nothing(
    cluster: ElasticsearchWithKeys, daemon: MakeDaemon, what: str
) -> None:
    set_up(cluster)
    template = IN_THE_WAY[what]
    (name,) = template["index_patterns"]
    namespace = name.rpartition("-")[2]
    cluster.request("PUT", "/_index_template/in-the-way", template)
    if what == "an ordinary index":
        cluster.request("PUT", f"/{name}")
    running = run(daemon, cluster, namespace)
    assert running.send_events(events(secrets.token_hex(16))).status == 202
    waits_with(running, name, "(404)")
    if "data_stream" not in template:
        said = set_up(cluster, "-E", f"apm-server.data_streams.namespace={namespace}", code=1)
        assert "blocked" in said and "in-the-way (priority" in said
    cluster.request("DELETE", "/_index_template/in-the-way")
    if what == "an ordinary index":
        cluster.request("DELETE", f"/{name}")
    wait_stored(cluster, running, namespace)
    assert running.complaints() == []
    running.stop()


def test_elastics_own_templates_win_when_they_appear(cluster: ElasticsearchWithKeys, daemon: MakeDaemon) -> None:
    set_up(cluster)
    theirs = {
        "index_patterns": ["traces-apm-*"],
        "priority": 210,
        "data_stream": {},
        "_meta": {"managed": True},
        "template": {"mappings": {"dynamic": False, "properties": {"of_elastics_template": {"type": "keyword"}}}},
    }
    cluster.request("PUT", "/_index_template/traces-apm@template", theirs)
    assert "traces-apm@template (priority 210)" in set_up(cluster)
    running = run(daemon, cluster, "theirs")
    assert running.send_events(events(secrets.token_hex(16))).status == 202
    wait_stored(cluster, running, "theirs")
    running.stop()
    assert "of_elastics_template" in cluster.mapping("traces-apm-theirs")["properties"]
    assert "of_elastics_template" not in cluster.mapping("logs-apm.error-theirs")["properties"]

    set_up(cluster, "--remove", code=1)  # logs and metrics still need theirs
    left = cluster.templates()
    assert {"traces-apm@template", "somebody-elses"} <= left and "tidegate-traces-apm" not in left
    assert "tidegate-logs-apm.error" in left, "data streams with events keep their template"
    assert "traces-apm@template" in set_up(cluster)
    assert "tidegate-traces-apm" not in cluster.templates()


def test_who_lacks_the_role_for_setting_up_is_told(cluster: ElasticsearchWithKeys) -> None:
    result = subprocess.run(
        [COMMAND, "setup", "-E", f"output.elasticsearch.hosts={cluster.url}", "--as", KEEPER],
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, "TIDEGATE_SETUP_PASSWORD": "wrong"},
        check=False,
    )
    assert result.returncode == 1 and "password is wrong" in result.stderr
    assert "tidegate setup --print-setup-role" in set_up(cluster, "--remove", code=1, user=RUNNER)
