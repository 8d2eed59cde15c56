"""What the process table says about a daemon and its children; read from /proc, by process id and never by name."""

from __future__ import annotations

import os
import random
import signal
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest


class Process(NamedTuple):
    """A running process; zombies are none."""

    pid: int
    parent: int
    session: int
    command: tuple[str, ...]


def running() -> Iterator[Process]:
    """All processes of this machine that can be read."""
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and (found := one_process(int(entry.name))) is not None:
            yield found


def one_process(pid: int) -> Process | None:
    """The process of a pid; None when it is gone or a zombie."""
    try:
        state, parent, _, session = (Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split())[:4]
        command = Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0")
    except OSError:
        return None
    return None if state in "ZX" else Process(pid, int(parent), int(session), tuple(command[:-1]))


def has_in_environment(pid: int, text: str) -> bool:
    """Whether a process was started with this text in its environment; False where that cannot be read."""
    try:
        return text.encode() in Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:
        return False


def send_signal(pid: int, number: signal.Signals) -> None:
    """Signals one process; one that is gone is not an error."""
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return


def wait_until(holds: Callable[[], bool], what: str, seconds: float, details: Callable[[], str] = str) -> None:
    """Polls until something holds; fails the test when it does not within `seconds`."""
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            pytest.fail(f"not within {seconds} s: {what}\n{details()}", pytrace=False)
        time.sleep(0.05)


def free_port() -> int:
    """A TCP port of 127.0.0.1 that nobody listens on; below the range from which the system gives ports to others, since the
    daemon takes it a little later only."""
    while not port_is_free(port := random.randrange(12_000, 32_000)):
        pass
    return port


def port_is_free(port: int) -> bool:
    """Whether a listener could take the port of 127.0.0.1; connections in TIME_WAIT do not count."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def resident_bytes(pid: int) -> int:
    """Memory that a process has now, without pages of files."""
    lines = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    return int(lines["RssAnon"].split()[0]) * 1024
