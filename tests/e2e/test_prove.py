"""`tidegate prove`, small: it proves what holds, and finds what does not."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from e2e.clusters import KEEPER, PASSWORD, RealElasticsearch
from e2e.daemons import COMMAND


def prove(folder: Path, *words: str, python_path: Path | None = None) -> tuple[int, dict[str, Any], str]:
    """Runs it; the exit code, its JSON, and what it told a person."""
    environment = {key: text for key, text in os.environ.items() if not key.startswith(("PYTHON", "ELASTIC_APM_"))}
    environment |= {"NOTIFY_SOCKET": "/nowhere/notify", "RUNTIME_DIRECTORY": "/nowhere"}  # as in the shell of a service
    if python_path is not None:
        environment["PYTHONPATH"] = str(python_path)
    done = subprocess.run(
        [str(COMMAND), "prove", "--json", "--folder", str(folder), *words],
        capture_output=True,
        text=True,
        timeout=110,
        env=environment,
        check=False,
    )
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout), done.stderr


@pytest.mark.parametrize(
    ("kills", "target", "faults"),
    [(6, "mixed", "lose-answers,reject,disk"), (3, "all", "hang,busy")],
)
def test_it_proves_and_leaves_nothing(tmp_path: Path, kills: int, target: str, faults: str) -> None:
    code, said, told = prove(tmp_path, f"--kill={kills}", f"--target={target}", f"--faults={faults}", "--outage=2s")
    assert (code, said["wrong"]) == (0, []), told
    events, steps = said["events"], said["steps"]
    assert events["sent"] == (
        events["acknowledged"]
        + events["refused"]
        + events["cut"]
        + events["stored_of_refused_requests"]
        + events["stored_unanswered"]
    )
    assert events["acknowledged"] == events["stored"] + sum(events["dead_letters"].values()) > 1_000
    assert sum(steps[name] for name in steps if name in ("worker", "acceptor", "supervisor", "all")) == kills
    assert ("reject" in faults) == bool(events["dead_letters"])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.elasticsearch
def test_it_proves_with_a_real_elasticsearch(tmp_path: Path, elasticsearch: RealElasticsearch) -> None:
    work = tmp_path / "work"
    work.mkdir()
    file = tmp_path / "tidegate.yml"
    file.write_text(f"output.elasticsearch: {{username: {KEEPER}, password: {PASSWORD}}}\n")
    file.chmod(0o600)
    words = (f"--elasticsearch={elasticsearch.url}", "-c", str(file), "--kill=3", "--target=all", "--faults=disk")
    code, said, told = prove(work, *words, "--outage=1s", "--seed=0badcafe")
    assert (code, said["wrong"]) == (0, []), told
    assert said["events"]["stored"] == said["events"]["acknowledged"] > 500
    assert elasticsearch.url in said["store"]
    # This distribution cannot delete a data stream, which is said.
    assert "left there: data stream traces-apm-prove0badcafe" in said["store"]


def test_an_elasticsearch_that_cannot_be_reached_is_told(tmp_path: Path) -> None:
    words = ("prove", "--elasticsearch", "http://127.0.0.1:9", "--folder", str(tmp_path))
    done = subprocess.run([str(COMMAND), *words], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert "cannot be reached" in done.stderr


def test_experiment_04_a_worker_that_hangs_is_found_out_and_replaced(tmp_path: Path) -> None:
    """It is killed before its successor starts, so it cannot wake up and write a second time."""
    code, said, told = prove(tmp_path, "--kill=0", "--faults=freeze")
    assert (code, said["wrong"]) == (0, []), told
    assert said["seconds_until_frozen_worker_replaced"] > 10


CHANGING = """
import sys

if "tidegate.workers.main" in sys.orig_argv:
    from tidegate.workers.spool.spool import Spool

    append = Spool.append

    def changing(self, lines, documents, done):
        append(self, [line.replace(b'"event 7"', b'"event 8"') for line in lines], documents, done)

    Spool.append = changing
"""
"""Stands for a defect: one event is stored otherwise than it was sent."""


def test_it_finds_an_event_that_was_changed(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(CHANGING)
    work = tmp_path / "work"
    work.mkdir()
    code, said, told = prove(work, "--kill=1", "--target=acceptor", "--faults=none", python_path=tmp_path)
    assert code == 1
    assert said["wrong"] == ["1 events stored otherwise than sent, such as 7"]
    assert "are kept in" in told
    assert len(list(work.iterdir())) == 1
