"""What was acknowledged arrives exactly once, whichever process is killed under load (docs/guarantees.md)."""

from __future__ import annotations

import json
import secrets
import signal
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from e2e.clusters import RealElasticsearch
from e2e.conftest import MakeDaemon
from e2e.daemons import Daemon
from e2e.oracle import Oracle, assert_exactly_once, body
from e2e.processes import port_is_free, send_signal, wait_until

DRAIN_S = 40.0


def wait_drained(fake: Any, oracle: Oracle, daemon: Daemon) -> Counter[str]:
    """The stored events, once all acknowledged ones are among them."""

    def drained() -> bool:
        return oracle.acknowledged <= oracle.stored(fake.documents()).keys()

    wait_until(drained, "all acknowledged events are in Elasticsearch", DRAIN_S, daemon.output)
    return oracle.stored(fake.documents())


def kill_workers(daemon: Daemon, oracle: Oracle, kills: int) -> None:
    """Kills a worker again and again while events flow."""
    for _ in range(kills):
        oracle.wait_acknowledged(400)
        daemon.kill_child("worker")
    oracle.wait_acknowledged(400)


@pytest.mark.parametrize("workers", [1, 2])
def test_experiment_01_a_killed_worker_is_not_noticed(
    daemon: MakeDaemon, fake_elasticsearch: Any, workers: int
) -> None:
    running = daemon({"output.elasticsearch.hosts": [fake_elasticsearch.url], "tidegate.workers": workers}).start()
    with Oracle(running.port) as oracle:
        kill_workers(running, oracle, 5)
    assert oracle.troubles == [], running.output()
    stored = wait_drained(fake_elasticsearch, oracle, running)
    assert_exactly_once(oracle, stored)
    assert stored.keys() == oracle.acknowledged, "every request was acknowledged, so all that was sent is stored"
    running.stop()


@pytest.mark.elasticsearch
def test_experiment_01_a_killed_worker_is_not_noticed_by_a_real_cluster(
    daemon: MakeDaemon, elasticsearch: RealElasticsearch
) -> None:
    namespace = f"kill{secrets.token_hex(4)}"
    running = daemon({**elasticsearch.output(), "apm-server.data_streams.namespace": namespace}).start()
    with Oracle(running.port) as oracle:
        kill_workers(running, oracle, 4)
    assert oracle.troubles == [], running.output()
    running.stop()
    running.start()  # what SIGTERM left in the spool, if anything, goes out now
    stream = f"traces-apm-{namespace}"

    def drained() -> bool:
        return oracle.acknowledged <= oracle.stored(elasticsearch.search(stream, {"match_all": {}})).keys()

    wait_until(drained, "all acknowledged events are in the real Elasticsearch", DRAIN_S, running.output)
    stored = oracle.stored(elasticsearch.search(stream, {"match_all": {}}))
    assert_exactly_once(oracle, stored)
    assert stored.keys() == oracle.acknowledged
    running.stop()


@pytest.mark.parametrize("store", ["healthy", "away"])
def test_experiment_02_everything_is_killed_and_started_again(
    daemon: MakeDaemon, fake_elasticsearch: Any, store: str
) -> None:
    if store == "away":
        fake_elasticsearch.configure(mode="status", status=503, scope="bulk")
    running = daemon({"output.elasticsearch.hosts": [fake_elasticsearch.url], "tidegate.workers": 2}).start()
    for _ in range(2):
        with Oracle(running.port) as oracle:
            oracle.wait_acknowledged(1_500)
            running.kill_everything()
        fake_elasticsearch.configure(mode="healthy")
        running.start()
        assert_exactly_once(oracle, wait_drained(fake_elasticsearch, oracle, running))
    running.stop()
    assert_exactly_once(oracle, oracle.stored(fake_elasticsearch.documents()))


def test_fewer_workers_send_what_more_of_them_left(daemon: MakeDaemon, fake_elasticsearch: Any) -> None:
    fake_elasticsearch.configure(mode="status", status=503, scope="bulk")
    running = daemon({"output.elasticsearch.hosts": [fake_elasticsearch.url], "tidegate.workers": 3}).start()
    with Oracle(running.port) as oracle:
        oracle.wait_acknowledged(3_000)
        running.kill_everything()
    assert len(list((running.data / "spool").glob("*/*.segment"))) >= 3
    running.settings["tidegate.workers"] = 1
    fake_elasticsearch.configure(mode="healthy")
    running.start()
    assert_exactly_once(oracle, wait_drained(fake_elasticsearch, oracle, running))
    assert [path.name for path in (running.data / "spool").iterdir()] == ["0"]
    running.stop()


