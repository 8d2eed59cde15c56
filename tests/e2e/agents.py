"""Small applications under real agents, as child processes; the tests send them requests."""

from __future__ import annotations

import fcntl
import hashlib
import http.client
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType

import pytest
from e2e.presence import CHECKOUT, absent
from e2e.processes import free_port, wait_until

AGENTS = CHECKOUT / "tests" / "data" / "agents"
START_S = 30.0
STOP_S = 10.0
INSTALL_S = 300.0
QUIET = {
    "ELASTIC_APM_API_REQUEST_TIME": "1s",
    "ELASTIC_APM_METRICS_INTERVAL": "1s",
    "ELASTIC_APM_CENTRAL_CONFIG": "false",  # but where it is what is tested
    "ELASTIC_APM_CLOUD_PROVIDER": "none",  # no questions to a cloud's metadata address
}


class Application:
    """An application with an agent in it; `with` starts and ends it."""

    def __init__(
        self, command: Sequence[str], folder: Path, server: str, service: str, more: Mapping[str, str] | None = None
    ) -> None:
        """`more`: further variables for the agent."""
        self.port = free_port()
        self.service = service
        self._command = [*command, str(self.port)]
        self._output = folder / f"{service}.log"
        self._environment = {
            **os.environ,
            **QUIET,
            "ELASTIC_APM_SERVER_URL": server,
            "ELASTIC_APM_SERVICE_NAME": service,
            **(more or {}),
        }
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Application:
        with self._output.open("wb") as output:
            self._process = subprocess.Popen(
                self._command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, env=self._environment
            )
        try:
            wait_until(self._answers, f"{self.service} answers", START_S, self.output)
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    def _end(self) -> None:
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(STOP_S)

    def _answers(self) -> bool:
        if self._process is not None and self._process.poll() is not None:
            pytest.fail(f"{self.service} ended with {self._process.returncode}\n{self.output()}", pytrace=False)
        try:
            return self.get("/ok") == 200
        except (OSError, http.client.HTTPException):
            return False

    def get(self, path: str, trace_id: str = "") -> int:
        """One request, in a trace of its own or in the named one; returns the status."""
        headers = {"traceparent": f"00-{trace_id}-{trace_id[:16]}-01"} if trace_id else {}
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request("GET", path, headers=headers)
            response = connection.getresponse()
            response.read()
            return response.status
        finally:
            connection.close()

    def output(self) -> str:
        """What the application and its agent printed."""
        return self._output.read_text(errors="replace")[-5_000:]


def flask_command() -> list[str]:
    """Starts the Flask application under the Python agent."""
    return [sys.executable, str(AGENTS / "flask_app.py")]


def express_command() -> list[str]:
    """Starts the Express application under the Node.js agent."""
    node, folder = node_packages("node")
    shutil.copy(AGENTS / "node" / "app.js", folder / "app.js")
    return [node, str(folder / "app.js")]


def node_packages(name: str) -> tuple[str, Path]:
    """Node.js, and a folder outside the tree into which the locked packages of `tests/data/agents/NAME` are installed once."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        absent("Node.js with npm")
    source = AGENTS / name
    locked = hashlib.sha256((source / "package-lock.json").read_bytes()).hexdigest()[:16]
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "tidegate-tests"
    folder = cache / f"{name}-{locked}"
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # test processes side by side: one installs, the others wait
        if not (folder / "installed").exists():
            folder.mkdir(exist_ok=True)
            for file in ("package.json", "package-lock.json"):
                shutil.copy(source / file, folder / file)
            install = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
            result = subprocess.run(install, cwd=folder, capture_output=True, text=True, timeout=INSTALL_S, check=False)
            if result.returncode:
                absent(f"the packages of {source}: {(result.stdout + result.stderr)[-2_000:]}")
            (folder / "installed").touch()
    return node, folder
