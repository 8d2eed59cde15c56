"""The Tidegate under test: a `tidegate run` of its own, on its own folder and port, every process of it accounted for."""

from __future__ import annotations

import http.client
import os
import resource
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from random import sample
from typing import NamedTuple

RUN = "import sys; from tidegate.cli.main import main; sys.exit(main(sys.argv[1:]))"
READY_SECONDS = 40.0
"""A start takes one or two; a machine that is busy with other things takes longer."""
STOP_SECONDS = 30.0
ROLES = {"acceptor": "tidegate.daemon.acceptor.main", "worker": "tidegate.workers.main"}
_OF_A_SERVICE = frozenset(
    {
        "LISTEN_FDNAMES",
        "LISTEN_FDS",
        "LISTEN_PID",
        "LOGS_DIRECTORY",
        "NOTIFY_SOCKET",
        "RUNTIME_DIRECTORY",
        "STATE_DIRECTORY",
        "WATCHDOG_PID",
        "WATCHDOG_USEC",
    }
)
"""What systemd tells a service: in the shell of one, the instance must not speak in its name or share its folders."""
_PAGE = os.sysconf("SC_PAGE_SIZE")
_POLL = 0.03
_PORTS = range(12_000, 32_000)
_PORT_TRIES = 100


class Trouble(Exception):
    """The instance did not do what any instance must; the text says what, and where its log is."""


class _Process(NamedTuple):
    pid: int
    parent: int
    session: int
    command: str
    resident: int
    """Bytes."""


class Instance:
    """One start after another on the same folder and port."""

    def __init__(self, folder: Path, port: int, words: Sequence[str], workers: int) -> None:
        """`words`: of `tidegate run`."""
        self.log = folder / "tidegate.log"
        self.data = folder / "data"
        self.port = port
        self.expected = {"acceptor": 1, "worker": workers}
        self._command = [sys.executable, "-c", RUN, "run", *words]
        self._scratch = Path(tempfile.mkdtemp(prefix="tg-"))  # short: the path of a socket may have 107 bytes
        kept = {key: value for key, value in os.environ.items() if key not in _OF_A_SERVICE}
        self._environment = {**kept, "TMPDIR": str(self._scratch)}
        self._leader: subprocess.Popen[bytes] | None = None

    # -------------------------------------------------------------------------------------------------- start and stop

    def start(self) -> None:
        """Starts it and waits until it serves. Raises Trouble."""
        with self.log.open("ab") as log:
            self._leader = subprocess.Popen(  # noqa: S603 - this interpreter, and arguments of ours
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=self._environment,
                start_new_session=True,
            )
        self.wait("serves", self._serves, READY_SECONDS)

    def stop(self) -> None:
        """SIGTERM; it must end with 0. Raises Trouble."""
        leader = self._running()
        leader.send_signal(signal.SIGTERM)
        self.wait("ends on SIGTERM", lambda: leader.poll() is not None, STOP_SECONDS, alive=False)
        if leader.returncode:
            raise Trouble(f"it ended with {leader.returncode} on SIGTERM, see {self.log}")

    def kill_all(self) -> None:
        """SIGKILL for every process at once, the supervisor first, so that it cannot clean up."""
        for process in self.processes():
            _send(process.pid, signal.SIGKILL)
        self._wait_gone(5.0)

    def kill_supervisor(self) -> None:
        """SIGKILL for the supervisor; returns when its children have ended by themselves. Raises Trouble."""
        leader = self._running()
        leader.kill()
        leader.wait()
        self._wait_gone(STOP_SECONDS)

    def kill_child(self, pid: int) -> None:
        """SIGKILL for a child; returns when the supervisor has another in its place. Raises Trouble."""
        _send(pid, signal.SIGKILL)
        self.wait_replaced(pid)

    def wait_replaced(self, pid: int) -> None:
        """Until a child is gone and all places are taken again. Raises Trouble."""
        self.wait(f"replaces process {pid}", lambda: self.complete(without=pid), READY_SECONDS)

    def close(self) -> None:
        """Nothing outlives a run."""
        for process in self.processes():
            _send(process.pid, signal.SIGKILL)
        if self._leader is not None:
            self._leader.wait(STOP_SECONDS)
        shutil.rmtree(self._scratch, ignore_errors=True)

    def _running(self) -> subprocess.Popen[bytes]:
        if self._leader is None:
            raise Trouble("it was not started")
        return self._leader

    def _wait_gone(self, seconds: float) -> None:
        self.wait("is gone with all its children", lambda: not self.processes(), seconds, alive=False)
        self._running().wait(STOP_SECONDS)

    def wait(self, what: str, holds: Callable[[], bool], seconds: float, *, alive: bool = True) -> None:
        """Until something holds. Raises Trouble when it does not in time, or (`alive`) when the supervisor ends."""
        deadline = time.monotonic() + seconds
        while not holds():
            if alive and (code := self._running().poll()) is not None:
                raise Trouble(f"tidegate run ended with {code}, see {self.log}")
            if time.monotonic() > deadline:
                raise Trouble(f"not within {seconds:.0f} s: it {what}; see {self.log}")
            time.sleep(_POLL)

    def _serves(self) -> bool:
        if not self.complete():
            return False
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=2)
        try:
            connection.request("GET", "/")
            return connection.getresponse().status == http.client.OK
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    # ------------------------------------------------------------------------------------------------------- its parts

    def processes(self) -> list[_Process]:
        """Every process of the run, the supervisor first."""
        if self._leader is None:
            return []
        leader = self._leader.pid
        found = [process for process in _all_processes() if process.session == leader]
        return sorted(found, key=lambda process: (process.pid != leader, process.pid))

    def children(self, role: str) -> list[int]:
        """Pids of the children in a role."""
        leader = self._running().pid
        return [one.pid for one in self.processes() if one.parent == leader and ROLES[role] in one.command]

    def complete(self, without: int | None = None) -> bool:
        """Whether each place is taken, and `without` is none of those who take one."""
        for role, number in self.expected.items():
            pids = self.children(role)
            if len(pids) < number or without in pids:
                return False
        return True

    def resident(self) -> int:
        """Bytes of memory of all its processes; pages that they share count in each."""
        return sum(process.resident for process in self.processes())

    def freeze(self, pid: int) -> None:
        """SIGSTOP: the process neither runs nor dies."""
        _send(pid, signal.SIGSTOP)

    def limit_files(self, most: int | None) -> None:
        """Makes every write of the workers beyond `most` bytes of a file fail, as on a full disk; None: no longer."""
        for pid in self.children("worker"):
            with suppress(ProcessLookupError, PermissionError):
                _, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
                resource.prlimit(pid, resource.RLIMIT_FSIZE, (hard if most is None else most, hard))


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on; below the range from which the system gives ports to others, since it is
    free again between two starts. Raises Trouble."""
    for port in sample(_PORTS, _PORT_TRIES):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise Trouble(f"none of {_PORT_TRIES} ports of 127.0.0.1 is free")


def _send(pid: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, number)


def _all_processes() -> Iterator[_Process]:
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
                command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            except OSError:
                continue  # it has just ended
            if fields[0] not in "ZX":
                yield _Process(int(entry.name), int(fields[1]), int(fields[3]), command, int(fields[21]) * _PAGE)
