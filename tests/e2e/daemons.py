"""`tidegate run` as tests start it: the installed command, its own folder and port, every process accounted for."""

from __future__ import annotations

import http.client
import json
import os
import secrets
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple

import pytest
from e2e.processes import Process, free_port, has_in_environment, one_process, running, send_signal, wait_until

COMMAND = Path(sys.executable).with_name("tidegate")
READY_S = 30.0
STOP_S = 20.0
QUICK = {"apm-server.shutdown_timeout": "5s"}
QUICK_CLUSTER = {"output.elasticsearch.flush_interval": "100ms"}
"""On every start, below the settings of the test: they only make a test quicker."""


class Answer(NamedTuple):
    """An HTTP answer."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


class Daemon:
    """One start after another of `tidegate run` on the same data, the same port and the same folder for temporary files."""

    def __init__(self, folder: Path, settings: Mapping[str, object], *, command: Path = COMMAND) -> None:
        self.host = "127.0.0.1"
        self.port = free_port()
        self.data = folder / "data"
        self.output_file = folder / "output.log"
        self.command = command
        self.runtime = Path(tempfile.mkdtemp(prefix="tg-"))  # short: the path of a socket may have 107 bytes
        self.settings = {
            "apm-server.host": f"127.0.0.1:{self.port}",
            "path.data": str(self.data),
            **QUICK,
            **(QUICK_CLUSTER if any(key.startswith("output.elasticsearch.") for key in settings) else {}),
            **settings,
        }
        self.settings_file: Path | None = None
        """For `-c`; `settings` go over it."""
        self.environment: dict[str, str] = {}
        """Variables on top of those of the test run."""
        self.started_by: list[str] = []
        """Words before the command, of a program that replaces itself by it."""
        self.passed: list[int] = []
        """Descriptors that it inherits."""
        self._mark = f"TIDEGATE_TEST_RUN={secrets.token_hex(8)}"
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Daemon:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing outlives a test, whatever became of it; the test says itself how the daemon is to end."""
        for process in self.processes():
            send_signal(process.pid, signal.SIGKILL)
        if self._process is not None:
            self._process.wait(STOP_S)
        shutil.rmtree(self.runtime, ignore_errors=True)

    # ------------------------------------------------------------------------------------------------ start and stop

    def launch(self) -> None:
        """Starts it and does not wait."""
        file = ("-c", str(self.settings_file)) if self.settings_file else ()
        arguments = [*self.started_by, str(self.command), "run", *file]
        for key, value in self.settings.items():
            arguments += ["-E", f"{key}={value if isinstance(value, str) else json.dumps(value)}"]
        name, _, value = self._mark.partition("=")
        environment = {
            key: text for key, text in os.environ.items() if not key.startswith(("ELASTIC_APM_", "PYTHON", "TIDEGATE_"))
        }
        environment |= {name: value, "TMPDIR": str(self.runtime), **self.environment}
        with self.output_file.open("ab") as output:
            self._process = subprocess.Popen(
                arguments,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=environment,
                pass_fds=self.passed,
                start_new_session=True,
            )

    def limit_descriptors(self, most: int, folder: Path) -> None:
        """Starts from now on may have so many open files in each process; `folder` is for the program that sees to it."""
        limited = folder / "tidegate-with-few-descriptors"
        limited.write_text(f'#!/bin/sh\nulimit -n {most}\nexec {shlex.quote(str(self.command))} "$@"\n')
        limited.chmod(0o755)
        self.command = limited

    def start(self) -> Daemon:
        """Starts it and waits until it answers."""
        self.launch()
        self.wait_ready()
        return self

    def wait_ready(self) -> None:
        """Until `GET /` is answered with 200; fails at once when the process ends."""

        def ready() -> bool:
            if self.exit_code() is not None:
                pytest.fail(f"tidegate run ended with {self.exit_code()}\n{self.output()}", pytrace=False)
            try:
                return self.request("GET", "/").status == 200
            except (OSError, http.client.HTTPException):
                return False

        wait_until(ready, "tidegate run answers GET /", READY_S, self.output)

    def exit_code(self) -> int | None:
        """None while the supervisor runs."""
        return None if self._process is None else self._process.poll()

    def wait_exit(self, seconds: float = STOP_S) -> int:
        """The exit code, within so many seconds."""
        wait_until(lambda: self.exit_code() is not None, "tidegate run ends", seconds, self.output)
        code = self.exit_code()
        assert code is not None
        return code

    def stop(self) -> None:
        """SIGTERM; it must drain, end with 0 and leave neither a process nor a socket behind."""
        send_signal(self.supervisor, signal.SIGTERM)
        code = self.wait_exit()
        assert code == 0, f"exit code {code} after SIGTERM\n{self.output()}"
        self.assert_nothing_left()

    def assert_nothing_left(self) -> None:
        """No process of this run; no socket, no folder, nothing where temporary files go."""
        assert self.processes() == [], f"orphans\n{self.output()}"
        assert [str(path) for path in self.runtime.rglob("*")] == [], f"left behind\n{self.output()}"

    def reload(self) -> subprocess.CompletedProcess[str]:
        """`tidegate reload`."""
        command = [str(self.command), "reload", "--path.data", str(self.data)]
        return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, cwd=self.data)

    def kill_everything(self) -> None:
        """SIGKILL for every process, the supervisor first, so that it cannot clean up."""
        for process in self.processes():
            send_signal(process.pid, signal.SIGKILL)
        self.wait_exit()
        wait_until(lambda: not self.processes(), "killed processes end", 5)

    # ------------------------------------------------------------------------------------------------------- its parts

    @property
    def supervisor(self) -> int:
        """The pid of the process that was started."""
        assert self._process is not None, "not started"
        return self._process.pid

    def processes(self) -> list[Process]:
        """Every process of this run, also one that left the session or lost its parent; the supervisor first."""
        if self._process is None:
            return []
        leader = self._process.pid
        found = [one for one in running() if one.session == leader or has_in_environment(one.pid, self._mark)]
        return sorted(found, key=lambda one: (one.pid != leader, one.pid))

    def children(self, kind: str) -> list[int]:
        """Pids of the supervisor's children of a kind: `acceptor` or `worker`."""
        return [one.pid for one in self.processes() if one.parent == self.supervisor and is_child(one, kind)]

    def one_child(self, kind: str) -> int:
        """The pid of a child of that kind; waits for one when all are just being started."""
        wait_until(lambda: bool(self.children(kind)), f"a {kind} runs", 10, self.output)
        return self.children(kind)[0]

    def kill_child(self, kind: str) -> int:
        """SIGKILL for one child, and waits until it is gone; returns its pid."""
        pid = self.one_child(kind)
        send_signal(pid, signal.SIGKILL)
        wait_until(lambda: one_process(pid) is None, f"the killed {kind} ends", 5)
        return pid

    def sockets(self) -> list[str]:
        """Socket files in the runtime folder."""
        return [str(path) for path in self.runtime.rglob("*") if path.is_socket()]

    # -------------------------------------------------------------------------------------------------------- its words

    def output(self) -> str:
        """All that it printed, over all starts."""
        return self.output_file.read_text(errors="replace") if self.output_file.exists() else ""

    def records(self) -> list[dict[str, Any]]:
        """Its log records; lines that are no JSON objects are left out."""
        found = []
        for line in self.output().splitlines():
            try:
                record = json.loads(line)
            except ValueError:
                continue
            if isinstance(record, dict):
                found.append(record)
        return found

    def complaints(self) -> list[str]:
        """Log lines of level error, and tracebacks."""
        errors = [json.dumps(one) for one in self.records() if one.get("log.level") in ("error", "fatal", "critical")]
        return errors + [line for line in self.output().splitlines() if line.startswith("Traceback")]

    def request(
        self,
        method: str,
        target: str,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float = 10,
    ) -> Answer:
        """One request on a connection of its own."""
        connection = http.client.HTTPConnection(self.host, self.port, timeout=timeout)
        try:
            connection.request(method, target, body, dict(headers or {}))
            response = connection.getresponse()
            return Answer(response.status, dict(response.getheaders()), response.read())
        finally:
            connection.close()

    def send_events(self, lines: list[dict[str, Any]]) -> Answer:
        """Sends events, metadata first, as an agent does."""
        body = b"".join(json.dumps(line).encode() + b"\n" for line in lines)
        return self.request("POST", "/intake/v2/events", body, {"Content-Type": "application/x-ndjson"})


def is_child(process: Process, kind: str) -> bool:
    """Whether a process is an acceptor or a worker, by the module or the argument that its command line names."""
    return any(kind in word for word in process.command[1:])
