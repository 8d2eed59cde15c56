"""A service manager of the test's own: it listens to what the daemon tells, and keeps the socket while the daemon restarts."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from e2e.activation import Ear, passing
from e2e.daemons import Daemon
from e2e.processes import send_signal, wait_until

RESTARTS = 20
CLIENTS = 4
META = {"metadata": {"service": {"name": "restarted", "agent": {"name": "python", "version": "6.0.0"}}}}
EVENT = {"metricset": {"timestamp": 1_700_000_000_000_000, "samples": {"x": {"value": 1}}}}
BODY = b"".join(json.dumps(line).encode() + b"\n" for line in (META, EVENT))


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Daemon]:
    with Daemon(tmp_path, {"output.local.enabled": True}) as running:
        yield running


@pytest.fixture
def ear(daemon: Daemon, tmp_path: Path) -> Iterator[Ear]:
    with Ear(tmp_path) as heard:
        daemon.environment |= {"NOTIFY_SOCKET": heard.address, "WATCHDOG_USEC": "2000000"}
        yield heard


def test_ready_comes_when_all_serve_and_stopping_before_the_end(daemon: Daemon, ear: Ear) -> None:
    daemon.launch()
    ready = ear.hear_until("READY", 30)[-1]
    assert ready["STATUS"] == f"serving on 127.0.0.1:{daemon.port}; 1 acceptor, 1 worker"
    assert daemon.request("GET", "/").status == 200
    assert (len(daemon.children("acceptor")), len(daemon.children("worker"))) == (1, 1)
    for child in (*daemon.children("acceptor"), *daemon.children("worker")):
        variables = Path(f"/proc/{child}/environ").read_bytes()
        assert b"NOTIFY_SOCKET" not in variables
        assert b"WATCHDOG" not in variables
    send_signal(daemon.supervisor, signal.SIGTERM)
    stopping = ear.hear_until("STOPPING", 10)[-1]
    assert int(stopping["EXTEND_TIMEOUT_USEC"]) >= 5_000_000
    assert daemon.wait_exit() == 0


def test_the_watchdog_is_fed_while_children_die_and_not_by_a_supervisor_that_hangs(daemon: Daemon, ear: Ear) -> None:
    daemon.launch()
    ear.hear_until("READY", 30)
    ear.hear_until("WATCHDOG", 5)
    # A worker that hangs is the supervisor's business.
    frozen = daemon.one_child("worker")
    send_signal(frozen, signal.SIGSTOP)
    statuses: list[str] = []
    deadline = time.monotonic() + 40
    while time.monotonic() < deadline and not (statuses and statuses[-1].startswith("serving")):
        message = ear.hear(5)
        assert message, "no ping for 5 s while a worker hung"
        statuses += [message["STATUS"]] if "STATUS" in message else []
    assert any("is being replaced" in status for status in statuses), statuses
    send_signal(daemon.supervisor, signal.SIGSTOP)
    while ear.hear(0.2):
        pass  # what was sent before
    assert ear.hear(3) == {}
    send_signal(daemon.supervisor, signal.SIGCONT)
    ear.hear_until("WATCHDOG", 5)
    daemon.stop()


def test_a_store_that_is_away_is_a_status_and_nothing_else(tmp_path: Path) -> None:
    with Ear(tmp_path) as ear, Daemon(tmp_path, {"output.elasticsearch.hosts": "http://127.0.0.1:9"}) as daemon:
        daemon.environment |= {"NOTIFY_SOCKET": ear.address, "WATCHDOG_USEC": "2000000"}
        daemon.launch()
        ear.hear_until("READY", 30)
        status = ear.hear_until("STATUS", 5)[-1]["STATUS"]
        assert status.startswith("degraded: ")
        assert "serving on" in status
        ear.hear_until("WATCHDOG", 5)
        daemon.stop()


def test_a_socket_that_is_not_that_of_the_settings_ends_the_start_for_good(daemon: Daemon) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        daemon.started_by, daemon.passed = passing(other), [other.fileno()]
        daemon.launch()
        assert daemon.wait_exit(30) == 78
    assert f"systemd passed a socket on 127.0.0.1:{other_port(daemon)}, but apm-server.host is" in daemon.output()


def other_port(daemon: Daemon) -> str:
    return daemon.output().partition("systemd passed a socket on 127.0.0.1:")[2].partition(",")[0]


class Clients:
    """Threads that send one small request after another, each on a connection of its own."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._stop = threading.Event()
        self.results: Counter[str] = Counter()
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._send) for _ in range(CLIENTS)]

    def have(self, number: int) -> bool:
        """Whether so many requests are over."""
        return sum(self.results.values()) >= number

    def __enter__(self) -> Clients:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(60)

    def _send(self) -> None:
        while not self._stop.is_set():
            result = self._one()
            with self._lock:
                self.results[result] += 1
            self._stop.wait(0.01)

    def _one(self) -> str:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=30)
        try:
            connection.request("POST", "/intake/v2/events", BODY, {"Content-Type": "application/x-ndjson"})
            return str(connection.getresponse().status)
        except (OSError, http.client.HTTPException) as problem:
            return f"{type(problem).__name__}: {problem}"
        finally:
            connection.close()


