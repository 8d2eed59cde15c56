"""What a child is started with, and what it may say."""

from __future__ import annotations

import pytest
from tidegate.daemon.child_process import environment, may_say
from tidegate.daemon.control.messages import (
    AnyMessage,
    Drain,
    Heartbeat,
    Logged,
    Started,
    StoreReady,
    Trouble,
    Trying,
    WorkerGone,
)

OURS = {
    "PATH": "/usr/bin",
    "TZ": "UTC",
    "PYTHONUNBUFFERED": "1",
    "JOURNAL_STREAM": "8:1",
    "ELASTICSEARCH_PASSWORD": "geheim",
    "CREDENTIALS_DIRECTORY": "/run/credentials/tidegate",
    "MALLOC_TRIM_THRESHOLD_": "1",
}


def test_an_acceptor_sees_no_variable_that_could_hold_a_secret() -> None:
    seen = environment("acceptor", OURS)
    assert "geheim" not in seen.values()
    assert "CREDENTIALS_DIRECTORY" not in seen
    assert {"PATH", "TZ", "PYTHONUNBUFFERED", "JOURNAL_STREAM"} < set(seen)


def test_a_worker_sees_all_and_ours_wins_over_the_defaults() -> None:
    seen = environment("worker", OURS)
    assert OURS.items() <= seen.items()
    assert "MALLOC_MMAP_THRESHOLD_" in seen


@pytest.mark.parametrize(
    ("message", "acceptor", "worker"),
    [
        (Heartbeat(), True, True),
        (Logged(0.0, "error", "text"), True, True),
        (Started(), False, True),
        (Started("ipc:///run/tidegate/a1-00ff.sock"), True, True),
        (Started("ipc:///run/tidegate/../a1-00ff.sock"), False, True),
        (Started("ipc:///run/other/a1-00ff.sock"), False, True),
        (Started("ipc:///run/tidegate/data"), False, True),
        (Started("tcp://203.0.113.1:80"), False, True),
        (Started("/run/tidegate/a1-00ff.sock"), False, True),
        (StoreReady(), False, True),
        (Trying("batch"), False, True),
        (Trouble("the store is away"), False, True),
        (WorkerGone(1, 1), False, False),
        (Drain(1.0), False, False),
    ],
)
def test_check_41_what_a_child_may_say_to_its_supervisor(message: AnyMessage, acceptor: bool, worker: bool) -> None:
    assert may_say("acceptor", message, "/run/tidegate") is acceptor
    assert may_say("worker", message, "/run/tidegate") is worker
