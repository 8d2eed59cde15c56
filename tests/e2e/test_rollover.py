"""A real Elasticsearch whose data stream rolls over between the first try, whose answer is lost, and the second.

This is the one case in which Elasticsearch does not find a document again by its id (docs/guarantees.md): with the right to
read it is found all the same, without it there are two, and the test says so.
"""

from __future__ import annotations

import secrets
from collections import Counter

import pytest
from e2e.clusters import KEEPER, PASSWORD, WRITER, RealElasticsearch
from e2e.conftest import MakeDaemon
from e2e.lossy import LossyWay
from e2e.oracle import body
from e2e.processes import wait_until

EVENTS = 25


@pytest.mark.elasticsearch
@pytest.mark.parametrize(
    ("user", "again", "copies"),
    [(KEEPER, "retry", 1), (KEEPER, "restart", 1), (WRITER, "retry", 2)],
    ids=["may read", "may read, killed", "may only write"],
)
def test_experiment_17_a_rollover_between_two_tries(
    daemon: MakeDaemon, elasticsearch: RealElasticsearch, user: str, again: str, copies: int
) -> None:
    namespace = f"roll{secrets.token_hex(4)}"
    stream = f"traces-apm-{namespace}"
    with LossyWay(elasticsearch.url) as way:
        running = daemon(
            {
                "output.elasticsearch.hosts": [way.url],
                "output.elasticsearch.username": user,
                "output.elasticsearch.password": PASSWORD,
                "output.elasticsearch.backoff.max": "1s",
                "apm-server.data_streams.namespace": namespace,
                "tidegate.workers": 1,
            }
        ).start()

        def stored() -> Counter[str]:
            found = elasticsearch.search(stream, {"match_all": {}})
            return Counter(one["_source"]["transaction"]["id"] for one in found)

        def send(first: int) -> list[str]:
            ids = [f"{number:016x}" for number in range(first, first + EVENTS)]
            headers = {"Content-Type": "application/x-ndjson"}
            assert running.request("POST", "/intake/v2/events", b"".join(body(ids)), headers).status == 202
            return ids

        before = send(0)
        wait_until(lambda: stored().keys() == set(before), "the first events are stored", 30, running.output)
        way.lose_next = True
        lost = send(1000)
        assert way.lost.wait(20), running.output()
        assert elasticsearch.request("POST", f"/{stream}/_rollover")["rolled_over"]
        if again == "restart":
            running.kill_everything()
            running.start()
        way.mend()
        after = send(2000)
        wait_until(lambda: set(after) <= stored().keys(), "later events are stored", 30, running.output)
        running.stop()
    expected = Counter(dict.fromkeys((*before, *after), 1) | dict.fromkeys(lost, copies))
    assert stored() == expected
