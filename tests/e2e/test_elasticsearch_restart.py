"""A real Elasticsearch is stopped for a while and started again, in the middle of the load: exactly once."""

from __future__ import annotations

import secrets

import pytest
from e2e.clusters import RealElasticsearch
from e2e.conftest import MakeDaemon
from e2e.oracle import Oracle, assert_exactly_once
from e2e.processes import wait_until


@pytest.mark.elasticsearch
@pytest.mark.timeout(300)
def test_experiment_09_elasticsearch_is_restarted_under_load(
    daemon: MakeDaemon, elasticsearch: RealElasticsearch
) -> None:
    namespace = f"away{secrets.token_hex(4)}"
    stream = f"traces-apm-{namespace}"
    running = daemon({**elasticsearch.output(), "apm-server.data_streams.namespace": namespace}).start()
    with Oracle(running.port, clients=2, events=60, pause=0.2) as oracle:
        oracle.wait_acknowledged(500)
        elasticsearch.halt()
        try:
            oracle.wait_acknowledged(1_000, 60)
            running.kill_child("worker")  # its successor starts with the store away
            oracle.wait_acknowledged(500, 60)
        finally:
            elasticsearch.launch()
        oracle.wait_acknowledged(300, 60)
    assert oracle.troubles == [], running.output()

    def arrived() -> bool:
        return oracle.acknowledged <= oracle.stored(elasticsearch.search(stream, {"match_all": {}})).keys()

    wait_until(arrived, "all acknowledged events are in Elasticsearch", 90, running.output)
    assert_exactly_once(oracle, oracle.stored(elasticsearch.search(stream, {"match_all": {}})))
    running.stop()
