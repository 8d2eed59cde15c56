"""Two nodes behind a load balancer, as docs/scaling.md has them."""

from __future__ import annotations

import json
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest
from e2e.conftest import MakeDaemon
from e2e.daemons import COMMAND, Daemon
from e2e.nodes import PORT, Balancer, places
from e2e.processes import wait_until
from e2e.versions import Installation

LOAD = COMMAND.with_name("tidegate-load")


@pytest.fixture
def nodes(daemon: MakeDaemon) -> Iterator[dict[str, Daemon]]:
    """Two nodes with local stores, started."""
    with places(2) as found:
        made = {}
        for number, place in enumerate(found, 1):
            node = daemon({"output.local.enabled": True, "tidegate.health.path": "/healthz"})
            node.host, node.port, node.started_by = place.address, PORT, list(place.prefix)
            node.settings["apm-server.host"] = f"{place.address}:{PORT}"
            made[f"node{number}"] = node.start()
        yield made


def load_command(balancer: Balancer, result: Path, *arguments: str) -> list[str]:
    target = f"http://127.0.0.1:{balancer.port}"
    return [str(LOAD), target, "--events", "10", "--json", str(result), "--quiet", *arguments]


def stored(node: Daemon) -> int:
    with closing(sqlite3.connect(f"file:{node.data / 'store.sqlite3'}?mode=ro", uri=True)) as store:
        return int(store.execute("select count(*) from events").fetchone()[0])


def test_nodes_are_upgraded_one_after_the_other_and_no_client_sees_it(nodes: dict[str, Daemon], tmp_path: Path) -> None:
    """For a while two versions serve side by side; further rounds restart the new one."""
    newer = Installation(tmp_path / "newer")
    newer.install("99.0.0")
    result = tmp_path / "result.json"
    with Balancer(tmp_path, nodes) as balancer:
        for name in nodes:
            wait_until(partial(balancer.is_up, name), f"{name} is up", 15, balancer.words)
        command = load_command(balancer, result, "--rate", "200", "--duration", "20")
        load = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        restarts = 0
        while load.poll() is None and restarts < 4:
            for name, node in nodes.items():
                balancer.take_out(name)
                node.stop()
                node.command = newer.command
                node.start()
                balancer.put_back(name)
                restarts += 1
        said, _ = load.communicate(timeout=60)
    assert load.returncode == 0, said.decode()
    (group,) = json.loads(result.read_bytes())["groups"]
    assert set(group["statuses"]) == {"202"}, group
    assert restarts >= 2 and group["accepted"] == group["events"] > 1_000
    wait_until(lambda: sum(map(stored, nodes.values())) >= group["accepted"], "all is stored", 20)
    assert sum(map(stored, nodes.values())) == group["accepted"], "each event once"
    assert min(map(stored, nodes.values())) > 0, "both had their share"


def test_a_node_that_dies_leaves_the_others_to_serve(nodes: dict[str, Daemon], tmp_path: Path) -> None:
    with Balancer(tmp_path, nodes) as balancer:
        for name in nodes:
            wait_until(partial(balancer.is_up, name), f"{name} is up", 15, balancer.words)
        nodes["node1"].kill_everything()
        command = load_command(balancer, tmp_path / "result.json", "--rate", "100", "--duration", "3")
        done = subprocess.run(command, check=False, capture_output=True, timeout=60)
    assert done.returncode == 0, done.stdout
    (group,) = json.loads((tmp_path / "result.json").read_bytes())["groups"]
    assert set(group["statuses"]) == {"202"} and group["accepted"] == group["events"] > 0
