"""Agents are told to change while they run: by the command, through the daemon, as far as the next trace."""

from __future__ import annotations

import json
import secrets
import subprocess
import time
from base64 import b64decode
from pathlib import Path
from typing import Any

import pytest
from e2e.agents import Application, flask_command
from e2e.clusters import KEEPER, PASSWORD, RealElasticsearch
from e2e.conftest import MakeDaemon
from e2e.daemons import COMMAND, Daemon
from e2e.processes import wait_until
from tidegate.workers.sinks.local_reader import LocalReader

OBEYED_S = 40.0
"""The Python agent asks every 5 s at the soonest, and its traces take a second to arrive."""
SETTLED_S = 3.0
"""What was sampled has arrived by then: the agent sends each second, the store writes within 0.2 s."""
OF_THE_CONNECTION = ("host", "connection", "content-length", "transfer-encoding", "accept-encoding")
EVERY_SECOND = {"apm-server.agent.config.cache.expiration": "1s"}


def command(daemon: Daemon, *words: str) -> str:
    """Runs `tidegate agent-config` with the daemon's settings; returns what it printed."""
    places = ("path.data", "output.", "apm-server.agent.")
    given = [f"{key}={value}" for key, value in daemon.settings.items() if key.startswith(places)]
    line = [str(COMMAND), "agent-config", *words, *(word for one in given for word in ("-E", one))]
    result = subprocess.run(line, capture_output=True, text=True, timeout=30, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


@pytest.mark.agents
@pytest.mark.timeout(200)
def test_a_python_agent_obeys(daemon: MakeDaemon, tmp_path: Path) -> None:
    running = daemon({"output.local.enabled": True, **EVERY_SECOND}).start()
    settings = {"ELASTIC_APM_CENTRAL_CONFIG": "true"}
    url = f"http://127.0.0.1:{running.port}"

    def stored() -> int:
        reader = LocalReader(running.data / "store.sqlite3")
        try:
            return sum(service.transactions for service in reader.services())
        finally:
            reader.close()

    with Application(flask_command(), tmp_path, url, "shop", settings) as shop:

        def is_sampled() -> bool:
            before = stored()
            assert shop.get("/ok") == 200
            time.sleep(SETTLED_S)
            return stored() > before

        wait_until(is_sampled, "a trace arrives", OBEYED_S, shop.output)
        command(running, "set", "--service", "shop", "transaction_sample_rate=0")
        wait_until(lambda: not is_sampled(), "no trace arrives any more", OBEYED_S, shop.output)
        command(running, "set", "--service", "shop", "transaction_sample_rate=1")
        wait_until(is_sampled, "traces arrive again", OBEYED_S, shop.output)
    assert running.complaints() == []
    running.stop()


def polls(shared: Path) -> list[Path]:
    """Recorded requests of real agents for their configuration, below `requests`."""
    folder = shared / "corpus" / "requests"
    return sorted(path.relative_to(folder) for path in folder.glob("*/*config-poll*.json"))


@pytest.mark.shared
def test_real_agents_get_the_answers_of_the_original(daemon: MakeDaemon, shared: Path, fake_elasticsearch: Any) -> None:
    corpus = shared / "corpus"
    fake_elasticsearch.store(".apm-agent-configuration", json.loads((corpus / "agent-configuration.json").read_text()))
    settings = {"output.elasticsearch.hosts": fake_elasticsearch.url, "apm-server.rum.enabled": True}
    running = daemon(settings).start()
    assert len(polls(shared)) >= 9
    for path in polls(shared):
        request = json.loads((corpus / "requests" / path).read_text())
        expected = json.loads((corpus / "answers" / path).read_text())
        headers = {name: value for name, value in request["headers"] if name.lower() not in OF_THE_CONNECTION}
        answer = running.request(
            request["method"], request["target"], b64decode(request.get("body_base64") or ""), headers
        )
        told = dict(expected["response_headers"])
        assert (answer.status, answer.body.decode()) == (expected["status"], expected["response_body"]), path
        assert {name: answer.headers.get(name) for name in told} == told, path
        assert ("Content-Type" in answer.headers) == ("Content-Type" in told), path
    running.stop()


@pytest.mark.elasticsearch
@pytest.mark.timeout(200)
def test_rules_in_a_real_elasticsearch(daemon: MakeDaemon, elasticsearch: RealElasticsearch) -> None:
    keeper = {
        f"apm-server.agent.config.elasticsearch.{key}": one
        for key, one in (("username", KEEPER), ("password", PASSWORD))
    }
    running = daemon({**elasticsearch.output(), **EVERY_SECOND, **keeper}).start()
    service = f"shop{secrets.token_hex(4)}"

    def answered(text: str) -> bool:
        answer = running.request("GET", f"/config/v1/agents?service.name={service}")
        return answer.status == 200 and answer.body.decode() == text

    command(running, "set", "--service", service, "--environment", "prod", "log_level=debug")
    for number in range(120):  # more than a page
        rule = {"service": {"name": f"{service}-{number}"}, "settings": {}, "etag": f"e{number}"}
        elasticsearch.request("PUT", f"/.apm-agent-configuration/_doc/{service}-{number}", rule)
    command(running, "set", "--service", service, "capture_body=all", "transaction_sample_rate=0.5")
    text = '{"capture_body":"all","transaction_sample_rate":"0.5"}\n'
    wait_until(lambda: answered(text), "the rule is read", 20, running.output)
    assert f"service {service}-119, any environment" in command(running, "list")
    etag = running.request("GET", f"/config/v1/agents?service.name={service}").headers["Etag"]
    headers = {"If-None-Match": etag}
    answer = running.request("GET", f"/config/v1/agents?service.name={service}", headers=headers)
    assert (answer.status, answer.body, answer.headers["Etag"]) == (304, b"", etag)
    command(running, "delete", "--service", service)
    wait_until(lambda: answered("{}\n"), "the rule is gone", 20, running.output)
    assert running.complaints() == []
    running.stop()
