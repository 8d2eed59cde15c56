"""`tidegate check`: what it says of settings, and that it leaves everything as it is."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

import pytest
from tidegate.cli.main import main
from tidegate.daemon.errors import EXIT_FAILURE, EXIT_OK, EXIT_SETTINGS

pytestmark = pytest.mark.usefixtures("alone")
CLUSTER = "output.elasticsearch:\n  hosts: [https://es.example:9200]\n"


def test_valid(alone: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("check opens no network")

    monkeypatch.setattr(socket, "socket", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    file = alone / "tidegate.yml"
    file.write_text(f"apm-server.hots: x\n{CLUSTER}")
    before = sorted(alone.rglob("*"))
    assert main(["check"]) == EXIT_OK
    out, err = capsys.readouterr()
    assert out == "Config OK\n"
    first, warning = err.splitlines()
    assert first == f"settings: {file}; data: {alone}/state/tidegate"
    assert warning.startswith(f"warning: {file}:1: apm-server.hots: ")
    assert sorted(alone.rglob("*")) == before


def test_every_error_at_once_with_key_file_and_line(alone: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = alone / "given.yml"
    file.write_text("apm-server:\n  read_timeout: soon\n  max_event_size: big\noutput.kafka.hosts: [k:9092]\n")
    assert main(["check", "-c", str(file)]) == EXIT_SETTINGS
    out, err = capsys.readouterr()
    assert out == ""
    assert [line.split(": ")[1:3] for line in err.splitlines() if line.startswith("error: ")] == [
        [f"{file}:2", "apm-server.read_timeout"],
        [f"{file}:3", "apm-server.max_event_size"],
        [f"{file}:4", "output.kafka.hosts"],
    ]


@pytest.mark.parametrize("content", [None, "no certificate"])
def test_certificates_that_cannot_be_used(alone: Path, capsys: pytest.CaptureFixture[str], content: str | None) -> None:
    """A worker would refuse to start with them."""
    authority = alone / "ca.pem"
    if content is not None:
        authority.write_text(content)
    (alone / "tidegate.yml").write_text(f"{CLUSTER}  ssl.certificate_authorities: [{authority}]\n")
    assert main(["check"]) == EXIT_SETTINGS
    out, err = capsys.readouterr()
    assert out == ""
    assert "error: output.elasticsearch.ssl: " in err


def test_nothing_to_connect_to(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "--connect"]) == EXIT_OK
    assert "there is nothing to connect to" in capsys.readouterr().out


def test_nobody_answers(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))  # bound and not listening: refused
        host = f"http://127.0.0.1:{unused.getsockname()[1]}"
        assert main(["check", "--connect", "-E", f"output.elasticsearch.hosts={host}"]) == EXIT_FAILURE
    ok, *findings = capsys.readouterr().out.splitlines()
    assert ok == "Config OK"
    assert findings == [f"finding: Elasticsearch at {host} cannot be reached: Connection refused"]


def test_without_a_file_and_without_a_home(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.delenv("XDG_STATE_HOME")
    assert main(["check"]) == EXIT_SETTINGS
    assert "path.data" in capsys.readouterr().err
