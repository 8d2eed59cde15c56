"""What `tidegate run` tells a person at a terminal."""

from __future__ import annotations

import io
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from tidegate.cli.run import _tell_serving, plan_of, welcome
from tidegate.daemon.settings.effective import Settings
from tidegate.daemon.settings.loader import load_settings

LOCAL = ("output.local.enabled", "true")
CLUSTER = ("output.elasticsearch.hosts", "https://es.example:9200")


def settings(alone: Path, *pairs: tuple[str, str]) -> Settings:
    return load_settings(None, pairs, {"HOME": str(alone)}, alone)


def test_local(alone: Path) -> None:
    data = alone / ".local/state/tidegate"
    assert welcome(settings(alone)) == [
        "  Address   http://127.0.0.1:8200",
        f"  Events    the local store {data}/store.sqlite3",
        "  Agents    ELASTIC_APM_SERVER_URL=http://127.0.0.1:8200",
        "  Try it    tidegate demo, then tidegate traces, in another terminal",
        "  Stop      Ctrl-C",
    ]
    elsewhere = welcome(settings(alone, LOCAL, ("apm-server.host", "127.0.0.1:8201")))
    assert (
        "  Try it    tidegate demo --url http://127.0.0.1:8201, then tidegate traces, in another terminal" in elsewhere
    )


def test_cluster(alone: Path) -> None:
    lines = welcome(settings(alone, CLUSTER, ("output.elasticsearch.api_key", "id:marked-secret")))
    assert lines[1] == "  Events    Elasticsearch at https://es.example:9200"
    assert not any("marked-secret" in line for line in lines)


@pytest.mark.parametrize(
    ("terminal", "form", "told"), [(True, "auto", True), (True, "json", False), (False, "auto", False)]
)
def test_told_on_a_terminal_only(
    alone: Path, monkeypatch: pytest.MonkeyPatch, terminal: bool, form: str, told: bool
) -> None:
    """Never among JSON logs."""
    found = settings(alone, LOCAL, ("tidegate.logging.format", form))
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    _tell_serving(replace(found, machine=replace(found.machine, terminal=terminal)))
    assert ("Ctrl-C" in stream.getvalue()) == told


def test_plan(alone: Path) -> None:
    found = settings(alone, CLUSTER, ("tidegate.workers", "3"), ("tidegate.acceptors", "2"))
    plan = plan_of(found, lambda: found)
    assert (len(plan.acceptors), len(plan.workers)) == (2, 3)
    assert [str(address) for address in plan.addresses] == ["127.0.0.1:8200"]
    assert plan.read_again()[1:] == ([], [], (), ())
