"""What a child is started with, and what it may say."""

from __future__ import annotations

import pytest
from tidegate.daemon.child_process import environment, may_say
from tidegate.daemon.control.messages import (
    AnyMessage,
    Heartbeat,
    Logged,
    Started,
    StoreReady,
    Trouble,
    Trying,
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
    ("message", "acceptor"),
    [
        (Heartbeat(), True),
        (Logged(0.0, "error", "text"), True),
        (Started(), False),
        (Started("ipc:///run/tidegate/a1-00ff.sock"), True),
        (Started("ipc:///run/tidegate/../a1-00ff.sock"), False),
        (Started("ipc:///run/other/a1-00ff.sock"), False),
        (Started("ipc:///run/tidegate/data"), False),
        (Started("tcp://203.0.113.1:80"), False),
        (Started("/run/tidegate/a1-00ff.sock"), False),
        (StoreReady(), False),
        (Trying("batch"), False),
        (Trouble("the store is away"), False),
    ],
)
def test_check_41_what_a_child_may_say_to_its_supervisor(message: AnyMessage, acceptor: bool) -> None:
    assert may_say("acceptor", message, "/run/tidegate") is acceptor
    assert may_say("worker", message, "/run/tidegate")
