"""`tidegate systemd` on the tree of an image, and the texts of the units."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from tidegate.cli import systemd_units as units
from tidegate.cli.main import main
from tidegate.cli.systemd_reach import hidden, unreachable
from tidegate.daemon.errors import EXIT_FAILURE, EXIT_OK, EXIT_SETTINGS

pytestmark = pytest.mark.usefixtures("alone")

COMMAND = "/opt/tidegate/bin/tidegate"
MOST_EXPOSED = 15
"""Tenths, as `systemd-analyze security --threshold` counts."""


@pytest.fixture
def image(tmp_path: Path) -> Path:
    """The root of a machine that has Tidegate under /opt."""
    root = tmp_path / "image"
    script = root / COMMAND.lstrip("/")
    script.parent.mkdir(parents=True)
    script.write_text("#!/opt/tidegate/bin/python3\n")
    return root


def install(image: Path, *words: str) -> int:
    return main(["systemd", "install", "--root", str(image), "--command", COMMAND, *words])


def set_up(image: Path, text: str) -> None:
    """Settings of that machine."""
    file = image / units.SETTINGS.lstrip("/")
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


def unit(image: Path, path: str) -> list[str]:
    return (image / path.lstrip("/")).read_text().splitlines()


def said(capsys: pytest.CaptureFixture[str]) -> list[list[str]]:
    """What was said of each file: the verb and the name of the file."""
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    return [[words[0], Path(words[1]).name] for words in lines if len(words) == 2 and words[1].startswith("/")]


@pytest.mark.parametrize("name", sorted(units.PACKAGED))
def test_the_packaged_files_are_what_install_would_write(checkout: Path, name: str) -> None:
    assert (checkout / "systemd" / name).read_text() == units.PACKAGED[name], (
        "write them again: python -m tidegate.cli.systemd_units systemd"
    )


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="NOT RUN, absent: systemd-analyze")
def test_check_42_the_unit_is_hardly_exposed(checkout: Path) -> None:
    done = subprocess.run(
        [
            "systemd-analyze",
            "security",
            "--offline=true",
            "--no-pager",
            f"--threshold={MOST_EXPOSED}",
            checkout / "systemd" / "tidegate.service",
        ],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert "Unknown" not in done.stderr


def test_a_second_time_nothing_changes(image: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names = ["tidegate.conf", "tidegate.conf", "tidegate.yml", "tidegate.socket", "tidegate.service"]
    assert install(image) == EXIT_OK
    assert said(capsys) == [["create", name] for name in names]
    settings = image / units.SETTINGS.lstrip("/")
    assert settings.stat().st_mode & 0o777 == 0o640
    assert "path.data: /var/lib/tidegate" in settings.read_text()
    assert f"ExecStart={COMMAND} run -c {units.SETTINGS}" in unit(image, units.SERVICE_FILE)
    before = {path: path.stat().st_mtime_ns for path in image.rglob("*")}
    assert install(image) == EXIT_OK
    assert said(capsys) == [["yours" if name == "tidegate.yml" else "unchanged", name] for name in names]
    assert {path: path.stat().st_mtime_ns for path in image.rglob("*")} == before


def test_a_dry_run_writes_nothing(image: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = sorted(image.rglob("*"))
    assert install(image, "--dry-run") == EXIT_OK
    assert "Nothing was written" in capsys.readouterr().out
    assert sorted(image.rglob("*")) == before


def test_the_units_follow_the_settings(image: Path, capsys: pytest.CaptureFixture[str]) -> None:
    install(image)
    set_up(
        image,
        "apm-server.host: ':8201'\napm-server.shutdown_timeout: 2m\napm-server.max_connections: 100000\n"
        "apm-server.auth.secret_token: ${AGENT_TOKEN}\npath.data: /srv/tidegate\noutput.local.enabled: true\n",
    )
    credentials = image / units.CREDENTIALS.lstrip("/")
    credentials.mkdir(parents=True)
    for name in ("AGENT_TOKEN", ".hidden", "AGENT TOKEN"):
        (credentials / name).write_text("a-token-0123456789\n")
    capsys.readouterr()
    assert install(image) == EXIT_OK
    out = capsys.readouterr().out
    assert "    -ListenStream=127.0.0.1:8200\n    +ListenStream=0.0.0.0:8201\n    +ListenStream=[::]:8201\n" in out
    service = unit(image, units.SERVICE_FILE)
    assert {
        "TimeoutStopSec=135",
        "LimitNOFILE=101024",
        "ReadWritePaths=/srv/tidegate",
        f"LoadCredential=AGENT_TOKEN:{units.CREDENTIALS}/AGENT_TOKEN",
    } <= set(service)
    assert sum(line.startswith("LoadCredential") for line in service) == 1
    assert "a-token" not in out
    assert "d /srv/tidegate 0700 tidegate tidegate -" in unit(image, units.MODES_FILE)


@pytest.mark.parametrize(
    ("host", "lines"),
    [
        ("192.0.2.1:8200", ["ListenStream=192.0.2.1:8200", "FreeBind=yes"]),
        ("[::1]:8200", ["ListenStream=[::1]:8200"]),
        ("unix:/run/apm%.sock", ["ListenStream=/run/apm%%.sock", "SocketMode=0660"]),
    ],
)
def test_addresses_of_the_socket(image: Path, host: str, lines: list[str]) -> None:
    set_up(image, f"apm-server.host: '{host}'\noutput.local.enabled: true\n")
    assert install(image) == EXIT_OK
    socket = unit(image, units.SOCKET_FILE)
    assert [line for line in lines if line not in socket] == []
    assert ("FreeBind=yes" in socket) == ("FreeBind=yes" in lines)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ("apm-server.host: 'unix:/run/tidegate/intake.sock'", "goes with the service"),
        ("path.data: /home/me/data", "path.data: /home/me/data lies in /home"),
        ("apm-server.host: 'http://x:8200'", "apm-server.host"),
        ("apm-server.auth.secret_token: ${NOWHERE}", "NOWHERE"),
    ],
)
def test_settings_that_do_not_fit(image: Path, capsys: pytest.CaptureFixture[str], settings: str, words: str) -> None:
    set_up(image, f"{settings}\noutput.local.enabled: true\n")
    assert install(image) == EXIT_SETTINGS
    assert words in capsys.readouterr().err
    assert not (image / units.SERVICE_FILE.lstrip("/")).exists()


def test_what_is_not_ours_is_not_touched(image: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = image / units.SERVICE_FILE.lstrip("/")
    file.parent.mkdir(parents=True)
    file.write_text("[Service]\n")
    assert install(image) == EXIT_FAILURE
    assert "was not written by" in capsys.readouterr().err
    assert not (image / units.SOCKET_FILE.lstrip("/")).exists(), "all or nothing"
    assert main(["systemd", "uninstall", "--root", str(image)]) == EXIT_FAILURE
    assert file.read_text() == "[Service]\n"
    file.unlink()
    file.symlink_to("/dev/null")
    assert install(image) == EXIT_FAILURE
    assert "masked?" in capsys.readouterr().err


def test_uninstall_leaves_what_is_the_operators(image: Path, capsys: pytest.CaptureFixture[str]) -> None:
    install(image)
    assert main(["systemd", "uninstall", "--root", str(image), "--dry-run"]) == EXIT_OK
    assert (image / units.SERVICE_FILE.lstrip("/")).exists()
    assert main(["systemd", "uninstall", "--root", str(image)]) == EXIT_OK
    left = [path.name for path in image.rglob("*") if path.is_file()]
    assert sorted(left) == ["tidegate", "tidegate.yml"]
    capsys.readouterr()
    assert main(["systemd", "uninstall", "--root", str(image)]) == EXIT_OK
    assert "not there" in capsys.readouterr().out


@pytest.mark.parametrize(
    "command", ["/home/me/.venv/bin/tidegate", "/root/tidegate", "/tmp/x/tidegate", "/opt/a b/tidegate"]
)
def test_a_command_that_the_service_cannot_reach(image: Path, capsys: pytest.CaptureFixture[str], command: str) -> None:
    script = image / command.lstrip("/")
    script.parent.mkdir(parents=True)
    script.write_text("#!/usr/bin/python3\n")
    assert main(["systemd", "install", "--root", str(image), "--command", command]) == EXIT_FAILURE
    error = capsys.readouterr().err
    assert command in error
    assert "/opt/tidegate" in error


def test_an_interpreter_that_the_service_cannot_reach(image: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (image / COMMAND.lstrip("/")).write_text("#!/home/me/.pyenv/bin/python3 -I\n")
    assert install(image) == EXIT_FAILURE
    assert "/home/me/.pyenv/bin/python3 lies in /home" in capsys.readouterr().err


def test_a_command_that_is_not_there(image: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["systemd", "install", "--root", str(image), "--command", "/opt/other/tidegate"]) == EXIT_FAILURE
    assert "is not there" in capsys.readouterr().err


def test_links_and_modes_count_on_this_machine(tmp_path: Path) -> None:
    assert hidden(Path("/usr/bin/python3")) is None
    assert unreachable([Path("/bin/sh")]) is None
    link = tmp_path / "link"
    link.symlink_to("/bin/sh")
    assert "lies in /tmp" in str(unreachable([link])) or tmp_path.parts[1] != "tmp"
    assert "cannot be looked at" in str(unreachable([Path("/usr/bin/no-such-program")]))
