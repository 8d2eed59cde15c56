"""One child as its supervisor sees it: started by exec with a control socket, watched, killed, reaped."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from tidegate.daemon import __version__
from tidegate.daemon.control.channel import Channel
from tidegate.daemon.control.child import EXIT_OTHER_VERSION, SUPERVISOR_VERSION
from tidegate.daemon.control.messages import (
    AnyMessage,
    Configure,
    Failed,
    Heartbeat,
    Started,
    StoreReady,
    Trouble,
    Trying,
)
from tidegate.daemon.systemd import FOR_THE_SUPERVISOR

log = logging.getLogger("tidegate")

MALLOC = {"MALLOC_MMAP_THRESHOLD_": str(8 * 1024 * 1024), "MALLOC_TRIM_THRESHOLD_": str(64 * 1024 * 1024)}
"""With glibc's defaults a process may give back and fault in the pages of every large buffer (spec/performance.md 9a)."""

FOR_ACCEPTORS = frozenset(
    {
        "HOME",
        "LANG",
        "LANGUAGE",
        "LC_ALL",
        "LC_CTYPE",
        "LC_MESSAGES",
        "LC_TIME",
        "TZ",
        "PATH",
        "TMPDIR",
        "VIRTUAL_ENV",
        "LD_LIBRARY_PATH",
        "LD_PRELOAD",
        "JOURNAL_STREAM",
        "INVOCATION_ID",
        "NO_COLOR",
        "MALLOC_ARENA_MAX",
        "OPENSSL_CONF",
    }
)
"""An acceptor's whole environment, besides `PYTHON…`: the settings of the store may stand in other variables."""


def environment(role: str, ours: Mapping[str, str]) -> dict[str, str]:
    """What a child sees of the supervisor's environment."""
    if role == "acceptor":
        seen = {name: value for name, value in ours.items() if name in FOR_ACCEPTORS or name.startswith("PYTHON")}
    else:
        seen = {name: value for name, value in ours.items() if name not in FOR_THE_SUPERVISOR}
    return {**MALLOC, **seen}


OF_WORKERS_ALONE = (StoreReady, Trying, Trouble)


def may_say(role: str, message: AnyMessage, runtime_folder: str) -> bool:
    """False for what no acceptor of ours sends: then it is code that somebody runs in one. The endpoint that an acceptor names
    is where workers connect to, so it must be a socket in the folder that they share."""
    if role != "acceptor":
        return True
    if isinstance(message, Started):
        scheme, _, path = message.endpoint.partition("://")
        return scheme == "ipc" and Path(path).suffix == ".sock" and Path(path).parent == Path(runtime_folder)
    return not isinstance(message, OF_WORKERS_ALONE)


class Child:
    """A running child; `role` is acceptor or worker, `number` its place, `incarnation` counts all children."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        role: str,
        module: str,
        configure: Configure,
        sockets: Sequence[socket.socket],
        received: Callable[[Child, AnyMessage], None],
        died: Callable[[Child], None],
    ) -> None:
        self.role = role
        self.number = configure.number
        self.incarnation = configure.incarnation
        self.started: Started | None = None
        self.failure: Failed | None = None
        self.trying: str | None = None
        self.trouble: str | None = None
        self.killed_as_silent = False
        self.heard = loop.time()
        self._runtime_folder = configure.runtime_folder
        self._loop = loop
        self._received = received
        self._died = died
        ours, theirs = socket.socketpair()
        descriptors = [theirs.fileno(), *(sock.fileno() for sock in sockets)]
        also = [configure.counters] if configure.counters >= 0 else []
        self._process = subprocess.Popen(  # noqa: S603 - the command is this interpreter and a module of ours
            [sys.executable, "-P", "-m", module, *map(str, descriptors)],
            pass_fds=[*descriptors, *also],
            stdin=subprocess.DEVNULL,
            env={**environment(role, os.environ), SUPERVISOR_VERSION: __version__},
        )
        theirs.close()
        self._channel = Channel(loop, ours, self._on_message, lambda: None)
        self._pidfd = os.pidfd_open(self._process.pid)
        loop.add_reader(self._pidfd, self._on_death)
        self._channel.send(configure)

    @property
    def name(self) -> str:
        return f"{self.role} {self.number}"

    @property
    def pid(self) -> int:
        return self._process.pid

    def send(self, message: AnyMessage) -> None:
        """Sends a control message."""
        self._channel.send(message)

    def kill(self) -> None:
        """SIGKILL; `died` follows once it is reaped."""
        signal.pidfd_send_signal(self._pidfd, signal.SIGKILL)

    def exit_text(self) -> str:
        """How it ended, in words."""
        code = self._process.returncode
        if self.killed_as_silent:
            return "was silent and has been killed"
        if code is not None and code < 0:
            return f"was ended by signal {-code} ({signal.Signals(-code).name})"
        return f"ended with exit code {code}"

    @property
    def is_of_another_version(self) -> bool:
        """What is installed is no longer what the supervisor is."""
        return self._process.returncode == EXIT_OTHER_VERSION

    @property
    def refused_to_start(self) -> bool:
        """It ended by itself before it served: a successor would do the same."""
        return self.started is None and (self.failure is not None or (self._process.returncode or 0) > 0)

    def _on_message(self, message: AnyMessage) -> None:
        out_of_turn = isinstance(message, Started) and self.started is not None
        if out_of_turn or not may_say(self.role, message, self._runtime_folder):
            log.error(
                "%s sent its supervisor what no %s sends (%s): it is ended",
                self.name,
                self.role,
                type(message).__name__,
            )
            if self._process.returncode is None:
                self.kill()
            return
        self.heard = self._loop.time()
        match message:
            case Started():
                self.started = message
            case Failed():
                self.failure = message
            case Trying():
                self.trying = message.batch
            case Trouble():
                self.trouble = message.cause
            case Heartbeat():
                return
        self._received(self, message)

    def _on_death(self) -> None:
        self._process.wait()
        self._loop.remove_reader(self._pidfd)
        os.close(self._pidfd)
        # Its last words may still be in the socket.
        self._channel.read_rest()
        self._channel.close()
        self._died(self)
