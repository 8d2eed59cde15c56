"""Which version served last, and how the whole starts anew with its sockets."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from tidegate.daemon.renewal import NOTE, note_version, noted_version

ANEW = """
import os, socket, sys
from tidegate.daemon.activation import passed_sockets
from tidegate.daemon.renewal import start_anew
passed = passed_sockets(os.environ)
if passed:
    print([sock.getsockname()[1] for sock in passed], os.getpid(), sys.argv[1:], os.environ["KEPT"])
else:
    sockets = [socket.socket(fileno=int(number)) for number in sys.argv[2:]]
    sockets += [socket.create_server(("127.0.0.1", 0)) for _ in range(5)]
    print([sock.getsockname()[1] for sock in reversed(sockets)], os.getpid(), sys.argv[1:], os.environ["KEPT"], flush=True)
    start_anew(sockets[::-1])
"""


def test_sockets_command_line_and_process_stay(tmp_path: Path) -> None:
    """Whatever numbers the sockets had before; here they are among those that they are to have."""
    program = tmp_path / "anew.py"
    program.write_text(ANEW)
    with socket.create_server(("127.0.0.1", 0)) as held:
        done = subprocess.run(
            [sys.executable, program, "--word", str(held.fileno())],
            pass_fds=[held.fileno()],
            env={**os.environ, "KEPT": "yes"},
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
    before, after = done.stdout.splitlines()
    assert before == after


def test_the_version_that_served_is_noted_and_told_by_another_one_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert noted_version(tmp_path) == ""
    note_version(tmp_path)
    assert noted_version(tmp_path) == ""
    monkeypatch.setattr("tidegate.daemon.renewal.__version__", "0.0.1")
    assert noted_version(tmp_path) == json.loads((tmp_path / NOTE).read_text())["version"]
    for nonsense in ("", "[]", "{}", '{"version": 7}', '{"version": "\\u001b[31m"}'):
        (tmp_path / NOTE).write_text(nonsense)
        assert noted_version(tmp_path) == ""


def test_a_folder_that_cannot_be_written_is_no_trouble(tmp_path: Path) -> None:
    note_version(tmp_path / "none")