DEADLY = """
import os, signal, sys

if "tidegate.workers.main" in sys.orig_argv:
    from tidegate.workers.pipeline import Pipeline

    process = Pipeline.process

    def deadly(self, batch):
        if b"deadly" in batch.lines:
            os.kill(os.getpid(), signal.SIGKILL)
        return process(self, batch)

    Pipeline.process = deadly
"""
"""Stands for the input that nobody thought of: it ends the worker that decodes it."""


@pytest.mark.parametrize("workers", [1, 2])
def test_experiment_08_only_the_line_that_kills_a_worker_is_lost(
    daemon: MakeDaemon, fake_elasticsearch: Any, tmp_path: Path, workers: int
) -> None:
    (tmp_path / "sitecustomize.py").write_text(DEADLY)
    running = daemon({"output.elasticsearch.hosts": [fake_elasticsearch.url], "tidegate.workers": workers})
    running.environment["PYTHONPATH"] = str(tmp_path)
    running.start()
    ids = [f"{number:016x}" for number in range(20)]
    lines = list(body(ids))
    lines[13] = lines[13].replace(b'"type": "request"', b'"type": "deadly"')
    with Oracle(running.port, clients=2) as oracle:
        oracle.wait_acknowledged(300)
        answer = running.request("POST", "/intake/v2/events", b"".join(lines), timeout=25)
        oracle.wait_acknowledged(300)
    assert oracle.troubles == [], running.output()
    assert answer.status == 400, answer
    assert answer.json()["accepted"] == len(ids) - 1
    (error,) = answer.json()["errors"]
    assert "ended the process" in error["message"]
    assert json.loads(error["document"])["transaction"]["id"] == ids[12]
    assert_exactly_once(oracle, wait_drained(fake_elasticsearch, oracle, running))

    def stored() -> Counter[str]:
        return Counter(one["_source"]["transaction"]["id"] for one in fake_elasticsearch.documents())

    wait_until(lambda: {*ids[:12], *ids[13:]} <= stored().keys(), "the other lines are stored", 10, running.output)
    assert {stored()[one] for one in ids} == {0, 1}
    assert stored()[ids[12]] == 0
    running.stop()


def test_experiment_13_answers_of_elasticsearch_lost_and_workers_killed(
    daemon: MakeDaemon, fake_elasticsearch: Any
) -> None:
    """The hardest case for "nothing twice": stored, but neither the worker nor its successor was told."""
    running = daemon({"output.elasticsearch.hosts": [fake_elasticsearch.url]}).start()
    with Oracle(running.port) as oracle:
        for _ in range(3):
            fake_elasticsearch.configure(mode="lose_answer", times=3)
            oracle.wait_acknowledged(300)
            running.kill_child("worker")
            oracle.wait_acknowledged(300)
    fake_elasticsearch.configure(mode="healthy")
    assert oracle.troubles == [], running.output()
    assert_exactly_once(oracle, wait_drained(fake_elasticsearch, oracle, running))
    running.stop()


def test_experiment_06_a_stop_under_load_loses_nothing(daemon: MakeDaemon, fake_elasticsearch: Any) -> None:
    running = daemon({"output.elasticsearch.hosts": [fake_elasticsearch.url]}).start()
    with Oracle(running.port) as oracle:
        oracle.wait_acknowledged(2_000)
        running.stop()
    running.start()
    assert_exactly_once(oracle, wait_drained(fake_elasticsearch, oracle, running))
    running.stop()


def test_a_stop_is_bounded_when_elasticsearch_hangs(daemon: MakeDaemon, fake_elasticsearch: Any) -> None:
    running = daemon({"output.elasticsearch.hosts": [fake_elasticsearch.url], "apm-server.shutdown_timeout": "3s"})
    running.start()
    fake_elasticsearch.configure(mode="hang")
    with Oracle(running.port) as oracle:
        oracle.wait_acknowledged(1_000)
    began = time.monotonic()
    running.stop()
    assert time.monotonic() - began < 10
    fake_elasticsearch.configure(mode="healthy")
    running.start()
    assert_exactly_once(oracle, wait_drained(fake_elasticsearch, oracle, running))
    running.stop()