@pytest.mark.timeout(240)
def test_experiment_07_connections_wait_while_it_restarts_and_none_is_refused(daemon: Daemon, ear: Ear) -> None:
    """On one host: every request of every client gets its 202, over many restarts; the credential that is
    rotated meanwhile arrives with the next one."""
    with socket.create_server(("127.0.0.1", 0), backlog=4096) as kept:
        daemon.port = kept.getsockname()[1]
        daemon.settings["apm-server.host"] = f"127.0.0.1:{daemon.port}"
        daemon.started_by, daemon.passed = passing(kept), [kept.fileno()]
        daemon.launch()
        ear.hear_until("READY", 30)
        with Clients(daemon.port) as clients:
            for restart in range(RESTARTS):
                send_signal(daemon.supervisor, signal.SIGTERM)
                assert daemon.wait_exit() == 0
                daemon.launch()
                ear.hear_until("READY", 30)
                wanted = sum(clients.results.values()) + CLIENTS
                wait_until(partial(clients.have, wanted), f"requests after restart {restart}", 20)
        assert set(clients.results) == {"202"}, clients.results
        daemon.stop()
        # Nobody listens now, but the socket stays: a client is let in, and waits.
        with socket.create_connection(("127.0.0.1", daemon.port), timeout=5):
            assert os.fstat(kept.fileno()) is not None


def test_a_rotated_credential_and_a_renewed_key_arrive_with_a_restart(daemon: Daemon, ear: Ear, tmp_path: Path) -> None:
    """`LoadCredential=` copies root-only files at each start; with activation the restart refuses nobody."""
    folder = tmp_path / "credentials"
    folder.mkdir()
    daemon.environment["CREDENTIALS_DIRECTORY"] = str(folder)
    daemon.settings["apm-server.auth.secret_token"] = "${AGENT_TOKEN}"
    with socket.create_server(("127.0.0.1", 0), backlog=4096) as kept:
        daemon.port = kept.getsockname()[1]
        daemon.settings["apm-server.host"] = f"127.0.0.1:{daemon.port}"
        daemon.started_by, daemon.passed = passing(kept), [kept.fileno()]
        for token in ("first", "second"):
            (folder / "AGENT_TOKEN").write_text(f"{token}-0123456789abcdef\n")
            daemon.launch()
            ear.hear_until("READY", 30)
            for sent in ("first", "second"):
                headers = {
                    "Authorization": f"Bearer {sent}-0123456789abcdef",
                    "Content-Type": "application/x-ndjson",
                }
                answer = daemon.request("POST", "/intake/v2/events", BODY, headers)
                assert answer.status == (202 if sent == token else 401)
            daemon.stop()
    assert "0123456789abcdef" not in daemon.output()
