"""One version after another on the same data, under load and with a full spool: nothing is lost, nothing is doubled."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

import pytest
from e2e.conftest import MakeDaemon
from e2e.daemons import Daemon
from e2e.oracle import Oracle, assert_exactly_once
from e2e.processes import send_signal, wait_until
from e2e.versions import Installation
from tidegate.daemon.admin.client import CannotAsk, ask_json

AWAY: dict[str, object] = {"mode": "status", "status": 503, "scope": "all"}


def settings(fake: Any) -> dict[str, object]:
    return {
        "output.elasticsearch.hosts": [fake.url],
        "output.elasticsearch.backoff.init": "100ms",
        "output.elasticsearch.backoff.max": "500ms",
        "tidegate.workers": 2,
    }


def version_of(running: Daemon) -> str:
    try:
        return str(ask_json(running.data, "GET", "/instance", 5)["version"])
    except CannotAsk:
        return ""


def wait_arrived(oracle: Oracle, fake: Any, running: Daemon) -> None:
    wait_until(
        lambda: oracle.acknowledged <= oracle.stored(fake.documents()).keys(),
        "all acknowledged events arrive",
        40,
        running.output,
    )


def segments(running: Daemon) -> dict[str, int]:
    return {str(path.relative_to(running.data)): path.stat().st_size for path in running.data.glob("spool/*/*.segment")}


@pytest.fixture
def installation(tmp_path: Path) -> Installation:
    return Installation(tmp_path / "venv")


def test_upgrade_and_downgrade_under_load_with_events_in_the_spool(
    daemon: MakeDaemon, fake_elasticsearch: Any, installation: Installation
) -> None:
    """The old version, a newer one with fewer workers, the old one again, each stopped and started under load while
    Elasticsearch is away; what all three have acknowledged arrives once."""
    fake_elasticsearch.configure(**AWAY)
    running = daemon(settings(fake_elasticsearch))
    running.command = installation.command
    with Oracle(running.port, events=40, pause=0.1) as oracle:
        for version, workers in (("0.1.0", 2), ("0.2.0", 1), ("0.1.0", 2)):
            installation.install(version)
            running.settings["tidegate.workers"] = workers
            running.start()
            assert version_of(running) == version
            oracle.wait_acknowledged(300)
            running.stop()
            assert segments(running), "events wait in the spool"
        fake_elasticsearch.configure(mode="healthy")
        running.start()
        oracle.wait_acknowledged(100)
    wait_arrived(oracle, fake_elasticsearch, running)
    running.stop()
    assert_exactly_once(oracle, oracle.stored(fake_elasticsearch.documents()))
    assert set(oracle.requests) <= {202, 503}, oracle.troubles


def test_a_spool_of_a_newer_format_is_refused_and_left_for_the_version_that_can_read_it(
    daemon: MakeDaemon, fake_elasticsearch: Any, installation: Installation
) -> None:
    fake_elasticsearch.configure(**AWAY)
    running = daemon(settings(fake_elasticsearch))
    running.command = installation.command
    installation.install("7.7.7", spool_format=2)
    running.start()
    with Oracle(running.port, events=40, pause=0.1) as oracle:
        oracle.wait_acknowledged(200)
    running.stop()
    before = segments(running)
    installation.install("0.1.0")
    running.settings["tidegate.workers"] = 1  # the folder of the second worker belongs to nobody then
    running.launch()
    assert running.wait_exit() == 78
    assert "newer Tidegate (format 2, this Tidegate reads up to 1)" in running.output()
    assert "the version that served last on this path.data is 7.7.7" in running.output()
    assert segments(running) == before
    installation.install("7.7.7", spool_format=2)
    fake_elasticsearch.configure(mode="healthy")
    running.start()
    wait_arrived(oracle, fake_elasticsearch, running)
    wait_until(lambda: not segments(running) or running.exit_code() is not None, "the spool is drained", 20)
    running.stop()
    assert_exactly_once(oracle, oracle.stored(fake_elasticsearch.documents()))


def test_an_upgrade_while_it_runs_renews_the_whole_and_refuses_no_connection(
    daemon: MakeDaemon, fake_elasticsearch: Any, installation: Installation
) -> None:
    """Versions are never mixed: the first child of the new one makes the whole start anew, in the same process."""
    installation.install("0.1.0")
    running = daemon(settings(fake_elasticsearch))
    running.command = installation.command
    running.start()
    supervisor = running.supervisor
    with Oracle(running.port, events=40, pause=0.1, streaming=False) as oracle:
        oracle.wait_acknowledged(200)
        installation.install("0.2.0")
        send_signal(running.one_child("worker"), signal.SIGKILL)
        wait_until(lambda: version_of(running) == "0.2.0", "the new version runs", 30, running.output)
        running.wait_ready()
        oracle.wait_acknowledged(200)
    assert running.supervisor == supervisor
    assert running.exit_code() is None
    # A request on a kept connection that is being closed is lost to its client, as with any server; agents send it again.
    assert not [one for one in oracle.troubles if "Refused" in one], oracle.troubles
    assert set(oracle.requests) == {202}
    wait_arrived(oracle, fake_elasticsearch, running)
    assert "upgraded while it ran" in running.output()
    running.stop()
    assert_exactly_once(oracle, oracle.stored(fake_elasticsearch.documents()))