def test_children_end_when_their_supervisor_is_killed(daemon: MakeDaemon, fake_elasticsearch: Any) -> None:
    running = daemon({"output.elasticsearch.hosts": [fake_elasticsearch.url]}).start()
    with Oracle(running.port) as oracle:
        oracle.wait_acknowledged(500)
        send_signal(running.supervisor, signal.SIGKILL)
        assert running.wait_exit() == -signal.SIGKILL
        wait_until(lambda: not running.processes(), "the children end", 10, running.output)
    assert port_is_free(running.port)
    assert running.sockets() == []
    running.start()
    assert_exactly_once(oracle, wait_drained(fake_elasticsearch, oracle, running))
    running.stop()


def test_a_runtime_folder_given_by_systemd_is_kept_clean(daemon: MakeDaemon, fake_elasticsearch: Any) -> None:
    """It is used in place of a temporary one, and sockets of a killed run are gone after the next."""
    running = daemon({"output.elasticsearch.hosts": [fake_elasticsearch.url]})
    given = running.runtime / "given"
    given.mkdir(mode=0o700)
    running.environment["RUNTIME_DIRECTORY"] = str(given)
    running.start()
    assert running.sockets() and all(path.startswith(str(given)) for path in running.sockets())
    running.kill_everything()
    assert len(running.sockets()) == 1, "what the killed run left"
    running.start()
    assert len(running.sockets()) == 1, "its own, and no other"
    send_signal(running.supervisor, signal.SIGTERM)
    assert running.wait_exit() == 0
    assert running.sockets() == []
    assert given.is_dir(), "systemd made it, systemd removes it"


@pytest.mark.parametrize("folder", ["temporary", "given"])
def test_a_successor_at_once_is_not_troubled_by_orphans(
    daemon: MakeDaemon, fake_elasticsearch: Any, folder: str
) -> None:
    """The killed supervisor's children are still draining when the next supervisor starts beside them."""
    running = daemon({"output.elasticsearch.hosts": [fake_elasticsearch.url]})
    if folder == "given":
        given = running.runtime / "given"
        given.mkdir(mode=0o700)
        running.environment["RUNTIME_DIRECTORY"] = str(given)
    running.start()
    with Oracle(running.port) as first:
        first.wait_acknowledged(500)
        send_signal(running.supervisor, signal.SIGKILL)
        running.wait_exit()
        running.launch()
    wait_until(lambda: answers(running), "the successor answers", 20, running.output)
    with Oracle(running.port) as second:
        second.wait_acknowledged(1_500)
    assert second.troubles == [], running.output()
    for oracle in (first, second):
        assert_exactly_once(oracle, wait_drained(fake_elasticsearch, oracle, running))
    send_signal(running.supervisor, signal.SIGTERM)
    assert running.wait_exit() == 0
    assert running.processes() == []


def answers(daemon: Daemon) -> bool:
    """Whether the daemon that was just launched takes events; its port may still be its predecessor's for a moment."""
    if daemon.exit_code() is not None:
        daemon.launch()
    try:
        return bool(daemon.children("acceptor")) and daemon.request("GET", "/").status == 200
    except OSError:
        return False


def test_experiment_03_a_killed_acceptor_cuts_its_requests_and_nothing_else(
    daemon: MakeDaemon, fake_elasticsearch: Any
) -> None:
    running = daemon({"output.elasticsearch.hosts": [fake_elasticsearch.url]}).start()
    with Oracle(running.port) as oracle:
        oracle.wait_acknowledged(500)
        running.kill_child("acceptor")
        oracle.wait_acknowledged(500)
    assert oracle.troubles, "requests in flight were cut, and their clients know"
    assert_exactly_once(oracle, wait_drained(fake_elasticsearch, oracle, running))
    running.stop()


@pytest.mark.parametrize("delay", [0.05, 0.15, 0.3, 0.5, 0.8])
def test_a_signal_in_the_middle_of_a_start_leaves_nothing(
    daemon: MakeDaemon, fake_elasticsearch: Any, delay: float
) -> None:
    running = daemon({"output.elasticsearch.hosts": [fake_elasticsearch.url]})
    running.launch()
    time.sleep(delay)
    send_signal(running.supervisor, signal.SIGTERM)
    running.wait_exit()
    wait_until(lambda: not running.processes(), "nothing is left", 5, running.output)
    assert running.sockets() == []
