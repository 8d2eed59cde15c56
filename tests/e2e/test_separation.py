"""A running acceptor is shut off: what the kernel says of it, and what it was started with."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from e2e.conftest import MakeDaemon
from e2e.presence import absent
from e2e.processes import wait_until
from tidegate.daemon.lockdown import landlock, seccomp

SECRET = "a-secret-of-the-tests"


@pytest.fixture
def as_root() -> None:
    """Who may look into a process that hides from its own user."""
    if os.getuid() != 0:
        absent("root, to look into processes that hide themselves")


def of_threads(pid: int, field: str) -> set[str]:
    """A field of /proc/PID/task/*/status, over all threads: the kernel shuts off each for itself."""
    tasks = [task.joinpath("status").read_text() for task in Path(f"/proc/{pid}/task").iterdir()]
    return {found[1] for task in tasks if (found := re.search(rf"^{field}:\s*(\S+)", task, re.MULTILINE))}


def test_every_thread_of_an_acceptor_is_shut_off(daemon: MakeDaemon) -> None:
    if not seccomp.known_machine() or landlock.version() < landlock.SCOPE_VERSION:
        absent("a kernel with Landlock of version 6")
    running = daemon({"output.local.enabled": True}).start()
    acceptor = running.one_child("acceptor")
    assert len(list(Path(f"/proc/{acceptor}/task").iterdir())) > 1, "ZeroMQ has threads"
    assert of_threads(acceptor, "NoNewPrivs") == {"1"}
    assert of_threads(acceptor, "Seccomp") == {"2"}
    assert "Landlock" not in running.output(), "nothing is missing"
    assert of_threads(acceptor, "CapEff") == {"0" * 16}
    opened = {str(link.readlink()) for link in Path(f"/proc/{acceptor}/fd").iterdir()}
    assert not any("io_uring" in name for name in opened), "through a ring the filter could be gone round"
    running.stop()


def test_no_process_shows_its_memory_to_its_own_user(daemon: MakeDaemon, as_root: None) -> None:
    """Root without capabilities is a user like others: it sees into its own processes, unless they hide."""
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        absent("setpriv")
    weak = (setpriv, "--bounding-set=-all", "--inh-caps=-all")

    def shows(pid: int) -> bool:
        looking = [*weak, "cat", f"/proc/{pid}/environ"]
        return subprocess.run(looking, capture_output=True, timeout=10, check=False).returncode == 0

    running = daemon({"output.local.enabled": True})
    command = running.data.parent / "tidegate"
    command.write_text(f'#!/bin/sh\nexec {" ".join(weak)} {running.command} "$@"\n')
    command.chmod(0o700)
    running.command = command
    running.start()
    with subprocess.Popen([*weak, "sleep", "60"]) as other:
        wait_until(lambda: shows(other.pid), "the way of looking works", 5)
        other.kill()
    pids = [running.supervisor, *running.children("acceptor"), *running.children("worker")]
    assert len(pids) >= 3
    # A child hides before it reads its settings; one that is still being loaded has nothing to show.
    wait_until(lambda: not any(shows(pid) for pid in pids), "all processes hide", 10, running.output)
    running.stop()


def test_check_40_an_acceptor_holds_no_secret_of_the_store(
    daemon: MakeDaemon, fake_elasticsearch: object, as_root: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither in its environment, nor on its command line, nor in its memory."""
    monkeypatch.setenv("STORE_PASSWORD", SECRET)
    url = getattr(fake_elasticsearch, "url", "")
    running = daemon(
        {
            "output.elasticsearch.hosts": [url],
            "output.elasticsearch.username": "somebody",
            "output.elasticsearch.password": "${STORE_PASSWORD}",
        }
    ).start()
    acceptor, worker = running.one_child("acceptor"), running.one_child("worker")
    wait_until(lambda: holds(worker, SECRET), "a worker holds it", 10, running.output)
    assert not holds(acceptor, SECRET)
    assert SECRET.encode() not in Path(f"/proc/{acceptor}/environ").read_bytes()
    assert SECRET.encode() not in Path(f"/proc/{acceptor}/cmdline").read_bytes()
    running.stop()


def holds(pid: int, text: str) -> bool:
    """Whether a process has the text in memory that it can write."""
    with Path(f"/proc/{pid}/mem").open("rb", buffering=0) as memory:
        for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
            span, rights = line.split()[:2]
            if "rw" not in rights:
                continue
            begin, end = (int(part, 16) for part in span.split("-"))
            try:
                memory.seek(begin)
                if text.encode() in memory.read(end - begin):
                    return True
            except (OSError, OverflowError):
                continue
    return False


def test_an_acceptor_still_logs_to_its_file_and_rotates_it(daemon: MakeDaemon) -> None:
    running = daemon({"output.local.enabled": True, "logging.to_files": True, "logging.to_stderr": False})
    logs = running.data.parent / "logs"
    running.settings |= {"path.logs": str(logs), "logging.files.rotateeverybytes": 2000}
    running.start()
    for _ in range(30):
        assert running.request("GET", "/").status == 200
    names = [path.name for path in logs.iterdir() if "acceptor" in path.name]
    assert len(names) > 1, names
    assert "cannot be written" not in running.output()
    running.stop()


def test_acceptors_that_are_shut_off_share_their_limits(daemon: MakeDaemon) -> None:
    """What they share is a file that each opened before."""
    shared_limits: dict[str, object] = {
        "output.local.enabled": True,
        "tidegate.acceptors": 2,
        "apm-server.auth.secret_token": SECRET,
        "apm-server.auth.anonymous.enabled": True,
    }
    running = daemon(shared_limits).start()
    wait_until(lambda: len(running.children("acceptor")) == 2, "both acceptors run", 10)
    metadata = {"metadata": {"service": {"name": "page", "agent": {"name": "rum-js", "version": "5"}}}}
    for _ in range(8):
        assert running.send_events([metadata, {"log": {"message": "one"}}]).status == 202
    assert running.complaints() == []
    running.stop()
