"""Experiments 19, 22 and 23 of docs/crash-safety.md: the disk is full, descriptors run out, the clock jumps."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from e2e.conftest import MakeDaemon
from e2e.oracle import METADATA, Oracle, assert_exactly_once
from e2e.processes import wait_until

ARRIVAL_S = 60.0
DISK_MIB = 48
OPEN_FILES = 256
"""Of them 64 are kept back."""
FLOOD = 320


def wait_arrived(fake: Any, oracle: Oracle, details: Any) -> None:
    def arrived() -> bool:
        return oracle.acknowledged <= oracle.stored(fake.documents()).keys()

    wait_until(arrived, "all acknowledged events arrive", ARRIVAL_S, details)
    assert_exactly_once(oracle, oracle.stored(fake.documents()))


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A filesystem of its own, with little room."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK_MIB}m,mode=0700", "tmpfs", str(place)]
    try:
        done = subprocess.run(mount, capture_output=True, text=True, check=False)
        reason = done.stderr.strip() if done.returncode else ""
    except FileNotFoundError:
        reason = "no program mount"
    if reason:  # no machine can be blamed for that, not even CI's
        pytest.skip(f"NOT RUN, absent: the right to mount a small filesystem: {reason}")
    try:
        yield place
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=False)


def test_experiment_19_a_full_disk_is_refused_and_recovers_by_itself(
    daemon: MakeDaemon, fake_elasticsearch: Any, small_disk: Path
) -> None:
    running = daemon(
        {
            "output.elasticsearch.hosts": [fake_elasticsearch.url],
            "path.data": str(small_disk / "data"),
            "tidegate.spool.segment_bytes": "1MiB",
            "tidegate.queue_timeout": "1s",
            "tidegate.workers": 1,
        }
    )
    running.data = small_disk / "data"
    running.start()
    event = {"id": "first", "trace_id": "first", "type": "x", "duration": 1, "span_count": {"started": 0}}
    lines = [METADATA, {"transaction": event}]
    wait_until(lambda: running.send_events(lines).status == 202, "its worker runs", 30, running.output)
    ballast = small_disk / "ballast"
    with Oracle(running.port, clients=3, events=400, pause=0) as oracle:
        oracle.wait_acknowledged(1_000)
        with ballast.open("wb") as file:
            file.truncate(0)
            free = os.statvfs(small_disk).f_bavail * os.statvfs(small_disk).f_frsize
            # Events are still written: what is free has become less meanwhile, and then the disk is full already.
            with suppress(OSError):
                os.posix_fallocate(file.fileno(), 0, max(1, free - 64 * 1024))
        wait_until(lambda: oracle.requests[503] > 2, "a full disk is refused", 30, oracle.summary)
        ballast.unlink()
        oracle.wait_acknowledged(1_000, 30)
    assert all("queue is full: spool" in trouble for trouble in oracle.troubles), oracle.troubles[:3]
    wait_arrived(fake_elasticsearch, oracle, running.output)
    running.stop()


def test_experiment_22_without_descriptors_clients_wait_and_nothing_spins(
    daemon: MakeDaemon, fake_elasticsearch: Any, tmp_path: Path
) -> None:
    running = daemon({"output.elasticsearch.hosts": [fake_elasticsearch.url], "tidegate.workers": 1})
    running.limit_descriptors(OPEN_FILES, tmp_path)
    running.start()
    acceptor = running.one_child("acceptor")
    flood = [socket.create_connection(("127.0.0.1", running.port), timeout=5) for _ in range(FLOOD)]
    wait_until(lambda: "ulimit -n" in running.output(), "it says that clients wait", 5, running.output)
    before = cpu_seconds(acceptor)
    time.sleep(2)
    spent = cpu_seconds(acceptor) - before
    for one in flood:
        one.close()
    assert spent < 0.4, "more than a fifth of a processor, for nothing"
    with Oracle(running.port, clients=2) as oracle:
        oracle.wait_acknowledged(600)
    assert oracle.troubles == []
    wait_arrived(fake_elasticsearch, oracle, running.output)
    assert running.children("acceptor") == [acceptor]
    running.stop()


def cpu_seconds(pid: int) -> float:
    user, system = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


JUMPING = """
import time

real, real_ns = time.time, time.time_ns


def jump():
    return (0, 86_400, -86_400)[int(time.monotonic() * 2) % 3]


time.time = lambda: real() + jump()
time.time_ns = lambda: real_ns() + jump() * 1_000_000_000
"""
"""The time of day jumps by a day, forth and back, twice a second, in every process of the daemon."""
STAMP_US = 1_767_225_600_123_456


def test_experiment_23_a_clock_that_jumps_moves_nothing(
    daemon: MakeDaemon, fake_elasticsearch: Any, tmp_path: Path
) -> None:
    (tmp_path / "sitecustomize.py").write_text(JUMPING)
    running = daemon({"output.elasticsearch.hosts": [fake_elasticsearch.url], "tidegate.workers": 2})
    running.environment["PYTHONPATH"] = str(tmp_path)
    running.start()
    event = {"id": "5tamp", "trace_id": "5tamp", "type": "x", "duration": 1, "span_count": {"started": 0}}
    kept = socket.create_connection(("127.0.0.1", running.port), timeout=10)
    with Oracle(running.port, clients=4) as oracle:
        oracle.wait_acknowledged(2_000)
        running.kill_child("worker")
        oracle.wait_acknowledged(1_000)
        sent = running.send_events([METADATA, {"transaction": {**event, "timestamp": STAMP_US}}])
    assert sent.status == 202
    assert oracle.troubles == [], running.output()
    kept.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert kept.recv(12) == b"HTTP/1.1 200", "an idle connection was not taken for an old one"
    kept.close()
    wait_arrived(fake_elasticsearch, oracle, running.output)

    def stamps() -> list[str]:
        found = [one["_source"] for one in fake_elasticsearch.documents() if "5tamp" in json.dumps(one)]
        return [one["@timestamp"] for one in found]

    wait_until(lambda: bool(stamps()), "the event with a time of its own is stored", 10, running.output)
    assert stamps() == ["2026-01-01T00:00:00.123Z"]
    running.stop()
