"""`tidegate exposure`: exit codes, both outputs, and that it leaves everything as it is."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tidegate.cli import exposure
from tidegate.cli.exposed.finding import Severity
from tidegate.cli.main import main
from tidegate.daemon.errors import EXIT_FAILURE, EXIT_OK, EXIT_SETTINGS, EXIT_USAGE

pytestmark = pytest.mark.usefixtures("alone")
OPEN = ("-E", "apm-server.host=0.0.0.0:8200", "-E", "output.local.enabled=true")


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ((), EXIT_OK),
        (("--fail-on", "note"), EXIT_FAILURE),
        (("--fail-on", "low"), EXIT_OK),
        (OPEN, EXIT_FAILURE),
        ((*OPEN, "--fail-on", "critical"), EXIT_FAILURE),
        (("-E", "output.elasticsearch.hosts=http://127.0.0.1:1"), EXIT_OK),
        (("-E", "apm-server.read_timeout=soon"), EXIT_SETTINGS),
    ],
)
def test_exit_codes(alone: Path, words: tuple[str, ...], code: int) -> None:
    assert main(["exposure", *words]) == code
    assert list(alone.iterdir()) == [], "it makes nothing"


def test_wrong_usage() -> None:
    with pytest.raises(SystemExit) as left:
        main(["exposure", "--fail-on", "everything"])
    assert left.value.code == EXIT_USAGE


def test_the_store_is_not_asked(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["exposure", "--json", "-E", "output.elasticsearch.hosts=http://127.0.0.1:1"]
    main(words)
    asked = json.loads(capsys.readouterr().out)
    main([*words, "--no-store"])
    not_asked = json.loads(capsys.readouterr().out)
    assert "store-not-checked" in {one["id"] for one in asked["findings"]}
    assert "store-not-checked" not in {one["id"] for one in not_asked["findings"]}
    assert not_asked["store"].endswith(", not asked")


def test_no_secret_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    main(["exposure", *OPEN, "-E", "apm-server.auth.secret_token=a-token-of-some-length"])
    out, err = capsys.readouterr()
    assert "critical:" not in out and "high: secret-on-command-line" in out
    assert "a-token-of-some-length" not in out + err


def test_severities_are_named_once() -> None:
    assert tuple(one.value for one in Severity) == exposure.SEVERITIES
