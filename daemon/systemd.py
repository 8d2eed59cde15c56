"""What Tidegate tells systemd about itself: sd_notify(3), datagrams of text. Without systemd nothing is sent."""

from __future__ import annotations

import logging
import os
import socket
import time
from collections.abc import Iterable, Mapping
from typing import Protocol

log = logging.getLogger("tidegate.systemd")

FOR_THE_SUPERVISOR = frozenset(
    {"NOTIFY_SOCKET", "WATCHDOG_PID", "WATCHDOG_USEC", "LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"}
)
"""Variables that are for the process that systemd started, and for no child of it."""

SEND_S = 1.0
"""systemd reads at once; if its queue is full for longer, going on matters more than being heard."""
LONGEST_STATUS = 400
"""Characters; `systemctl status` shows one line."""


class Watched(Protocol):
    """A child, as its health is judged."""

    @property
    def heard(self) -> float:
        """When it last said something, in seconds of the same clock as `now`."""

    @property
    def killed_as_silent(self) -> bool:
        """It was found hung and is on its way out; its successor follows when the kernel lets go of it."""


def is_healthy(children: Iterable[Watched], now: float, silent_after: float) -> bool:
    """Whether every child is alive, or is being replaced: then only the supervisor itself can be hung.

    What a child waits for (a disk, Elasticsearch) is no part of it: its heartbeat comes from its event loop, and one that
    hangs is killed and replaced by the supervisor, without systemd's help."""
    return all(child.killed_as_silent or now - child.heard <= silent_after for child in children)


class Notifier:
    """Where systemd listens; every method sends one datagram, or does nothing without systemd."""

    def __init__(self, address: str = "", watchdog_interval: float = 0.0) -> None:
        """`address`: a path, or `@name` for an abstract socket. `watchdog_interval`: see there."""
        self._address = "\0" + address[1:] if address.startswith("@") else address
        self.watchdog_interval = watchdog_interval
        """Seconds between two signs of life; 0 when nobody waits for them."""
        self._status = ""

    @classmethod
    def of(cls, environ: Mapping[str, str]) -> Notifier:
        """As the variables of this process say; `WATCHDOG_USEC` counts only where `WATCHDOG_PID` is this process."""
        address = environ.get("NOTIFY_SOCKET", "")
        if not address.startswith(("/", "@")):
            return cls()
        meant = environ.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
        text = environ.get("WATCHDOG_USEC", "")
        # Half of it, as sd_watchdog_enabled(3) advises.
        return cls(address, int(text) / 2e6 if meant and text.isascii() and text.isdigit() else 0.0)

    def ready(self, status: str) -> None:
        """All children serve, or a reload is over."""
        self._status = status
        self._send("READY=1", _status_line(status))

    def reloading(self) -> None:
        """A reload has begun; `ready` ends it."""
        # systemd 253 and later (Type=notify-reload) want to know when; older ones do not look at it.
        self._send("RELOADING=1", f"MONOTONIC_USEC={time.monotonic_ns() // 1000}")

    def stopping(self, status: str, within: float) -> None:
        """A stop has begun that takes `within` seconds at most, also where the unit's TimeoutStopSec is shorter."""
        self._status = status
        self._send("STOPPING=1", _status_line(status), f"EXTEND_TIMEOUT_USEC={int(within * 1e6)}")

    def status(self, status: str) -> None:
        """One line for `systemctl status`; sent when it changes."""
        if status != self._status:
            self._status = status
            self._send(_status_line(status))

    def alive(self) -> None:
        """A sign of life, for the watchdog."""
        self._send("WATCHDOG=1")

    def _send(self, *lines: str) -> None:
        if not self._address:
            return
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sock:
            sock.settimeout(SEND_S)
            try:
                sock.sendto("\n".join(lines).encode(), self._address)
            except OSError as problem:
                log.warning("systemd was not told %s: %s", lines[0], problem)


def _status_line(status: str) -> str:
    return "STATUS=" + " ".join(status.split())[:LONGEST_STATUS]


def status_text(serving_on: str, acceptors: int, workers: int, missing: Iterable[str], troubles: Iterable[str]) -> str:
    """The state in words: what is wrong first, then what is served. `missing`: names of children that are being
    replaced; `troubles`: why workers cannot write to the store."""
    wrong = [*dict.fromkeys(troubles), *(f"{name} is being replaced" for name in missing)]
    serving = f"serving on {serving_on}; {_count(acceptors, 'acceptor')}, {_count(workers, 'worker')}"
    return f"degraded: {'; '.join(wrong)}; {serving}" if wrong else serving


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
