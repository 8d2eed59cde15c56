"""`tidegate agent-config`: rules in the file beside the local store, as a person changes them, and as a worker reads them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tidegate.cli.main import main
from tidegate.daemon.errors import EXIT_FAILURE, EXIT_OK, EXIT_USAGE
from tidegate.workers.store.local_rules import LocalRules
from tidegate.workers.store.rules import Rule, Rules

pytestmark = pytest.mark.usefixtures("alone")


@pytest.fixture
def file(alone: Path) -> Path:
    return alone / "data" / "agent-configuration.json"


def call(*words: str) -> int:
    return main(["agent-config", *words, "-E", "path.data=data"])


def found(file: Path, service: str, environment: str = "") -> Rule | None:
    reading = LocalRules(file).read()
    assert reading is not None
    return Rules(reading.rules).find(service, environment)


def settings_of(file: Path, service: str, environment: str = "") -> dict[str, str] | None:
    rule = found(file, service, environment)
    return None if rule is None else rule.settings


def test_a_rule_from_its_first_setting_to_its_end(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("list") == EXIT_OK
    assert "no rules" in capsys.readouterr().err
    assert call("set", "--service", "shop", "transaction_sample_rate=0.1") == EXIT_OK
    assert settings_of(file, "shop") == {"transaction_sample_rate": "0.1"}
    first = found(file, "shop")
    assert call("set", "--service", "shop", "capture_body=all", "--agent", "java") == EXIT_OK
    second = found(file, "shop")
    assert second is not None and first is not None
    assert (second.settings, second.agent_name) == ({"capture_body": "all", "transaction_sample_rate": "0.1"}, "java")
    assert second.etag != first.etag
    capsys.readouterr()
    assert call("set", "--service", "shop", "capture_body=all") == EXIT_OK
    assert "nothing has changed" in capsys.readouterr().err
    assert found(file, "shop") == second
    assert call("set", "--service", "shop", "--unset", "capture_body") == EXIT_OK
    assert settings_of(file, "shop") == {"transaction_sample_rate": "0.1"}
    assert call("delete", "--service", "shop") == EXIT_OK
    assert found(file, "shop") is None
    assert call("delete", "--service", "shop") == EXIT_FAILURE
    assert "no rule for service shop" in capsys.readouterr().err


def test_places_are_told_apart(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for place in (
        ["--all"],
        ["--environment", "prod"],
        ["--service", "shop"],
        ["--service", "shop", "--environment", "prod"],
    ):
        assert call("set", *place, f"name={'-'.join(place).strip('-')}") == EXIT_OK
    asked = [("cart", "qa"), ("cart", "prod"), ("shop", "qa"), ("shop", "prod")]
    assert [(settings_of(file, *one) or {})["name"] for one in asked] == [
        "all",
        "environment-prod",
        "service-shop",
        "service-shop---environment-prod",
    ]
    capsys.readouterr()
    assert call("list") == EXIT_OK
    assert capsys.readouterr().out.splitlines()[::2] == [
        "service shop, environment prod",
        "service shop, any environment",
        "any service, environment prod",
        "any service, any environment",
    ]
    assert call("list", "--json") == EXIT_OK
    documents = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert {tuple(document) for document in documents} == {
        ("@timestamp", "service", "settings", "etag", "applied_by_agent")
    }


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["set", "log_level=info"], "for whom?"),
        (["set", "--all", "--service", "shop", "log_level=info"], "for whom?"),
        (["delete"], "for whom?"),
        (["set", "--service", "shop"], "what is to be set?"),
        (["set", "--service", "shop", "log_level"], "is not NAME=VALUE"),
        (["set", "--service", "shop", "log_level="], "is not NAME=VALUE"),
        (["set", "--service", "shop", "Log Level=info"], "is no name of a setting"),
        (["set", "--service", "shop", "transaction_sample_rate=2"], "from 0 to 1"),
        (["set", "--service", "shop", "transaction_sample_rate=often"], "from 0 to 1"),
        (["set", "--service", "sh\x1bop", "log_level=info"], r"'sh\\x1bop'"),
    ],
)
def test_wrong_usage(words: list[str], said: str, file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(*words) == EXIT_USAGE
    assert said in capsys.readouterr().err
    assert not file.exists()


def test_what_others_have_written_is_shown_safely(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.parent.mkdir()
    file.write_text('[{"service": {"name": "a\\u001b[31m"}, "settings": {"x": "\\u202e"}, "etag": "e"}]')
    assert call("list") == EXIT_OK
    out = capsys.readouterr().out
    assert "\x1b" not in out
    assert "\u202e" not in out


def test_a_damaged_file_is_told(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.parent.mkdir()
    file.write_text("{")
    assert call("list") == EXIT_FAILURE
    assert "is damaged" in capsys.readouterr().err
    assert call("set", "--service", "shop", "log_level=info") == EXIT_FAILURE
    assert file.read_text() == "{"


def test_a_cluster_that_is_away_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert call("list", "-E", "output.elasticsearch.hosts=127.0.0.1:1") == EXIT_FAILURE
    assert "Elasticsearch at http://127.0.0.1:1 cannot be asked" in capsys.readouterr().err
    assert call("list", "-E", "output.elasticsearch.hosts=127.0.0.1:1", "--as", "me") == EXIT_FAILURE
    assert "TIDEGATE_SETUP_PASSWORD" in capsys.readouterr().err


def test_the_role_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["agent-config", "role"]) == EXIT_OK
    (index,) = json.loads(capsys.readouterr().out)["indices"]
    assert index["names"] == [".apm-agent-configuration"]
    assert index["allow_restricted_indices"] is True
