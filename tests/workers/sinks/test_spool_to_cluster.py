"""From the spool to Elasticsearch, threads and all: everything arrives once, whatever the stand-in does."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from stand_in import DEAD, INDEXED, PART, bulk_requests, ids, lines_of
from tidegate.daemon.settings.parts import DeadLetterPart, SpoolPart
from tidegate.daemon.telemetry.metrics import CELLS, Role
from tidegate.daemon.telemetry.slots import Tally
from tidegate.workers.account import Account
from tidegate.workers.sinks.cluster import ClusterSink
from tidegate.workers.sinks.dead_letters import DeadLetters
from tidegate.workers.sinks.dispatch import Dispatcher
from tidegate.workers.sinks.schedule import Limits
from tidegate.workers.spool.spool import Spool

pytestmark = pytest.mark.shared


class Whole:
    """Spool, dispatcher, sink and dead letters as in a worker."""

    def __init__(self, url: str, folder: Path, **changes: Any) -> None:
        part = replace(PART, hosts=[url], **changes)
        self.folder = folder
        self.spool = Spool(SpoolPart(str(folder / "spool"), 64 << 20, 8 << 20, 1 << 20), 1, lambda call: call())
        self.letters = DeadLetters(DeadLetterPart(str(folder / "dead"), 1 << 20, 1e9), lambda: 0.0)
        self.ready = threading.Event()
        self.dispatcher = Dispatcher(
            self.spool,
            ClusterSink(part, "1.2.3"),
            self.letters,
            Limits.of(part),
            Account(Tally(len(CELLS[Role.WORKER]))),
            wait_ready_interval=part.wait_ready_interval,
            on_ready=self.ready.set,
        )
        self.spool.notify = self.dispatcher.wake
        self.recovered = self.spool.start()
        self.dispatcher.start()

    def store(self, names: str) -> None:
        for name in names:
            stored = threading.Event()
            self.spool.append(lines_of(name), 1, lambda refusal, stored=stored: stored.set())  # type: ignore[misc]  # mypy has no type for the default
            assert stored.wait(10)

    def stop(self, timeout: float = 10.0) -> bool:
        drained = self.dispatcher.drain(timeout)
        self.spool.close()
        self.letters.close()
        return drained


NAMES = "abcdefghijklmnopqrstuvwxyz"


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"mode": "status", "status": 503, "times": 2},
        {"mode": "status", "status": 403, "times": 2},
        {"mode": "drop", "times": 2},
        {"mode": "lose_answer", "times": 2},
        {"mode": "hang", "for_s": 0.6},
        {"mode": "refuse", "for_s": 0.3},
        {"item_429_share": 0.5},
        {"max_content_length": 250},
    ],
    ids=str,
)
def test_everything_arrives_once(es: Any, tmp_path: Path, settings: dict[str, Any]) -> None:
    whole = Whole(es.url, tmp_path, response_timeout=0.3)
    assert whole.ready.wait(10)
    es.configure(**settings)
    whole.store(NAMES)
    es.wait_for_documents(len(NAMES))
    assert ids(es) == NAMES
    while whole.spool.stats().documents:
        threading.Event().wait(0.01)
    counts = +whole.dispatcher.counts()
    assert counts.total() == len(NAMES)
    assert counts[DEAD] == 0
    assert whole.stop()
    assert whole.spool.stats().blocks == 0


def test_refused_documents_become_dead_letters(es: Any, tmp_path: Path) -> None:
    es.configure(item_error_share=0.25)
    whole = Whole(es.url, tmp_path)
    whole.store(NAMES)
    while whole.spool.stats().documents:
        threading.Event().wait(0.01)
    assert whole.stop()
    counts = whole.dispatcher.counts()
    dead = [line for path in (tmp_path / "dead").iterdir() for line in path.read_bytes().splitlines()]
    assert counts[DEAD] == len(dead) == 26 - counts[INDEXED] == 6


def test_what_is_left_goes_out_at_the_next_start(es: Any, tmp_path: Path) -> None:
    es.configure(mode="status", status=503)
    whole = Whole(es.url, tmp_path, flush_interval=0.001)
    whole.store(NAMES)
    assert whole.stop()
    es.configure(mode="healthy")
    assert es.documents() == []
    whole = Whole(es.url, tmp_path)
    assert whole.recovered.documents == 26
    es.wait_for_documents(26)
    whole.stop()
    assert Whole(es.url, tmp_path).stop()
    assert len(es.documents()) == 26


def test_drain_is_bounded_when_nobody_answers(es: Any, tmp_path: Path) -> None:
    whole = Whole(es.url, tmp_path, response_timeout=60.0)
    assert whole.ready.wait(10)
    es.configure(mode="hang")
    whole.store("a")
    while not bulk_requests(es):
        threading.Event().wait(0.01)
    assert not whole.stop(0.1)
    again = Whole(es.url, tmp_path, response_timeout=60.0)
    assert again.recovered.documents == 1
    again.stop(0.0)


def test_cluster_that_is_away_at_the_start(es: Any, tmp_path: Path) -> None:
    es.configure(mode="refuse")
    whole = Whole(es.url, tmp_path)
    whole.store("abc")
    while not whole.dispatcher.state().degraded:
        threading.Event().wait(0.01)
    assert not whole.ready.is_set()
    es.configure(mode="healthy")
    es.wait_for_documents(3)
    assert whole.ready.is_set()
    assert whole.stop()
