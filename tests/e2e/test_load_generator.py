"""`tidegate-load` against a running Tidegate."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from e2e.conftest import MakeDaemon
from e2e.daemons import COMMAND, Daemon

LOAD = COMMAND.with_name("tidegate-load")
ENOUGH_S = 90
MOST_MEMORY = 512 << 20
"""Bytes of all processes together: the limit of experiment 21."""


def load(running: Daemon, *arguments: object) -> subprocess.CompletedProcess[str]:
    command = [LOAD, f"http://127.0.0.1:{running.port}", *arguments]
    return subprocess.run(
        [str(word) for word in command], capture_output=True, text=True, timeout=ENOUGH_S, check=False
    )


@pytest.mark.parametrize(
    ("profile", "arguments"),
    [
        ("backend", ["--rate", "400"]),
        ("agents", ["--rate", "400"]),
        ("rum", ["--rate", "100"]),
        ("rum3", ["--rate", "100"]),
        ("huge", ["--rate", "8"]),
    ],
)
def test_everything_that_a_profile_sends_is_accepted(
    daemon: MakeDaemon, tmp_path: Path, profile: str, arguments: list[str]
) -> None:
    running = daemon({"output.local.enabled": True, "apm-server.rum.enabled": True}).start()
    result, report = tmp_path / "result.json", tmp_path / "report.html"
    done = load(running, "--profile", profile, "--duration", 3, "--json", result, "--html", report, *arguments)
    assert done.returncode == 0, done.stdout + done.stderr
    found: dict[str, Any] = json.loads(result.read_bytes())
    (group,) = found["groups"]
    assert group["accepted"] == group["events"] > 0 and set(group["statuses"]) == {"202"}
    assert {process["name"] for process in found["processes"]} == {"supervisor", "acceptor", "worker"}
    assert "<svg" in report.read_text()
    running.stop()


def test_experiment_21_good_clients_get_through_a_siege(daemon: MakeDaemon, tmp_path: Path) -> None:
    """Of the hostile ones none takes anything down, none of the good ones is refused, and memory stays within the
    limit of the experiment; longer forms are in docs/load-testing.md and docs/crash-safety.md."""
    running = daemon({"output.local.enabled": True}).start()
    before = sorted(process.pid for process in running.processes())
    result = tmp_path / "result.json"
    done = load(running, "--profile", "siege", "--rate", 200, "--duration", 12, "--connections", 40, "--json", result)
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(result.read_bytes())
    good, _, hostile = found["groups"]
    assert set(good["statuses"]) == {"202"} and good["accepted"] == good["events"] > 0
    assert hostile["requests"] > 20
    assert sum(process["most_resident"] for process in found["processes"]) < MOST_MEMORY
    assert sorted(process.pid for process in running.processes()) == before, "nothing died"
    running.stop()
