"""What Elasticsearch's answers about the settings' own credentials tell."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from settings_loading import Loading
from tidegate.cli.exposed import store_rules
from tidegate.cli.exposed.finding import Severity
from tidegate.cli.exposed.store_answers import ask
from tidegate.workers.setup.roles import RUN_ROLE

CRITICAL, HIGH, MEDIUM, LOW, NOTE = Severity
LEAST: dict[str, Any] = {
    "cluster": {"all": False, "manage_security": False, "manage": False},
    "index": {"traces-apm*": {"read": False, "write": False, "delete": False, "index": False}},
}


def answer(cluster: str = "", **index: bool) -> dict[str, Any]:
    changed = {**LEAST["index"]["traces-apm*"], **index}
    return {
        "cluster": {name: name == cluster for name in LEAST["cluster"]},
        "index": {"traces-apm*": dict.fromkeys(changed, False), "logs-apm.error-default": changed},
    }


@pytest.mark.parametrize(
    ("privileges", "user", "expected"),
    [
        (LEAST, {"roles": []}, {}),
        (LEAST, {"roles": ["tidegate"]}, {}),
        (LEAST, None, {}),
        ("nonsense", "nonsense", {}),
        (LEAST, {"roles": ["superuser"]}, {"store-superuser": HIGH}),
        (answer(cluster="all"), {"roles": ["mine"]}, {"store-superuser": HIGH}),
        (answer(cluster="manage_security"), {"roles": ["mine"]}, {"store-administrator": HIGH}),
        (answer(cluster="manage"), None, {"store-administrator": HIGH}),
        (answer(read=True), {"roles": ["mine"]}, {"store-readable": MEDIUM}),
        (answer(delete=True), {"roles": ["mine"]}, {"store-changeable": MEDIUM}),
        (answer(index=True, read=True), None, {"store-readable": MEDIUM, "store-changeable": MEDIUM}),
    ],
)
def test_rights(privileges: Any, user: Any, expected: dict[str, Severity]) -> None:
    found = list(store_rules.rights(privileges, user, "output.elasticsearch"))
    assert {one.id: one.severity for one in found} == expected
    assert all(one.key == "output.elasticsearch.api_key" and "--print-role" in one.value for one in found)


def test_nothing_is_asked_that_the_least_role_gives() -> None:
    asked = store_rules.question("default")
    given = {name for entry in RUN_ROLE["indices"][:1] for name in entry["privileges"]}
    assert not given & set(asked["index"][0]["privileges"])
    assert not set(RUN_ROLE["cluster"]) & set(asked["cluster"])
    assert "logs-apm.error-default" in asked["index"][0]["names"]


def test_security_that_is_off_and_a_store_that_cannot_be_asked(tmp_path: Path) -> None:
    assert store_rules.security_off("output.elasticsearch").severity is HIGH
    settings = Loading(tmp_path)(None, "output.elasticsearch.hosts=http://127.0.0.1:1")
    (client,) = store_rules.clients(settings)
    (found,) = ask(client, "default")
    assert (found.id, found.severity) == ("store-not-checked", NOTE)
    assert "127.0.0.1:1 cannot be reached" in found.text


def test_clients_are_told_once(tmp_path: Path) -> None:
    own = "apm-server.agent.config.elasticsearch: {hosts: [https://other:9200], username: u, password: p}\n"
    text = "output.elasticsearch: {hosts: [https://es:9200], api_key: 'a:b'}\n"
    names = [one.name for one in store_rules.clients(Loading(tmp_path)(text + own))]
    assert names == ["output.elasticsearch", "apm-server.agent.config.elasticsearch"]
    assert [one.name for one in store_rules.clients(Loading(tmp_path)(text))] == ["output.elasticsearch"]
    keys = text + "apm-server.auth.api_key.enabled: true\n"
    assert [one.has_credentials for one in store_rules.clients(Loading(tmp_path)(keys))] == [True, False]
    assert store_rules.clients(Loading(tmp_path)("output.local.enabled: true")) == []
