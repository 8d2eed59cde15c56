"""Elasticsearch away, refusing or slow: intake goes on, and everything arrives when it is back."""

from __future__ import annotations

from typing import Any

import pytest
from e2e.conftest import MakeDaemon
from e2e.oracle import Oracle, assert_exactly_once
from e2e.processes import wait_until

ARRIVAL_S = 40.0

TROUBLES: dict[str, dict[str, object]] = {
    "the port is closed": {"mode": "refuse"},
    "every request is answered 503": {"mode": "status", "status": 503, "scope": "all"},
    "bulk is answered 429": {"mode": "status", "status": 429, "scope": "bulk"},
    "the credentials are refused": {"mode": "status", "status": 401, "scope": "all"},
    "the right to write is missing": {"mode": "status", "status": 403, "scope": "bulk"},
    "connections are cut": {"mode": "drop", "scope": "all"},
}


@pytest.mark.parametrize("trouble", TROUBLES)
@pytest.mark.parametrize("when", ["at start", "later"])
def test_experiments_09_and_16_elasticsearch_in_trouble(
    daemon: MakeDaemon, fake_elasticsearch: Any, trouble: str, when: str
) -> None:
    settings: dict[str, object] = {
        "output.elasticsearch.hosts": [fake_elasticsearch.url],
        "output.elasticsearch.backoff.init": "100ms",
        "output.elasticsearch.backoff.max": "1s",
    }
    running = daemon(settings)
    if when == "at start":
        fake_elasticsearch.configure(**TROUBLES[trouble])
    running.start()
    with Oracle(running.port) as oracle:
        oracle.wait_acknowledged(300)
        fake_elasticsearch.configure(**TROUBLES[trouble])
        oracle.wait_acknowledged(600)
    fake_elasticsearch.configure(mode="healthy")

    def arrived() -> bool:
        return oracle.acknowledged <= oracle.stored(fake_elasticsearch.documents()).keys()

    wait_until(arrived, "all acknowledged events arrive", ARRIVAL_S, running.output)
    assert_exactly_once(oracle, oracle.stored(fake_elasticsearch.documents()))
    assert oracle.troubles == []
    running.stop()


def test_a_full_spool_is_refused_in_words_and_recovers(daemon: MakeDaemon, fake_elasticsearch: Any) -> None:
    fake_elasticsearch.configure(mode="status", status=503, scope="all")
    settings: dict[str, object] = {
        "output.elasticsearch.hosts": [fake_elasticsearch.url],
        "output.elasticsearch.backoff.max": "500ms",
        "tidegate.workers": 1,
        "tidegate.spool.max_bytes": "4MiB",
        "tidegate.spool.segment_bytes": "1MiB",
        "tidegate.queue_timeout": "1s",
    }
    running = daemon(settings).start()
    with Oracle(running.port, clients=4, events=400, pause=0) as oracle:
        wait_until(lambda: oracle.requests[503] > 0, "a full spool is refused", 40, oracle.summary)
        fake_elasticsearch.configure(mode="healthy")
        wait_until(lambda: 202 in oracle.requests, "some were accepted", 1)
        oracle.wait_acknowledged(400, 30)
    assert all("queue is full" in trouble for trouble in oracle.troubles), oracle.troubles

    def arrived() -> bool:
        return oracle.acknowledged <= oracle.stored(fake_elasticsearch.documents()).keys()

    wait_until(arrived, "all acknowledged events arrive", ARRIVAL_S, running.output)
    assert_exactly_once(oracle, oracle.stored(fake_elasticsearch.documents()))
    running.stop()
