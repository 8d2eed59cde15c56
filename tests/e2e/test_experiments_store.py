"""Experiments 10 to 18 of docs/crash-safety.md: the store misbehaves, and each event ends where it should."""

from __future__ import annotations

import json
import os
import secrets
import ssl
from pathlib import Path
from types import ModuleType
from typing import Any

from e2e.conftest import MakeDaemon
from e2e.daemons import Daemon
from e2e.oracle import METADATA, Oracle, assert_exactly_once
from e2e.processes import wait_until
from tls_authority import Authority

ARRIVAL_S = 60.0
QUICK: dict[str, object] = {
    "output.elasticsearch.backoff.init": "100ms",
    "output.elasticsearch.backoff.max": "500ms",
    "tidegate.workers": 1,
}


def letters(daemon: Daemon) -> dict[str, tuple[int, str]]:
    """Status and type of each dead letter, by the event's id; each is written once."""
    found: dict[str, tuple[int, str]] = {}
    for file in (daemon.data / "dead-letters").glob("*/*.ndjson"):
        for line in file.read_text().splitlines():
            letter = json.loads(line)
            event = letter["document"]["transaction"]["id"]
            assert event not in found, "written twice"
            found[event] = (letter["status"], letter["type"])
    return found


def wait_settled(fake: Any, oracle: Oracle, daemon: Daemon) -> set[str]:
    """Waits until each acknowledged event is stored or a dead letter, exactly once; the ids of the dead letters."""
    dead: set[str] = set()

    def settled() -> bool:
        nonlocal dead
        dead = letters(daemon).keys() & oracle.acknowledged
        return oracle.acknowledged <= oracle.stored(fake.documents()).keys() | dead

    wait_until(settled, "each acknowledged event has its outcome", ARRIVAL_S, daemon.output)
    stored = oracle.stored(fake.documents())
    assert not stored.keys() & dead
    oracle.acknowledged -= dead
    assert_exactly_once(oracle, stored)
    return dead


def descriptors(pid: int) -> int:
    """0 where only root may look: the daemon's processes hide from all others."""
    if os.geteuid():
        return 0
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


def test_experiment_10_a_store_that_never_answers_costs_no_descriptor(
    daemon: MakeDaemon, fake_elasticsearch: Any
) -> None:
    settings = {
        "output.elasticsearch.hosts": [fake_elasticsearch.url],
        "tidegate.elasticsearch.response_timeout": "300ms",
    }
    running = daemon({**QUICK, **settings}).start()
    with Oracle(running.port, clients=2) as oracle:
        oracle.wait_acknowledged(300)
        worker = running.one_child("worker")
        before = descriptors(worker)
        fake_elasticsearch.configure(mode="hang", scope="bulk")
        seen = len(fake_elasticsearch.requests())
        wait_until(lambda: len(fake_elasticsearch.requests()) > seen + 8, "it is tried again and again", 40)
        during = descriptors(worker)
        fake_elasticsearch.configure(mode="healthy")
    assert wait_settled(fake_elasticsearch, oracle, running) == set()
    assert oracle.troubles == []
    assert during <= before + 5
    running.stop()


def test_experiment_11_only_items_that_were_turned_away_are_sent_again(
    daemon: MakeDaemon, fake_elasticsearch: Any
) -> None:
    running = daemon({**QUICK, "output.elasticsearch.hosts": [fake_elasticsearch.url]}).start()
    fake_elasticsearch.configure(item_429_share=0.5)
    with Oracle(running.port, clients=2) as oracle:
        oracle.wait_acknowledged(1_500)
    assert wait_settled(fake_elasticsearch, oracle, running) == set()
    counts = fake_elasticsearch.counts()
    assert counts["items_429"] > 500
    assert not counts.get("items_409")
    assert counts["items"] == counts["items_created"] + counts["items_429"]
    running.stop()


def test_experiment_12_what_is_refused_is_a_dead_letter_and_never_tried_again(
    daemon: MakeDaemon, fake_elasticsearch: Any
) -> None:
    running = daemon({**QUICK, "output.elasticsearch.hosts": [fake_elasticsearch.url]}).start()
    fake_elasticsearch.configure(item_error_share=0.01)
    with Oracle(running.port, clients=2) as oracle:
        oracle.wait_acknowledged(2_000)
    dead = wait_settled(fake_elasticsearch, oracle, running)
    counts = fake_elasticsearch.counts()
    assert len(dead) == counts["items_failed"] > 10
    assert counts["items"] == counts["items_created"] + counts["items_failed"]
    assert set(letters(running).values()) == {(400, "document_parsing_exception")}
    running.stop()


def test_experiment_14_bodies_that_are_too_large_are_halved_until_they_fit(
    daemon: MakeDaemon, fake_elasticsearch: Any
) -> None:
    running = daemon({**QUICK, "output.elasticsearch.hosts": [fake_elasticsearch.url]}).start()
    fake_elasticsearch.configure(max_content_length=20_000)
    too_big = "0123456789abcdef"
    custom = {"padding": secrets.token_hex(40_000)}
    event = {"id": too_big, "trace_id": too_big, "type": "x", "duration": 1, "span_count": {"started": 0}}
    with Oracle(running.port, clients=2) as oracle:
        oracle.wait_acknowledged(600)
        sent = running.send_events([METADATA, {"transaction": {**event, "context": {"custom": custom}}}])
        oracle.wait_acknowledged(300)
    assert sent.status == 202
    assert wait_settled(fake_elasticsearch, oracle, running) == set()
    wait_until(lambda: too_big in letters(running), "the event that is too large is a dead letter", 20, running.output)
    assert letters(running) == {too_big: (413, "content_too_long")}
    running.stop()


def test_experiment_15_a_slow_store_is_no_matter_for_clients(daemon: MakeDaemon, fake_elasticsearch: Any) -> None:
    running = daemon({**QUICK, "output.elasticsearch.hosts": [fake_elasticsearch.url]}).start()
    fake_elasticsearch.configure(delay_s=2.0)
    with Oracle(running.port, clients=2) as oracle:
        oracle.wait_acknowledged(2_000)
    fake_elasticsearch.configure(delay_s=0.0)
    assert oracle.troubles == []
    assert wait_settled(fake_elasticsearch, oracle, running) == set()
    running.stop()


def test_experiment_18_a_new_certificate_of_the_store_needs_no_restart(
    daemon: MakeDaemon, stand_in: ModuleType, tmp_path: Path
) -> None:
    authority = Authority(tmp_path / "tls")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority.certificate, authority.key)
    with stand_in.FakeElasticsearch(tls=context) as fake:
        settings = {
            "output.elasticsearch.hosts": [fake.url],
            "output.elasticsearch.ssl.certificate_authorities": [str(authority.authorities)],
        }
        running = daemon({**QUICK, **settings}).start()
        with Oracle(running.port, clients=2) as oracle:
            oracle.wait_acknowledged(300)
            authority.renew()
            context.load_cert_chain(authority.certificate, authority.key)
            fake.configure(mode="refuse", for_s=0.5)
            oracle.wait_acknowledged(600)
        assert oracle.troubles == []
        assert wait_settled(fake, oracle, running) == set()
        running.stop()
