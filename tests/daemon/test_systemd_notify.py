"""What systemd hears, on real sockets."""

from __future__ import annotations

import os
import re
import secrets
import socket
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest
from tidegate.daemon.child_process import environment
from tidegate.daemon.systemd import FOR_THE_SUPERVISOR, LONGEST_STATUS, Notifier, is_healthy, status_text


class Child(NamedTuple):
    """As `systemd.Watched`."""

    heard: float
    killed_as_silent: bool = False


def listening(address: str) -> socket.socket:
    """systemd's end."""
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    sock.bind(address)
    sock.settimeout(5)
    return sock


def in_a_folder(folder: Path) -> tuple[str, str]:
    path = str(folder / "notify")
    return path, path


def abstract(folder: Path) -> tuple[str, str]:
    name = f"tidegate-test-{secrets.token_hex(8)}"
    return f"\0{name}", f"@{name}"


@pytest.mark.parametrize("place", [in_a_folder, abstract])
def test_each_message_is_one_datagram(tmp_path: Path, place: Callable[[Path], tuple[str, str]]) -> None:
    address, told = place(tmp_path)
    with listening(address) as systemd:
        notifier = Notifier.of({"NOTIFY_SOCKET": told})
        heard: list[str] = []
        for tell in (
            lambda: notifier.ready("serving on\n127.0.0.1:8200"),
            notifier.reloading,
            notifier.alive,
            lambda: notifier.status("degraded: x"),
            lambda: notifier.status("degraded: x"),
            lambda: notifier.stopping("stopping", 30.5),
        ):
            tell()
        for _ in range(5):
            heard.append(systemd.recv(4096).decode())
    assert heard[0] == "READY=1\nSTATUS=serving on 127.0.0.1:8200"
    assert re.fullmatch(r"RELOADING=1\nMONOTONIC_USEC=[0-9]+", heard[1])
    assert heard[2:] == [
        "WATCHDOG=1",
        "STATUS=degraded: x",
        "STOPPING=1\nSTATUS=stopping\nEXTEND_TIMEOUT_USEC=30500000",
    ]


@pytest.mark.parametrize("environ", [{}, {"NOTIFY_SOCKET": ""}, {"NOTIFY_SOCKET": "vsock:2:1234"}])
def test_without_systemd_nothing_is_sent(environ: dict[str, str]) -> None:
    notifier = Notifier.of({**environ, "WATCHDOG_USEC": "1000000"})
    notifier.ready("serving")
    notifier.alive()
    assert notifier.watchdog_interval == 0


def test_a_systemd_that_is_gone_or_deaf_stops_nobody(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    Notifier(str(tmp_path / "nobody")).ready("serving")
    assert "systemd was not told READY=1" in caplog.text


@pytest.mark.parametrize(
    ("variables", "interval"),
    [
        ({"WATCHDOG_USEC": "30000000"}, 15.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": str(os.getpid())}, 15.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "1"}, 0.0),
        ({"WATCHDOG_USEC": "often"}, 0.0),
        ({}, 0.0),
    ],
)
def test_how_often_the_watchdog_is_fed(variables: dict[str, str], interval: float) -> None:
    assert Notifier.of({"NOTIFY_SOCKET": "/nowhere", **variables}).watchdog_interval == interval


@pytest.mark.parametrize(
    ("children", "healthy"),
    [
        ([], True),
        ([Child(95), Child(99)], True),
        ([Child(95), Child(80)], False),
        ([Child(95), Child(80, killed_as_silent=True)], True),
    ],
)
def test_only_a_child_that_nobody_replaces_is_unhealthy(children: list[Child], healthy: bool) -> None:
    assert is_healthy(children, 100, 14) is healthy


@pytest.mark.parametrize(
    ("missing", "troubles", "text"),
    [
        ([], [], "serving on :8200; 1 acceptor, 2 workers"),
        (["worker 2"], [], "degraded: worker 2 is being replaced; serving on :8200; 1 acceptor, 2 workers"),
        ([], ["403"] * 2, "degraded: 403; serving on :8200; 1 acceptor, 2 workers"),
    ],
)
def test_the_status_in_words(missing: list[str], troubles: list[str], text: str) -> None:
    assert status_text(":8200", 1, 2, missing, troubles) == text


def test_a_status_is_one_short_line(tmp_path: Path) -> None:
    with listening(str(tmp_path / "notify")) as systemd:
        Notifier(str(tmp_path / "notify")).status("long\n" * 1000)
        line = systemd.recv(65536).decode()
    assert "\n" not in line
    assert len(line) == len("STATUS=") + LONGEST_STATUS


@pytest.mark.parametrize("role", ["acceptor", "worker"])
def test_children_know_nothing_of_systemd(role: str) -> None:
    ours = {**dict.fromkeys(FOR_THE_SUPERVISOR, "x"), "PATH": "/bin"}
    assert FOR_THE_SUPERVISOR.isdisjoint(environment(role, ours))
    assert environment(role, ours)["PATH"] == "/bin"
