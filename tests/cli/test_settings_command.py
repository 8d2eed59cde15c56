"""`tidegate settings`: what is in force, from where, and no secret."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tidegate.cli.main import main
from tidegate.cli.settings import lines
from tidegate.cli.terminal import ASCII, Terminal
from tidegate.daemon.errors import EXIT_OK
from tidegate.daemon.settings.effective import Row
from tidegate.daemon.settings.yaml_file import read_yaml

pytestmark = pytest.mark.usefixtures("alone")
PLAIN = Terminal(80, False, ASCII)
SECRET = "a-marked-secret"


@pytest.fixture
def file(alone: Path) -> Path:
    path = alone / "tidegate.yml"
    path.write_text(
        f"output.elasticsearch:\n  hosts: [es.example]\n  api_key: id:{SECRET}\n  headers: {{x-key: {SECRET}}}\n"
        "apm-server.default_service_environment: ${PLACE}\n"
    )
    return path


def test_what_is_not_at_its_default(
    file: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PLACE", "here: there")
    assert main(["settings", "-E", "tidegate.workers=1"]) == EXIT_OK
    out, err = capsys.readouterr()
    assert err == f"settings: {file}; data: {file.parent}/state/tidegate\n"
    rows = {line.partition(":")[0]: " ".join(line.partition(":")[2].split()) for line in out.splitlines()}
    assert rows == {
        "output.elasticsearch.hosts": f"es.example # {file}:2",
        "output.elasticsearch.api_key": f'"***" # {file}:3',
        "output.elasticsearch.headers": f'"***" # {file}:4',
        "apm-server.default_service_environment": f'"here: there" # {file}:5 (environment PLACE)',
        "tidegate.workers": "1 # -E",
        "path.data": f"{file.parent}/state/tidegate # environment XDG_STATE_HOME",
    }
    leaves, problems = read_yaml(out, "printed")
    assert problems == [] and len(leaves) == len(rows)


@pytest.mark.parametrize("more", [[], ["--all"], ["--json"], ["--json", "--all"]])
def test_no_secret_in_any_form(
    file: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, more: list[str]
) -> None:
    monkeypatch.setenv("PLACE", "x")
    assert main(["settings", "-E", f"cloud.auth=u:{SECRET}", "-E", "cloud.id=n:ZXhhbXBsZS5jb20kYWJj", *more]) == EXIT_OK
    out, err = capsys.readouterr()
    assert SECRET not in out + err
    assert "***" in out


def test_json(file: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLACE", "x")
    assert main(["settings", "--json", "--all", "-E", "apm-server.hots=1"]) == EXIT_OK
    found = json.loads(capsys.readouterr().out)
    assert found["file"] == str(file) and found["output"] == "elasticsearch"
    assert len(found["warnings"]) == 1
    assert found["settings"]["apm-server.idle_timeout"] == {"value": "45s", "origin": "default"}


def test_lines() -> None:
    rows = [Row("a.key", "on: off", "-E"), Row("another.much.longer.key", "", "f.yml:1"), Row("b", "*", "x\x1b")]
    assert lines(rows, PLAIN) == [
        'a.key:                   "on: off"  # -E',
        'another.much.longer.key: ""         # f.yml:1',
        'b:                       "*"        # x\\x1b',
    ]
    assert lines([], PLAIN) == []
