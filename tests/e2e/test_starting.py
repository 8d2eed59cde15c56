"""Starts that must fail, and say why: data in use, port in use, settings that cannot be."""

from __future__ import annotations

import socket
import stat
from pathlib import Path
from typing import Any

import pytest
from e2e.conftest import MakeDaemon
from e2e.daemons import Daemon
from e2e.processes import port_is_free, wait_until

DATA_LOCKED = (
    "data path already locked by another beat. "
    "Please make sure that multiple beats are not sharing the same data path (path.data)"
)


def refused(daemon: Daemon) -> str:
    """Starts it, expects it to end by itself with an error and leave nothing; returns what it said."""
    daemon.launch()
    assert daemon.wait_exit() not in (0, None)
    daemon.assert_nothing_left()
    return daemon.output()


def test_two_daemons_cannot_share_their_data(daemon: MakeDaemon, fake_elasticsearch: Any) -> None:
    first = daemon({"output.elasticsearch.hosts": [fake_elasticsearch.url]}).start()
    second = daemon({"output.elasticsearch.hosts": [fake_elasticsearch.url], "path.data": str(first.data)})
    assert DATA_LOCKED in refused(second)
    assert first.request("GET", "/").status == 200
    first.stop()


@pytest.mark.parametrize("reuse", [False, True], ids=["plain", "with SO_REUSEPORT"])
def test_a_port_in_use_is_an_error_that_says_so(daemon: MakeDaemon, fake_elasticsearch: Any, reuse: bool) -> None:
    running = daemon({"output.elasticsearch.hosts": [fake_elasticsearch.url]})
    with socket.socket() as holder:
        if reuse:
            holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        holder.bind(("127.0.0.1", running.port))
        holder.listen()
        said = refused(running)
    assert "apm-server.host" in said and str(running.port) in said and "in use" in said


def test_a_key_that_cannot_be_is_named(daemon: MakeDaemon) -> None:
    said = refused(daemon({"apm-server.read_timeout": "soon", "apm-server.max_event_size": "big"}))
    assert "apm-server.read_timeout" in said and "apm-server.max_event_size" in said, "every error at once"


def test_the_first_line_says_where_events_go(daemon: MakeDaemon, fake_elasticsearch: Any) -> None:
    running = daemon({"output.elasticsearch.hosts": [fake_elasticsearch.url]}).start()
    assert fake_elasticsearch.url in running.output().splitlines()[0]
    running.stop()
    local = daemon({"output.local.enabled": True}).start()
    assert str(local.data) in local.output().splitlines()[0]
    local.stop()


def test_check_40_no_password_is_printed(daemon: MakeDaemon, fake_elasticsearch: Any) -> None:
    secret = "a-secret-of-the-tests"
    settings: dict[str, object] = {
        "output.elasticsearch.hosts": [fake_elasticsearch.url],
        "output.elasticsearch.username": "somebody",
        "output.elasticsearch.password": secret,
        "logging.level": "debug",
    }
    running = daemon(settings).start()
    running.stop()
    assert secret not in running.output()


def test_check_41_what_it_writes_is_private(daemon: MakeDaemon, fake_elasticsearch: Any) -> None:
    """Nobody else gets at events or sockets: each file is closed to others, or lies in a folder that is."""
    running = daemon({"output.elasticsearch.hosts": [fake_elasticsearch.url]}).start()
    for top in (running.data, *running.runtime.iterdir()):
        assert [str(path) for path in (top, *top.rglob("*")) if not is_private(path, top)] == []
    running.stop()


def is_private(path: Path, top: Path) -> bool:
    """Whether the path, or some folder above it up to `top`, is closed to others."""
    return any(
        not stat.S_IMODE(one.lstat().st_mode) & 0o077 for one in (path, *path.parents) if one.is_relative_to(top)
    )


def test_the_port_is_free_again_at_once(daemon: MakeDaemon, fake_elasticsearch: Any) -> None:
    running = daemon({"output.elasticsearch.hosts": [fake_elasticsearch.url]}).start()
    for _ in range(3):
        assert running.request("GET", "/").status == 200
        running.stop()
        assert port_is_free(running.port)
        running.start()
    wait_until(lambda: running.request("GET", "/").json().get("publish_ready") is True, "it is ready", 10)
    running.stop()
