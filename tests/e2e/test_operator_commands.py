"""Commands beside a running daemon: what an operator does while events come in."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from pathlib import Path
from typing import Any

from e2e.conftest import MakeDaemon
from e2e.daemons import COMMAND, Daemon
from e2e.processes import send_signal, wait_until

TIMESTAMP_US = 1_735_725_600_000_000


def tidegate(*words: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Runs a command to its end."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("TIDEGATE_", "PYTHON"))}
    return subprocess.run(
        [str(COMMAND), *words], cwd=folder, env=environment, capture_output=True, text=True, timeout=60, check=False
    )


def send(daemon: Daemon, *messages: str) -> None:
    """One error event for each message."""
    lines: list[dict[str, Any]] = [
        {"metadata": {"service": {"name": "shop", "agent": {"name": "python", "version": "1"}}}}
    ]
    lines += [
        {"error": {"id": f"{number:016x}", "timestamp": TIMESTAMP_US, "log": {"message": message}}}
        for number, message in enumerate(messages)
    ]
    assert daemon.send_events(lines).status == 202


def test_dead_letters_are_sent_again_while_events_come_in(
    daemon: MakeDaemon, fake_elasticsearch: Any, tmp_path: Path
) -> None:
    fake_elasticsearch.configure(item_error_matching="poison")
    running = daemon({"output.elasticsearch.hosts": [fake_elasticsearch.url], "tidegate.workers": 2}).start()
    data = ["--path.data", str(running.data)]
    output = ["-E", f"output.elasticsearch.hosts={fake_elasticsearch.url}"]
    for _ in range(5):
        send(running, "good", "poison", "good")

    def dead() -> list[dict[str, Any]]:
        done = tidegate("dead-letters", "show", "--json", "--limit", "0", *data, folder=tmp_path)
        assert done.returncode == 0, done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()]

    wait_until(lambda: len(dead()) == 5, "five dead letters", 10, running.output)
    listed = tidegate("dead-letters", "list", *data, folder=tmp_path)
    assert listed.stdout.splitlines()[1].split()[0] == "5"

    refused = tidegate("dead-letters", "retry", *data, *output, folder=tmp_path)
    assert refused.returncode == 1 and "5 refused again: " in refused.stdout
    fake_elasticsearch.configure(item_error_matching="venom")
    send(running, "venom")
    wait_until(lambda: len(dead()) == 6, "the worker's file goes on", 10, running.output)
    again = tidegate("dead-letters", "retry", *data, *output, folder=tmp_path)
    assert again.stdout.splitlines()[0] == "5 documents stored"
    assert [letter["document"]["error"]["log"]["message"] for letter in dead()] == ["venom"]
    fake_elasticsearch.configure(item_error_matching="")
    assert tidegate("dead-letters", "retry", *data, *output, folder=tmp_path).returncode == 0
    documents = fake_elasticsearch.wait_for_documents(16)
    assert len({one["_id"] for one in documents}) == len(documents) == 16
    assert dead() == []
    running.stop()
    assert tidegate("dead-letters", "purge", "--all", *data, folder=tmp_path).returncode == 0
    assert list((running.data / "dead-letters").rglob("*.ndjson")) == []


def test_check_and_settings_beside_a_daemon(daemon: MakeDaemon, fake_elasticsearch: Any, tmp_path: Path) -> None:
    """They take no lock, and change nothing."""
    running = daemon({"output.elasticsearch.hosts": [fake_elasticsearch.url]}).start()
    wait_until(
        lambda: running.request("GET", "/").json().get("publish_ready") is True, "it is ready", 10, running.output
    )
    before = sorted(running.data.rglob("*"))
    words = ["--path.data", str(running.data), "-E", f"output.elasticsearch.hosts={fake_elasticsearch.url}"]
    checked = tidegate("check", *words, folder=tmp_path)
    assert (checked.returncode, checked.stdout) == (0, "Config OK\n")
    assert f"data: {running.data}" in checked.stderr
    assert tidegate("settings", *words, folder=tmp_path).returncode == 0
    assert sorted(running.data.rglob("*")) == before
    running.stop()


def test_the_original_s_command_line_starts_it(daemon: MakeDaemon, tmp_path: Path) -> None:
    """As the unit of the original's package has it, but for the name of the program."""
    running = daemon({})
    words = ["--environment", "systemd", "--path.home", str(tmp_path), "--path.config", str(tmp_path)]
    words += ["--path.data", str(running.data), "--path.logs", str(tmp_path), "-e", "-c", "apm-server.yml"]
    (tmp_path / "apm-server.yml").write_text(
        f"apm-server:\n  host: 127.0.0.1:{running.port}\noutput.local.enabled: true\n"
    )
    (tmp_path / "apm-server.yml").chmod(0o600)
    with (tmp_path / "output").open("wb") as output:
        process = subprocess.Popen(
            [str(COMMAND), *words], stdout=output, stderr=output, cwd="/", start_new_session=True
        )
    try:

        def answers() -> bool:
            try:
                return running.request("GET", "/").status == 200
            except OSError:
                return False

        wait_until(answers, "it answers", 20, (tmp_path / "output").read_text)
    finally:
        send_signal(process.pid, signal.SIGTERM)
        assert process.wait(20) == 0
