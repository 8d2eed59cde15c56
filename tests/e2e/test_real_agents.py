"""Real agents, the real daemon, a real Elasticsearch: their traces are found by a search."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from e2e.agents import Application, express_command, flask_command
from e2e.clusters import RealElasticsearch
from e2e.conftest import MakeDaemon
from e2e.daemons import Daemon
from e2e.processes import wait_until

FOUND_S = 30.0
AGENTS: dict[str, Callable[[], list[str]]] = {"python": flask_command, "nodejs": express_command}
RAISED = {"python": "ValueError", "nodejs": "TypeError"}
Document = dict[str, Any]


class Traces:
    """The documents of one test's namespace."""

    def __init__(self, cluster: RealElasticsearch, namespace: str, daemon: Daemon) -> None:
        self._cluster = cluster
        self._namespace = namespace
        self._daemon = daemon
        self.url = f"http://127.0.0.1:{daemon.port}"

    def complaints(self) -> list[str]:
        """What the daemon found wrong."""
        return self._daemon.complaints()

    def streams(self) -> set[str]:
        """Names of this namespace's data streams."""
        return {name for name in self._cluster.data_streams() if name.endswith(f"-{self._namespace}")}

    def of_trace(self, trace_id: str, service: str) -> list[Document]:
        """The documents of a trace and a service."""
        query = {"bool": {"filter": [{"term": {"trace.id": trace_id}}, {"term": {"service.name": service}}]}}
        return [hit["_source"] for hit in self._cluster.search(f"*-{self._namespace}", query)]

    def wait_for(self, trace_id: str, service: str, events: set[str]) -> dict[str, Document]:
        """One document of each kind of event (`processor.event`), once all kinds are found."""
        found: dict[str, Document] = {}

        def complete() -> bool:
            found.update({one["processor"]["event"]: one for one in self.of_trace(trace_id, service)})
            return events <= found.keys()

        wait_until(complete, f"{events} of trace {trace_id} in Elasticsearch", FOUND_S, self._daemon.output)
        return found


@pytest.fixture
def traces(daemon: MakeDaemon, elasticsearch: RealElasticsearch) -> Iterator[Traces]:
    """A daemon that writes to the real Elasticsearch, and a view of what it wrote."""
    namespace = f"agents{secrets.token_hex(4)}"
    running = daemon({**elasticsearch.output(), "apm-server.data_streams.namespace": namespace}).start()
    wait_until(
        lambda: running.request("GET", "/").json().get("publish_ready") is True, "it is ready", 20, running.output
    )
    view = Traces(elasticsearch, namespace, running)
    yield view
    running.stop()
    # An application that ends in the middle of its request is told so, as the original does; nothing else may be wrong.
    assert [line for line in view.complaints() if "request timed out" not in line] == []


@pytest.mark.agents
@pytest.mark.elasticsearch
@pytest.mark.timeout(400)
@pytest.mark.parametrize("agent", AGENTS)
def test_traces_of_a_real_agent_are_found(traces: Traces, tmp_path: Path, agent: str) -> None:
    command = AGENTS[agent]()
    plain, spanned, failed = (secrets.token_hex(16) for _ in range(3))
    with Application(command, tmp_path, traces.url, f"shop-{agent}") as shop:
        assert shop.get("/ok", plain) == 200
        assert shop.get("/span/42", spanned) == 200
        assert shop.get("/raise", failed) == 500
        transaction = traces.wait_for(plain, shop.service, {"transaction"})["transaction"]
        with_span = traces.wait_for(spanned, shop.service, {"transaction", "span"})
        with_error = traces.wait_for(failed, shop.service, {"transaction", "error"})
        wait_until(lambda: any(name.startswith("metrics-apm.") for name in traces.streams()), "metrics arrive", FOUND_S)

    assert transaction["agent"]["name"] == agent
    assert transaction["transaction"]["name"].startswith("GET ")
    assert transaction["transaction"]["duration"]["us"] > 0, "this distribution has no pipeline that would add it"
    assert transaction["parent"]["id"] == plain[:16]
    assert transaction["event"]["outcome"] == "success"
    assert transaction["observer"]["type"] == "apm-server"
    assert transaction["url"]["path"] == "/ok"

    span = with_span["span"]
    assert span["span"]["name"] == "reckon"
    assert span["parent"]["id"] == with_span["transaction"]["transaction"]["id"]
    assert span["span"]["duration"]["us"] > 0
    assert with_span["transaction"]["numeric_labels"] == {"number": 42.0}
    assert with_span["transaction"]["labels"] == {"place": "here"}

    error = with_error["error"]
    assert error["error"]["exception"][0]["type"] == RAISED[agent]
    assert error["error"]["exception"][0]["message"].endswith("raised on purpose")
    assert error["error"]["grouping_key"]
    assert error["transaction"]["id"] == with_error["transaction"]["transaction"]["id"]
    assert with_error["transaction"]["event"]["outcome"] == "failure"

    streams = traces.streams()
    assert any(name.startswith("traces-apm-") for name in streams)
    assert any(name.startswith("logs-apm.error-") for name in streams)
