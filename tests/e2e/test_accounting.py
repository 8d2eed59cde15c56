"""The account holds to the event, whatever is killed: docs/metrics.md, "The account"."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from typing import Any

import msgspec
from e2e.conftest import MakeDaemon
from e2e.daemons import Daemon
from e2e.oracle import METADATA, Oracle
from e2e.processes import wait_until
from tidegate.daemon.admin.client import ask, ask_json
from tidegate.daemon.admin.overview import Overview
from tidegate.daemon.telemetry.balance import Balance, is_even

QUIET_S = 40.0
TRANSACTION = {"id": "1" * 16, "trace_id": "1" * 32, "type": "t", "duration": 1, "span_count": {"started": 0}}


def status_of(daemon: Daemon) -> Overview:
    return msgspec.convert(ask_json(daemon.data, "GET", "/status", 10), Overview)


def quiet_account(daemon: Daemon, done: Callable[[Balance], bool] = lambda balance: not balance.spooled) -> Overview:
    """The status once nothing is under way any more."""

    def quiet() -> bool:
        view = status_of(daemon)
        balance = view.since_first_start
        return done(balance) and not (balance.under_way or view.intake.unanswered_batches)

    wait_until(quiet, "nothing is under way", QUIET_S, lambda: str(status_of(daemon)) + daemon.output())
    return status_of(daemon)


def documents_of(balance: Balance) -> int:
    """Events with an answer that came to disk."""
    return balance.received - sum(balance.rejected.values()) - sum(balance.dropped.values())


def dead_letters(daemon: Daemon) -> int:
    return sum(path.read_bytes().count(b"\n") for path in (daemon.data / "dead-letters").rglob("*.ndjson"))


def test_what_clients_were_told_is_what_is_counted_though_workers_die(
    daemon: MakeDaemon, fake_elasticsearch: Any
) -> None:
    running = daemon({"output.elasticsearch.hosts": [fake_elasticsearch.url], "tidegate.workers": 2}).start()
    with Oracle(running.port) as oracle:
        for _ in range(3):
            oracle.wait_acknowledged(400)
            running.kill_child("worker")
        oracle.wait_acknowledged(400)
    assert oracle.troubles == [], running.output()
    bad: list[dict[str, Any]] = [
        {"transaction": {"id": 5}},
        {"other": {}},
        {"transaction": {**TRANSACTION, "name": "x" * 400_000}},
    ]
    unsampled: list[dict[str, Any]] = [{"transaction": {**TRANSACTION, "sampled": False}}] * 4
    answer = running.send_events([METADATA, *unsampled, *bad])
    assert answer.json()["accepted"] == 4, answer
    quiet_account(running)  # what is sent again must not be refused, too
    fake_elasticsearch.configure(item_error_share=1.0)
    assert running.send_events([METADATA, *[{"transaction": TRANSACTION}] * 3]).status == 202
    view = quiet_account(running, lambda balance: balance.dead_letters == 3)
    balance = view.since_first_start
    assert is_even(balance)
    assert documents_of(balance) == len(oracle.acknowledged) + 3
    assert {name: number for name, number in balance.rejected.items() if number} == {"invalid": 2, "too_large": 1}
    assert balance.dropped == {"unsampled": 4, "empty_breakdown": 0}
    assert balance.dead_letters == dead_letters(running) == 3
    assert balance.lost == 0
    stored = balance.stored["indexed"] + balance.stored["duplicate"]
    assert stored - balance.recovered - balance.unresolved == len(oracle.acknowledged)
    assert sum(process.restarts for process in view.processes) == 3
    assert view.since_start == balance
    text = ask(running.data, "GET", "/metrics", 10).body.decode()
    assert f"\ntidegate_events_received_total {balance.received}\n" in text
    assert '\ntidegate_restarts_total{role="worker"} 3\n' in text
    running.stop()


def test_the_account_goes_on_when_all_is_killed(daemon: MakeDaemon, fake_elasticsearch: Any) -> None:
    running = daemon({"output.elasticsearch.hosts": [fake_elasticsearch.url], "tidegate.workers": 2}).start()
    acknowledged: set[str] = set()
    sent: set[str] = set()
    for store in ("healthy", "away"):
        if store == "away":
            fake_elasticsearch.configure(mode="status", status=503, scope="bulk")
        with Oracle(running.port) as oracle:
            oracle.wait_acknowledged(600)
            running.kill_child("acceptor")
            oracle.wait_acknowledged(600)
            running.kill_everything()
        acknowledged |= oracle.acknowledged
        sent |= oracle.sent
        fake_elasticsearch.configure(mode="healthy")
        running.settings["tidegate.workers"] = 1
        running.start()
    view = quiet_account(running)
    for balance in (view.since_first_start, view.since_start):
        assert is_even(balance)
        assert balance.lost == 0
        assert balance.spooled == 0
        assert balance.unresolved >= 0
    balance = view.since_first_start
    stored = {document["_source"]["transaction"]["id"] for document in fake_elasticsearch.documents()}
    assert acknowledged <= stored <= sent
    # The rest are documents of requests that were cut: stored, or written just before the counter, and never answered.
    assert len(acknowledged) <= documents_of(balance) <= len(stored)
    assert len(stored) <= documents_of(balance) + balance.unresolved + balance.recovered
    assert view.since_start.received == 0
    running.stop()


def test_status_says_what_is_wrong_and_what_is_left(daemon: MakeDaemon, fake_elasticsearch: Any) -> None:
    running = daemon({"output.elasticsearch.hosts": [fake_elasticsearch.url]}).start()
    fake_elasticsearch.configure(mode="status", status=503, scope="bulk")
    assert running.send_events([METADATA, *[{"transaction": TRANSACTION}] * 3]).status == 202
    wait_until(lambda: status_of(running).verdict == "degraded", "the trouble is seen", 10, running.output)

    def command() -> tuple[int, str]:
        done = subprocess.run(
            [str(running.command), "status", "-E", f"path.data={running.data}"],
            capture_output=True,
            text=True,
            timeout=20,
            check=False,
        )
        return done.returncode, done.stdout

    wait_until(
        lambda: "documents are not stored" in command()[1], "the first bulk request is refused", 20, running.output
    )
    code, text = command()
    assert code == 1
    assert "degraded" in text
    assert "documents are not stored: Elasticsearch answers 503" in text
    assert ask(running.data, "GET", "/readyz", 10).status == 200
    running.stop()
    code, text = command()
    assert code == 3
    assert "3 events wait in its spool" in text
