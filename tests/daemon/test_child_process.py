"""What a child is started with."""

from __future__ import annotations

from tidegate.daemon.child_process import environment

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
