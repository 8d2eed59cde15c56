"""Clients that take more than their share, against real processes."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

from e2e.conftest import MakeDaemon
from e2e.oracle import METADATA
from e2e.processes import wait_until

OPEN_FILES = 128
FLOOD = 200
LINES = [
    METADATA,
    {"transaction": {"id": "a", "trace_id": "t", "type": "x", "duration": 1, "span_count": {"started": 0}}},
]


def test_a_flood_of_connections_leaves_a_descriptor_for_a_new_worker(
    daemon: MakeDaemon, fake_elasticsearch: Any, tmp_path: Path
) -> None:
    running = daemon({"output.elasticsearch.hosts": [fake_elasticsearch.url], "tidegate.workers": 1})
    running.limit_descriptors(OPEN_FILES, tmp_path)
    running.start()
    acceptor = running.one_child("acceptor")
    flood = [socket.create_connection(("127.0.0.1", running.port), timeout=5) for _ in range(FLOOD)]
    wait_until(lambda: "ulimit -n" in running.output(), "it says that clients wait", 5, running.output)
    running.kill_child("worker")
    wait_until(lambda: bool(running.children("worker")), "a new worker runs", 10, running.output)
    for one in flood:
        one.close()
    assert running.send_events(LINES).status == 202, running.output()
    assert running.children("acceptor") == [acceptor], running.output()
    running.stop()
