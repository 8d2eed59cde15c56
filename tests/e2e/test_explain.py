"""`tidegate explain` against a running instance: refused, rejected, stored."""

from __future__ import annotations

import json
import subprocess

from e2e.conftest import MakeDaemon
from e2e.daemons import Daemon
from e2e.oracle import METADATA
from e2e.processes import wait_until

AGENT = "apm-agent-python/6.22.0 (oracle 1.0)"
LINES = [
    METADATA,
    {"transaction": {"id": "1" * 16, "trace_id": "1" * 32, "type": "t", "duration": 1, "span_count": {"started": 0}}},
]


def explain(daemon: Daemon, service: str) -> tuple[int, str]:
    command = [str(daemon.command), "explain", service, "-E", f"path.data={daemon.data}"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    return done.returncode, done.stdout + done.stderr


def send(daemon: Daemon, token: str, *more: dict[str, object]) -> int:
    body = b"".join(json.dumps(line).encode() + b"\n" for line in (*LINES, *more))
    headers = {"Content-Type": "application/x-ndjson", "Authorization": f"Bearer {token}", "User-Agent": AGENT}
    return daemon.request("POST", "/intake/v2/events", body, headers).status


def test_where_the_events_of_a_service_end(daemon: MakeDaemon) -> None:
    running = daemon({"apm-server.auth.secret_token": "right"}).start()
    assert send(running, "wrong") == 401
    code, text = explain(running, "oracle")
    assert code == 1
    assert "unauthorized: its credentials are missing or wrong" in text
    assert "nothing of a service oracle" in text
    assert send(running, "right") == 202
    assert send(running, "right", {"transaction": {"id": 7}}) == 400
    wait_until(lambda: "the local store last heard" in explain(running, "oracle")[1], "stored", 10, running.output)
    code, text = explain(running, "oracle")
    assert code == 1
    assert "Received: 2 events of agent python" in text
    assert "Rejected: 1 lines that are no events; the last reason: " in text
    running.stop()
    assert explain(running, "oracle")[0] == 3
