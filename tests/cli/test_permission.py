"""What this user may not use: the line that works is named."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from tidegate.cli.main import main
from tidegate.cli.permission import SERVICE_USER, is_forbidden, owner_of, refusal
from tidegate.daemon.errors import EXIT_FAILURE, EXIT_SETTINGS

STRANGER = 65534
"""A user without rights; `nobody` where it has a name."""


def test_the_line_that_works(tmp_path: Path) -> None:
    words = ["dead-letters", "list", "-c", "/etc/my settings.yml"]
    said = refusal(tmp_path / "x", words)
    assert said == (
        f"this user may not use {tmp_path}/x; as its owner: "
        f"sudo -u {SERVICE_USER} tidegate dead-letters list -c '/etc/my settings.yml'"
    )


def test_a_file_that_is_not_there_is_not_forbidden(tmp_path: Path) -> None:
    assert not is_forbidden(tmp_path / "none")
    assert not is_forbidden(tmp_path)


@pytest.mark.skipif(os.geteuid() != 0, reason="NOT RUN: only root can give a folder to another user")
def test_the_owner_is_the_one_of_the_nearest_folder(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir(mode=0o700)
    os.chown(folder, STRANGER, STRANGER)
    try:
        name = pwd.getpwuid(STRANGER).pw_name
    except KeyError:
        name = f"#{STRANGER}"
    assert owner_of(folder / "spool" / "0") == name
    assert owner_of(tmp_path) == SERVICE_USER


def test_any_command_that_meets_a_closed_folder(
    alone: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def closed(*_: object) -> None:
        raise PermissionError(13, "Permission denied", str(alone / "state"))

    monkeypatch.setattr(os, "scandir", closed)
    (alone / "state" / "tidegate" / "dead-letters").mkdir(parents=True)
    assert main(["dead-letters", "list"]) == EXIT_FAILURE
    assert f"sudo -u {SERVICE_USER} tidegate dead-letters list" in capsys.readouterr().err


@pytest.fixture
def public_folder() -> Iterator[Path]:
    """A folder that everybody may enter, which pytest's are not."""
    with tempfile.TemporaryDirectory(prefix="tidegate-test-") as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.mark.skipif(os.geteuid() != 0, reason="NOT RUN: only root can become another user")
def test_as_a_real_stranger(public_folder: Path) -> None:
    """Settings and data of somebody else, and the whole command, started by a user who may see neither."""
    command = Path(sys.executable).with_name("tidegate")
    data = public_folder / "data"
    data.mkdir(mode=0o700)
    file = public_folder / "settings.yml"
    file.write_text(f"output.local.enabled: true\npath.data: {data}\n")
    file.chmod(0o600)
    if shutil.which("setpriv") is None:
        pytest.skip("NOT RUN, absent: setpriv")

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        become = ["setpriv", f"--reuid={STRANGER}", f"--regid={STRANGER}", "--clear-groups"]
        return subprocess.run(
            [*become, str(command), *words], cwd=public_folder, capture_output=True, text=True, timeout=60, check=False
        )

    probe = run("version")
    if probe.returncode != 0:
        pytest.skip(f"NOT RUN: another user cannot start this Python: {probe.stderr[-200:]}")
    done = run("check", "-c", str(file))
    assert done.returncode == EXIT_SETTINGS
    assert f"sudo -u {SERVICE_USER} tidegate check -c {file}" in done.stderr
    for words in (["traces"], ["dead-letters", "list"], ["run"]):
        done = run(*words, "--path.data", str(data), "-E", "output.local.enabled=true")
        assert done.returncode == EXIT_FAILURE, done.stderr
        assert f"sudo -u {SERVICE_USER} tidegate" in done.stderr
        assert "Traceback" not in done.stderr
